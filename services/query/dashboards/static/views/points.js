/** A customer's points, explained: the balance, the lots that it is made of, and every change of it. */

import { ask, Refusal } from '../api.js';
import { fill, h } from '../dom.js';
import { calendarDay, count, date, entry, moment, signed, t, tierName } from '../language.js';
import { live } from '../live.js';
import { problemOf, typed } from '../parts.js';

const EVERY_MS = 2_000;
const PAGE = 20;
const LOTS = 8;

/** The element; it looks by itself until `signal` aborts, and hides for who has no points. */
export function points(id, signal) {
  const path = `v1/customers/${encodeURIComponent(id)}/loyalty`;
  const sum = h('div', {});
  const lots = h('div', {});
  const rows = h('tbody', {});
  const table = h('table', { class: 'statement' }, heading(), rows);
  const said = h('p', { class: 'empty', role: 'status' });
  const day = h('input', { type: 'date', id: 'statement-day', max: new Date().toISOString().slice(0, 10), onchange: () => again() });
  const more = h('button', { type: 'button', class: 'more', hidden: true, onclick: loadMore }, t('more'));
  const element = h('section', { class: 'card points', hidden: true },
    h('h2', {}, t('points.title')), sum, lots,
    h('div', { class: 'headed' }, h('h3', {}, t('points.statement')),
      h('label', { class: 'quiet', for: 'statement-day' }, t('points.day'), ' ', day)),
    said, table, more);
  let told = '';
  let next = null;

  async function again() {
    try {
      const page = await ask(`${path}/statement`, { query: { limit: PAGE, at: day.value }, signal });
      rows.replaceChildren(...page.items.map(line));
      next = page.next_cursor;
      more.hidden = next === null;
      table.hidden = page.items.length === 0;
      said.textContent = day.value
        ? t('points.then', { day: calendarDay(day.value), points: count(page.balance), n: page.lines })
        : t('points.lines', { n: page.lines });
    } catch (error) {
      if (!signal.aborted) said.textContent = problemOf(error);
    }
  }

  async function loadMore() {
    more.disabled = true;
    try {
      const page = await ask(`${path}/statement`, { query: { limit: PAGE, at: day.value, cursor: next }, signal });
      rows.append(...page.items.map(line));
      next = page.next_cursor;
      more.hidden = next === null;
    } catch (error) {
      if (!signal.aborted) said.textContent = problemOf(error);
    } finally {
      more.disabled = false;
    }
  }

  async function look() {
    let found;
    try {
      found = await ask(path, { signal });
    } catch (error) {
      // Whose page this is says so itself.
      if (error instanceof Refusal && error.status === 404) return;
      throw error;
    }
    const { at: _, position: __, ...shown } = found;
    const text = JSON.stringify(shown);
    if (text === told) return;
    told = text;
    element.hidden = !(found.earned || found.adjusted || found.lots.length || found.debt);
    fill(sum, shown, summed);
    fill(lots, { lots: found.lots }, listed);
    if (!element.hidden) await again();
  }

  live(look, EVERY_MS, signal);
  return element;
}

function summed(found) {
  const fact = (name, value, kind = '') => h('div', { class: kind }, h('dt', {}, t(`points.${name}`)), h('dd', {}, value));
  const some = (name, number) => (number ? [fact(name, count(number))] : []);
  const soon = found.expiring.reduce((all, one) => all + one.points, 0);
  return [
    h('dl', { class: 'facts small' },
      fact('balance', count(found.balance), found.balance < 0 ? 'bad' : ''),
      fact('available', count(found.available)),
      ...some('returnable', found.returnable),
      ...some('spokenFor', found.spoken_for),
      ...some('debt', found.debt),
      ...(found.tier ? [fact('tier', typed(tierName(found.tier)))] : []),
      ...(found.tier_until ? [fact('tierUntil', date(new Date(found.tier_until)))] : [])),
    h('p', { class: 'hint' }, t('points.sum', {
      earned: found.earned, redeemed: found.redeemed, expired: found.expired, reversed: found.reversed, adjusted: signed(found.adjusted), balance: found.balance,
    })),
    soon ? h('p', { class: 'warn' }, t('points.soon', { n: soon, day: date(new Date(found.expiring[0].expires_at)) })) : null,
  ].filter(Boolean);
}

function listed({ lots }) {
  if (!lots.length) return [];
  const rest = lots.length - LOTS;
  return [
    h('h3', {}, t('points.lots')),
    h('ul', { class: 'lots' }, lots.slice(0, LOTS).map((lot) => h('li', {},
      h('strong', {}, count(lot.left)),
      h('span', {}, t('points.of', { earned: lot.earned, day: date(new Date(lot.earned_at)) })),
      h('span', { class: 'soft' }, ends(lot))))),
    rest > 0 ? h('p', { class: 'hint' }, t('points.moreLots', { n: rest })) : null,
  ].filter(Boolean);
}

function ends(lot) {
  if (lot.available_at) return t('points.from', { day: date(new Date(lot.available_at)) });
  return lot.expires_at ? t('points.until', { day: date(new Date(lot.expires_at)) }) : t('points.forever');
}

function heading() {
  const head = (name, kind = '') => h('th', { scope: 'col', class: kind }, t(`points.${name}`));
  return h('thead', {}, h('tr', {}, head('when'), head('what'), head('change', 'number'), head('after', 'number')));
}

function line(told) {
  const at = new Date(told.at);
  return h('tr', {},
    h('td', {}, h('time', { datetime: told.at, title: moment(at) }, date(at))),
    h('td', {}, h('span', {}, entry(told.kind)),
      h('div', { class: 'hint' }, told.remark ? [typed(told.remark), ' · '] : null, typed(told.source), ' ', typed(told.id))),
    h('td', { class: `number ${told.points < 0 ? 'bad' : 'good'}` }, signed(told.points)),
    h('td', { class: 'number' }, count(told.balance)));
}
