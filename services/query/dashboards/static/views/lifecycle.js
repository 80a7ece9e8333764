/** The lifecycle of all customers: who stands where, who moved, and how long they stay. */

import { ask } from '../api.js';
import { bar } from '../charts.js';
import { fill, h } from '../dom.js';
import { count, machineName, stageName, t } from '../language.js';
import { live } from '../live.js';
import { card, chips, typed } from '../parts.js';
import { narrow } from './customers.js';

const EVERY_MS = 5_000;
const PERIODS = [7, 30, 90, 365];
const DAY_MS = 86_400_000;

// Kept while the tab lives, for the way back.
const asked = { machine: 'default', days: 30 };

export function lifecycle(main, signal) {
  let found = null;
  const machines = h('div', {});
  const periods = h('div', {});
  const means = h('p', { class: 'lead' });
  const stages = h('div', {});
  const moves = h('div', {});

  function draw() {
    const machine = found.machines.find((one) => one.machine === asked.machine) ?? found.machines[0];
    if (!machine) return;
    fill(machines, [found.machines.map((one) => one.machine), machine.machine], ([names, chosen]) =>
      chips(t('lifecycle.machine'), names.map((name) => ({ value: name, text: typed(machineName(name)) })), (name) => name === chosen, (name) => {
        asked.machine = name;
        draw();
      }));
    means.replaceChildren(typed(machine.means));
    fill(stages, machine, staged);
    fill(moves, machine.moves, moved);
  }

  async function look() {
    const from = new Date(Date.now() - (asked.days - 1) * DAY_MS).toISOString().slice(0, 10);
    found = await ask('v1/lifecycle', { query: { from }, signal });
    draw();
  }

  const again = live(look, EVERY_MS, signal);

  function drawPeriods() {
    fill(periods, asked.days, (chosen) =>
      chips(t('lifecycle.period'), PERIODS.map((days) => ({ value: days, text: t('lifecycle.days', { n: days }) })), (days) => days === chosen, (days) => {
        asked.days = days;
        drawPeriods();
        again();
      }));
  }

  drawPeriods();
  main.replaceChildren(
    h('h1', {}, t('lifecycle.title')), machines, means,
    h('section', { class: 'card' },
      h('div', { class: 'headed' }, h('h2', {}, t('lifecycle.stages')), periods), stages),
    card(t('lifecycle.moves'), h('p', { class: 'hint' }, t('lifecycle.movesLead')), moves));
}

function staged(machine) {
  if (!machine.customers) return h('p', { class: 'empty' }, t('lifecycle.none'));
  const highest = Math.max(1, ...machine.stages.map((stage) => stage.customers));
  const head = (name, kind = '') => h('th', { scope: 'col', class: kind }, t(`lifecycle.${name}`));
  return h('div', { class: 'scrolls' }, h('table', { class: 'stages' },
    h('thead', {}, h('tr', {}, head('stage'), head('customers', 'number'), h('td', { class: 'wide' }), head('median', 'number'), head('came', 'number'), head('went', 'number'))),
    h('tbody', {}, machine.stages.map((stage, place) => row(machine, stage, highest, place)))));
}

const HUES = ['other', 'mail', 'trade', 'trade', 'trade', 'voice', 'service', 'person'];

function row(machine, stage, highest, place) {
  const days = (number) => (number === null ? t('none') : t('lifecycle.days', { n: number }));
  const share = machine.customers ? stage.customers / machine.customers : 0;
  return h('tr', {},
    h('th', { scope: 'row' }, h('a', { href: '#/customers', onclick: () => narrow({ stage: stage.stage, machine: machine.machine }) }, typed(stageName(stage.stage))),
      h('div', { class: 'hint' }, typed(stage.means))),
    h('td', { class: 'number' }, count(stage.customers), h('div', { class: 'hint' }, t('lifecycle.share', { share: Math.round(100 * share) }))),
    h('td', { class: 'wide' }, bar(stage.customers / highest, HUES[place % HUES.length])),
    h('td', { class: 'number' }, days(stage.median_days)),
    h('td', { class: 'number' }, count(stage.newcomers)),
    h('td', { class: 'number' }, count(stage.left), stage.median_days_to_leave === null ? null : h('div', { class: 'hint' }, t('lifecycle.after', { n: stage.median_days_to_leave }))));
}

const MOST = 12;

function moved(moves) {
  if (!moves.length) return h('p', { class: 'empty' }, t('lifecycle.noMoves'));
  const highest = moves[0].moves;
  return h('ul', { class: 'bars moves' }, moves.slice(0, MOST).map((one) => h('li', {},
    h('span', {}, one.previous === null ? t('lifecycle.first') : typed(stageName(one.previous)), ' → ', typed(stageName(one.stage))),
    bar(one.moves / highest, 'mail'),
    h('span', { class: 'number' }, count(one.moves)))));
}
