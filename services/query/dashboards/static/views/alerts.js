/** Alerts: what somebody should look at now, as it comes, and how often each rule was right. */

import { ask } from '../api.js';
import { bar } from '../charts.js';
import { fill, flash, h, keep } from '../dom.js';
import { count, ruleName, share, t } from '../language.js';
import { listing } from '../listing.js';
import { live, settled } from '../live.js';
import { card, typed } from '../parts.js';
import { stream } from '../stream.js';
import { item } from './alerting.js';

const EVERY_MS = 15_000;
const RULES_EVERY_MS = 30_000;
const SETTLED_MS = 150;
const STATES = ['open', 'acknowledged', 'snoozed', 'closed'];

export function alerts(main, signal) {
  let means = null;
  let latest = null;
  let isFirst = true;

  const figures = h('div', {});
  const { filter, said, list, more, look, drawn, isLong } = listing({
    path: 'v1/alerts',
    parameter: 'status',
    title: t('alerts.filter'),
    options: STATES.map((value) => ({ value, text: t(`alerts.status.${value}`) })),
    listed: 'alerts',
    draw,
    forget: () => { isFirst = true; },
    again: () => again(),
    signal,
  });

  function draw(items, state) {
    // An item that got its words later would be made anew, under the hand of who clicks on it.
    if (means === null) return;
    const shown = items.map((one) => ({ ...one, means: means[one.rule] ?? '' }));
    const fresh = keep(list, shown, (one) => one.alert_id,
      ({ means: words, ...one }) => item(one, { signal, means: words, changed: (position) => look(position) }));
    if (!isFirst) flash(fresh);
    isFirst = false;
    said.textContent = items.length ? '' : t(state === 'open' ? 'alerts.none' : 'alerts.noneOther');
  }

  const rules = card(t('alerts.rules'), h('p', { class: 'hint' }, t('alerts.rulesLead')), figures);
  const toRules = h('button', { type: 'button', class: 'quiet', onclick: () => rules.scrollIntoView({ behavior: 'smooth' }) }, t('alerts.toRules'));
  main.replaceChildren(
    h('h1', {}, t('alerts.title')), h('p', { class: 'lead' }, t('alerts.lead')),
    h('div', { class: 'headed' }, filter, toRules),
    said, list, more, rules);

  live(async () => {
    try {
      const found = await ask('v1/alerts/rules', { signal });
      means = Object.fromEntries(found.items.map((one) => [one.rule, one.means]));
      fill(figures, found.items, ruled);
    } finally {
      means ??= {};
      drawn();
    }
  }, RULES_EVERY_MS, signal);
  const again = live(() => look(), EVERY_MS, signal);
  const soon = settled(() => {
    if (!isLong()) look(latest).catch(() => again());
  }, SETTLED_MS);
  stream('v1/alerts/stream', (event) => {
    // Scoring may be a moment behind what was told: the answer waits for it.
    latest = event.id ?? latest;
    soon();
  }, signal);
}

function ruled(rules) {
  const head = (name, kind = '') => h('th', { scope: 'col', class: kind }, t(`alerts.${name}`));
  return h('div', { class: 'scrolls' }, h('table', { class: 'ruled' },
    h('thead', {}, h('tr', {}, head('rule'), head('nowOpen', 'number'), head('raised', 'number'), head('acted', 'number'), head('precision', 'wide'), head('judged', 'number'))),
    h('tbody', {}, rules.map(line))));
}

function line(one) {
  const judged = one.left + one.stayed + one.gone;
  return h('tr', {},
    h('th', { scope: 'row' }, typed(ruleName(one.rule)), one.is_enabled ? null : h('span', { class: 'tag' }, t('alerts.off')),
      h('div', { class: 'hint' }, typed(one.means))),
    h('td', { class: 'number' }, count(one.open)),
    h('td', { class: 'number' }, count(one.raised)),
    h('td', { class: 'number' }, count(one.acted)),
    h('td', { class: 'wide' }, one.precision === null
      ? h('span', { class: 'soft' }, t('none'))
      : h('div', { class: 'right' }, bar(one.precision, 'trade'), h('span', {}, share(100 * one.precision)))),
    h('td', { class: 'number' }, count(judged)));
}
