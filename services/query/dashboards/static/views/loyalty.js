/** The loyalty programme: what is owed to members, who is in which tier, what moved by month. */

import { ask } from '../api.js';
import { bar, flows } from '../charts.js';
import { fill, h } from '../dom.js';
import { calendarDay, count, month, share, signed, t, tierName } from '../language.js';
import { live } from '../live.js';
import { card, typed } from '../parts.js';
import { narrow } from './customers.js';

const EVERY_MS = 5_000;
const MONTHS = 24;

export function loyalty(main, signal) {
  const heads = h('div', { class: 'notes in-row' });
  const tiers = h('div', {});
  const months = h('div', {});
  const expiring = h('div', {});
  main.replaceChildren(
    h('h1', {}, t('loyalty.title')), heads,
    h('div', { class: 'grid' },
      card(t('loyalty.months'), months),
      h('div', { class: 'notes' }, card(t('loyalty.tiers'), tiers), card(t('loyalty.expiring'), expiring))));

  live(async () => {
    const found = await ask('v1/loyalty', { signal });
    const { members, liability, debt, returnable, spoken_for: spokenFor, breakage_percent: breakage } = found;
    fill(heads, { members, liability, debt, returnable, spokenFor, breakage }, headed);
    fill(tiers, { tiers: found.tiers, members }, tiered);
    fill(months, found.months.slice(-MONTHS), moved);
    fill(expiring, found.expiring, ending);
  }, EVERY_MS, signal);
}

function headed({ members, liability, debt, returnable, spokenFor, breakage }) {
  const note = (name, number, more) => h('section', { class: 'card note' }, h('h2', {}, t(`loyalty.${name}`)), h('strong', {}, number), h('p', {}, more));
  return [
    note('liability', count(liability), t('loyalty.liabilityMore', { returnable, spokenFor })),
    note('members', count(members), debt ? t('loyalty.debt', { n: debt }) : t('loyalty.noDebt')),
    note('breakage', breakage === null ? t('none') : share(breakage), t('loyalty.breakageMore')),
  ];
}

function tiered({ tiers, members }) {
  if (!members) return h('p', { class: 'empty' }, t('loyalty.none'));
  return h('ul', { class: 'bars tiers' }, tiers.map((one) => h('li', {},
    one.tier === null
      ? h('span', {}, t('loyalty.noTier'))
      : h('a', { href: '#/customers', title: threshold(one), onclick: () => narrow({ tier: one.tier }) }, typed(tierName(one.tier))),
    bar(one.members / Math.max(1, members), 'trade'),
    h('span', { class: 'number' }, count(one.members)))));
}

function threshold(one) {
  return one.threshold === null ? '' : t('loyalty.threshold', { n: one.threshold });
}

const NAMES = ['earned', 'redeemed', 'expired', 'reversed'];

function moved(months) {
  if (!months.length) return h('p', { class: 'empty' }, t('loyalty.none'));
  const said = (one) => [month(one.month), ...NAMES.map((name) => `${t(`loyalty.${name}`)} ${count(one[name])}`)].join(' · ');
  const head = (name) => h('th', { scope: 'col', class: 'number' }, t(`loyalty.${name}`));
  return [
    h('p', { class: 'legend' }, NAMES.map((name) => h('span', { class: `key ${name}` }, t(`loyalty.${name}`)))),
    flows(months, said, t('loyalty.months')),
    h('p', { class: 'axis', 'aria-hidden': 'true' }, h('span', {}, month(months[0].month)), h('span', {}, month(months.at(-1).month))),
    h('div', { class: 'scrolls' }, h('table', { class: 'months' },
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t('loyalty.month')), ...NAMES.map(head), head('adjusted'), head('breakage'), head('outstanding'))),
      h('tbody', {}, [...months].reverse().map((one) => h('tr', {},
        h('th', { scope: 'row' }, month(one.month)),
        ...NAMES.map((name) => h('td', { class: 'number' }, count(one[name]))),
        h('td', { class: 'number' }, signed(one.adjusted)),
        h('td', { class: 'number' }, one.breakage_percent === null ? t('none') : share(one.breakage_percent)),
        h('td', { class: 'number' }, count(one.outstanding))))))),
  ];
}

const SOON = 10;

function ending(expiring) {
  if (!expiring.length) return h('p', { class: 'empty' }, t('loyalty.nothingEnds'));
  const all = expiring.reduce((sum, one) => sum + one.points, 0);
  return [
    h('p', { class: 'hint' }, t('loyalty.endsInAll', { n: all })),
    h('ul', { class: 'lots' }, expiring.slice(0, SOON).map((one) => h('li', {},
      h('strong', {}, count(one.points)), h('span', {}, calendarDay(one.on)), h('span', { class: 'soft' }, t('loyalty.ofMembers', { n: one.members }))))),
  ];
}
