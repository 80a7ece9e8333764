/** A customer: who it is, how much there was of everything, and what was refused to be part of it. */

import { ask, Refusal } from '../api.js';
import { bar, ring } from '../charts.js';
import { fill, h } from '../dom.js';
import { hue } from '../icons.js';
import { count, family, moment, stageName, t, tierName } from '../language.js';
import { live } from '../live.js';
import { called, card, disc, identifier, partsOf, pathOf, problemOf, since, spent, typed, wireName } from '../parts.js';
import { alertsOf } from './alerting.js';
import { points } from './points.js';
import { scores } from './scores.js';
import { standing } from './standing.js';
import { timeline } from './timeline.js';

const EVERY_MS = 2_000;
const FEW = 6;

export function customer(main, signal, id) {
  const head = h('div', { class: 'profile' });
  const who = h('div', {});
  const identifiers = h('div', {});
  const counts = h('div', {});
  const stands = h('div', {});
  const refused = h('div', {});
  const story = timeline(id, signal);
  let told = '';

  const page = h('div', { class: 'columns-of-page' },
    h('aside', {}, who, scores(id, signal), stands, counts, identifiers, refused),
    h('div', { class: 'stack' }, alertsOf(id, signal), points(id, signal), story.element));
  main.replaceChildren(
    h('a', { class: 'back', href: '#/customers' }, '← ', t('customer.back')),
    head, page);

  async function look() {
    const { position, ...found } = await ask(`v1/customers/${encodeURIComponent(id)}`, { signal });
    // It was joined by a stronger identifier, or an older link was followed.
    if (found.customer_id !== id && location.hash !== pathOf(found.customer_id)) history.replaceState(null, '', pathOf(found.customer_id));
    const text = JSON.stringify(found);
    if (text === told) {
      story.retry();
      return;
    }
    const { traits, trait_sources: sources, counts: byFamily, ...heading } = found;
    fill(head, heading, headed);
    fill(who, { traits, sources }, described);
    fill(counts, byFamily, counted);
    story.changed(found, position);
    const lifecycle = await ask(`v1/customers/${encodeURIComponent(id)}/lifecycle`, { signal });
    fill(stands, lifecycle, standing);
    const identity = await ask(`v1/customers/${encodeURIComponent(id)}/identity`, { signal });
    fill(identifiers, identity.members, named);
    fill(refused, identity, notJoined);
    page.hidden = false;
    told = text;
  }

  async function lookOrSay() {
    try {
      await look();
    } catch (error) {
      if (!(error instanceof Refusal && error.status === 404)) throw error;
      fill(head, problemOf(error), missing);
      page.hidden = true;
    }
  }

  live(lookOrSay, EVERY_MS, signal);
}

function missing(problem) {
  return [h('h1', {}, t('customer.missing')), h('p', { class: 'lead' }, problem)];
}

function headed(found) {
  const fact = (name, ...values) => h('div', {}, h('dt', {}, t(`customer.${name}`)), h('dd', {}, ...values));
  const optional = (name, value) => (value ? [fact(name, typed(value))] : []);
  return [
    disc(found),
    h('div', { class: 'title' }, h('h1', {}, typed(called(found))), h('code', {}, found.customer_id)),
    ring(found.completeness, t('customer.completeness', { percent: found.completeness })),
    h('dl', { class: 'facts' },
      fact('orders', count(found.orders)),
      fact('refunds', count(found.refunds)),
      fact('spend', spent(found.spend_minor)),
      ...optional('stage', found.stage && stageName(found.stage)),
      ...optional('tier', found.tier && tierName(found.tier)),
      fact('first', since(found.first_at)),
      fact('last', since(found.last_at))),
  ];
}

const FIRST = ['name', 'first_name', 'last_name', 'email', 'phone'];
let areSourcesShown = false;

function described({ traits, sources }) {
  const names = [...FIRST.filter((name) => name in traits), ...Object.keys(traits).filter((name) => !FIRST.includes(name)).sort()];
  const list = h('dl', { class: `traits ${areSourcesShown ? 'with-sources' : ''}` }, names.map((name) =>
    h('div', {}, h('dt', {}, wireName(name)), h('dd', {}, typed(String(traits[name])), source(sources[name])))));
  // Hovering shows one; this shows all, by keyboard and touch too.
  const toggle = h('button', {
    type: 'button', class: 'quiet', 'aria-pressed': String(areSourcesShown),
    onclick: () => {
      areSourcesShown = !areSourcesShown;
      list.classList.toggle('with-sources', areSourcesShown);
      toggle.setAttribute('aria-pressed', String(areSourcesShown));
    },
  }, t('customer.sources'));
  const title = h('div', { class: 'headed' }, h('h2', {}, t('customer.who')), names.length ? toggle : null);
  return h('section', { class: 'card' }, title, names.length ? list : h('p', { class: 'empty' }, t('customer.whoNone')));
}

function source(told) {
  if (!told) return null;
  const at = moment(new Date(told.occurred_at));
  return h('span', { class: 'source' }, t('customer.told', { source: told.source, event: told.event_id, at }));
}

function counted(byFamily) {
  const all = Object.entries(byFamily).sort(([, a], [, b]) => b - a);
  const highest = Math.max(1, ...all.map(([, number]) => number));
  return card(t('customer.counts'), h('ul', { class: 'bars' }, all.map(([name, number]) =>
    h('li', {}, h('span', {}, family(name)), bar(number / highest, hue(name)), h('span', { class: 'number' }, count(number))))));
}

function named(members) {
  return card(t('customer.identifiers'), h('ul', { class: 'members' }, members.map((member) => h('li', {},
    member.value === null
      ? h('span', { class: 'identifier' }, h('span', { class: 'kind' }, member.kind), h('em', {}, t('customer.erased')))
      : identifier(member.kind, member.value),
    member.is_common ? h('span', { class: 'tag', title: t('customer.commonWhy') }, t('customer.common')) : null))));
}

function notJoined({ refused, members }) {
  if (!refused.length) return [];
  const ours = new Set(members.map((member) => `${member.kind}:${member.value}`));
  const unique = new Map(refused.map((edge) => [`${edge.a} ${edge.b}`, edge]));
  const byReason = Object.groupBy(unique.values(), (edge) => edge.why ?? '');
  return card(t('customer.refused'),
    h('p', { class: 'hint' }, t('customer.refusedLead')),
    ...Object.entries(byReason).flatMap(([why, edges]) => [
      h('h3', {}, why ? t(`why.${why}`) : ''),
      folded(h('ul', { class: 'refused' }, edges.map((edge) => h('li', {}, otherEnd(edge, ours)))), edges.length),
    ]));
}

/** The end of a refused edge that is not this customer's. */
function otherEnd(edge, ours) {
  const others = edge.names.filter((name) => !ours.has(name));
  const names = (others.length ? others : edge.names).map((name) => identifier(...partsOf(name)));
  const id = ours.has(edge.names[0]) ? edge.b : edge.a;
  return h('a', { href: pathOf(id) }, names.length ? names : id.slice(0, 12));
}

/** A long list shows its first few until all are asked for. */
function folded(list, length) {
  if (length <= FEW) return list;
  list.classList.add('is-folded');
  const all = h('button', { type: 'button', class: 'quiet', onclick: () => {
    list.classList.remove('is-folded');
    all.remove();
  } }, t('customer.all', { n: length }));
  return h('div', {}, list, all);
}
