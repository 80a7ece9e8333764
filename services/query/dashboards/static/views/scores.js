/** A customer's scores, and what each of them is the sum of. */

import { ask } from '../api.js';
import { bar, lean } from '../charts.js';
import { fill, h } from '../dom.js';
import { bandName, calendarDay, known, money, rate, share, t, tenths, typeName, whole } from '../language.js';
import { live } from '../live.js';
import { card, typed, wireName } from '../parts.js';

const EVERY_MS = 5_000;
const MOST = 8;
const GOOD = ['health', 'satisfaction', 'p_alive'];
const open = new Set();

/** The element; it looks by itself until `signal` aborts, and is empty for who has none. */
export function scores(id, signal) {
  const element = h('div', {});

  async function look() {
    try {
      const found = await ask(`v1/customers/${encodeURIComponent(id)}/scores`, { query: { explain: true }, signal });
      fill(element, { scores: found.scores, day: found.day }, shown);
    } catch (error) {
      // Whose page this is says so itself.
      if (error.status !== 404) throw error;
    }
  }

  live(look, EVERY_MS, signal);
  return element;
}

function shown({ scores: all, day }) {
  if (!all.length) return [];
  return card(t('scores.title'),
    day ? h('p', { class: 'hint' }, t('scores.day', { day: calendarDay(day) })) : null,
    h('ul', { class: 'scores' }, all.map(scored)));
}

function scored(one) {
  const details = h('details', { open: open.has(one.name), ontoggle: () => (details.open ? open.add(one.name) : open.delete(one.name)) },
    h('summary', {},
      h('span', {}, t(`scores.${one.name}`)),
      shareOf(one) === null ? h('span', {}) : bar(shareOf(one), GOOD.includes(one.name) ? 'trade' : 'voice'),
      h('strong', { class: 'number' }, valued(one, one.value)),
      h('span', { class: 'tag' }, bandName(one.band))),
    explained(one));
  return h('li', {}, details);
}

function shareOf({ unit, value }) {
  if (unit === 'points of 100') return value / 100;
  return unit === 'probability' ? value : null;
}

function valued(one, value) {
  if (one.unit === 'probability') return share(100 * value);
  if (one.currency) return money(Math.round(value), one.currency);
  return one.name === 'expected_purchases' ? rate(value) : whole(value);
}

function explained(one) {
  const parts = one.contributions ?? [];
  const rest = parts.length - MOST;
  const highest = Math.max(1e-9, ...parts.map((part) => Math.abs(part.value)));
  return h('div', { class: 'because' },
    h('p', { class: 'hint' }, t('scores.from', { model: one.model, version: one.version.slice(0, 8) })),
    h('ul', {}, parts.slice(0, MOST).map((part) => h('li', {},
      h('span', { title: behind(part) }, named(part.name)),
      lean(part.value / highest),
      h('span', { class: 'number' }, added(one, part.value))))),
    rest > 0 ? h('p', { class: 'hint' }, t('scores.more', { n: rest })) : null);
}

/** A family of events, a type, or a feature by its own name. */
function named(name) {
  const words = known(`part.${name}`) ?? known(`family.${name}`);
  if (words) return words;
  return name.includes('.') ? typeName(name) : wireName(name);
}

function behind({ evidence, events }) {
  const facts = Object.entries(evidence).map(([name, value]) => `${name.replaceAll('_', ' ')} ${rate(value)}`);
  return [...facts, ...events.slice(0, MOST)].join('\n');
}

/** On the score's own scale: shares as points of 100. */
function added(one, value) {
  if (one.currency) return money(Math.round(value), one.currency);
  return tenths(one.unit === 'probability' ? 100 * value : value);
}
