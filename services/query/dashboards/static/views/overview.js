/** The overview: where every event is, how fast they come, and whom they touched last. */

import { account, current, lately, openLetters, SPAN_MS } from '../account.js';
import { ask } from '../api.js';
import { columns, rates, steps } from '../charts.js';
import { flash, h, keep, spoken } from '../dom.js';
import { count, rate, seconds, t } from '../language.js';
import { live } from '../live.js';
import { called, card, disc, pathOf, since, spent, typed } from '../parts.js';

const LATELY = 8;
const EVERY_MS = 2_000;

export function overview(main, signal) {
  const sum = h('p', { class: 'sum' });
  const verdict = h('p', { class: 'verdict' });
  const pace = h('div', {});
  const notes = h('div', { class: 'notes' });
  const people = h('ul', { class: 'people' });
  const filled = h('div', {});

  function update() {
    const now = current();
    if (!now) return;
    sum.replaceChildren(...equation(now));
    verdict.replaceChildren(...verdictOn(now));
    pace.replaceChildren(...paced());
    filled.replaceChildren(partitions(now));
    notes.replaceChildren(...noted(now));
  }

  account.addEventListener('change', update, { signal });
  main.replaceChildren(
    h('section', { class: 'hero' }, h('h1', {}, t('overview.title')), sum, verdict),
    h('div', { class: 'grid' },
      card(t('overview.rate'), pace, h('h3', {}, t('overview.partitions')), filled),
      notes),
    h('section', { class: 'card' },
      h('div', { class: 'headed' }, h('h2', {}, t('overview.lately')), h('a', { href: '#/customers' }, t('overview.all'))),
      people));
  update();

  live(async () => {
    const { items } = await ask('v1/customers', { query: { sort: '-last_at', limit: LATELY }, signal });
    const isFirst = people.children.length === 0;
    const fresh = keep(people, items, (item) => item.customer_id, person);
    if (!isFirst) flash(fresh);
    if (!items.length) people.replaceChildren(h('li', { class: 'empty' }, t('customers.none')));
  }, EVERY_MS, signal);
}

function equation(now) {
  const term = (number, word, kind = '') =>
    h('span', { class: `term ${kind}` }, h('strong', {}, count(number)), ' ', h('span', {}, word));
  const sign = (text, word) => h('span', { class: 'sign' }, h('span', { 'aria-hidden': 'true' }, text), spoken(` ${word} `));
  const plus = () => sign('+', t('overview.plus'));
  return [
    term(now.accepted, t('overview.accepted'), 'whole'), sign('=', t('overview.equals')),
    term(now.applied, t('overview.applied')), plus(),
    term(now.duplicate, t('overview.duplicate'), now.duplicate ? '' : 'nought'), plus(),
    term(now.deadLettered, t('overview.deadLettered'), now.deadLettered ? 'bad' : 'nought'), plus(),
    term(now.inFlight, t('overview.inFlight'), now.inFlight ? '' : 'nought'),
  ];
}

function verdictOn(now) {
  const isRight = now.accepted === now.applied + now.duplicate + now.deadLettered + now.inFlight;
  const { workspace, applied, duplicate, dead_lettered: dead } = now.own;
  return [
    h('span', { class: isRight ? 'good' : 'bad' }, t(isRight ? 'overview.addsUp' : 'overview.addsNot')), ' ',
    t('overview.own', { workspace, applied, duplicate, dead }),
  ];
}

function paced() {
  const found = rates(lately());
  const now = found.at(-1)?.rate ?? 0;
  const peak = Math.max(0, ...found.map((each) => each.rate));
  const label = t('overview.rateSaid', { now: rate(now), peak: rate(peak) });
  return [
    h('p', { class: 'reading' }, h('strong', {}, rate(now)), h('span', {}, t('overview.ratePeak', { rate: rate(peak) }))),
    steps(found, SPAN_MS, label),
    h('p', { class: 'axis', 'aria-hidden': 'true' }, h('span', {}, t('overview.rateFrom')), h('span', {}, t('overview.rateTo'))),
  ];
}

function partitions(now) {
  const all = now.partitions.map((each) => ({ whole: each.accepted, waiting: each.in_flight }));
  const describe = (each, n) => t('overview.partition', { n, accepted: each.whole, waiting: each.waiting });
  return columns(all, describe, t('overview.partitions'));
}

function noted({ lagS, inFlight, archive }) {
  const { n: dead, isMore } = openLetters();
  return [
    note(t('overview.lag'), seconds(lagS), inFlight ? t('overview.lagSome', { n: inFlight }) : t('overview.lagNone')),
    note(t('overview.archive'), count(archive.archived),
      archive.in_flight ? t('overview.archiveSome', { n: archive.in_flight }) : t('overview.archiveNone')),
    note(t('overview.dead'), count(dead) + (isMore ? '+' : ''),
      dead ? h('a', { href: '#/dead-letters' }, t('overview.deadSome')) : t('overview.deadNone'), dead ? 'bad' : ''),
  ];
}

function note(title, number, more, kind = '') {
  return h('section', { class: `card note ${kind}` }, h('h2', {}, title), h('strong', {}, number), h('p', {}, more));
}

function person(item) {
  return h('li', {},
    disc(item),
    h('a', { href: pathOf(item.customer_id) }, typed(called(item))),
    h('span', { class: 'more' }, t('customers.ordersShort', { n: item.orders })),
    h('span', { class: 'more' }, spent(item.spend_minor)),
    h('span', { class: 'when' }, since(item.last_at)));
}
