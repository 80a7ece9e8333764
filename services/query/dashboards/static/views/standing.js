/** Where a customer stands in each lifecycle machine: why, what comes next, and the way there. */

import { ways } from '../charts.js';
import { h } from '../dom.js';
import { calendarDay, fact, machineName, stageName, t } from '../language.js';
import { card, typed } from '../parts.js';

/** The card of what `GET …/lifecycle` answers; nothing where nothing happened yet. */
export function standing({ stages, history, at }) {
  const machines = Object.keys(stages).sort((a, b) => (b === 'default') - (a === 'default') || (a < b ? -1 : 1));
  if (!machines.length) return [];
  return card(t('standing.title'), ...machines.map((machine) =>
    of(machine, stages[machine], history.filter((one) => one.machine === machine), at)));
}

function of(machine, stay, way, at) {
  return h('section', { class: 'stands' },
    h('h3', {}, typed(machineName(machine))),
    h('p', { class: 'stage' }, h('strong', {}, typed(stageName(stay.stage))), ' ',
      h('span', { class: 'soft' }, t('standing.since', { day: calendarDay(stay.since) }))),
    h('p', { class: 'hint', lang: 'en' }, typed(stay.why.rule)),
    h('dl', { class: 'whys' }, Object.entries(stay.why.facts).map(([name, value]) =>
      h('div', {}, h('dt', {}, typed(fact(name))), h('dd', {}, typed(shown(value)))))),
    stay.next
      ? h('p', { class: 'hint' }, t('standing.next', { stage: stageName(stay.next.stage), day: calendarDay(stay.next.on) }))
      : h('p', { class: 'hint' }, t('standing.stays')),
    way.length > 1 ? path(way, at) : null);
}

const DAY = /^\d{4}-\d\d-\d\d$/u;

function shown(value) {
  return typeof value === 'string' && DAY.test(value) ? calendarDay(value) : String(value);
}

/** The way as a strip, and in words for whoever opens it. */
function path(way, at) {
  const list = h('ol', { class: 'way' }, [...way].reverse().map((one) => h('li', {},
    h('span', {}, typed(stageName(one.stage))),
    h('span', { class: 'soft' }, one.until
      ? t('standing.from', { from: calendarDay(one.since), until: calendarDay(one.until) })
      : t('standing.since', { day: calendarDay(one.since) })))));
  return h('details', { class: 'whole-way' },
    h('summary', {}, ways(way, at, (one) => `${stageName(one.stage)} · ${calendarDay(one.since)}`), h('span', {}, t('standing.way', { n: way.length }))),
    list);
}
