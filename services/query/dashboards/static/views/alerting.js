/** An alert: why it came, and what can be done about it; and the alerts of one customer. */

import { ask, send } from '../api.js';
import { h, keep } from '../dom.js';
import { calendarDay, fact, known, moment, money, ruleName, t } from '../language.js';
import { live } from '../live.js';
import { pathOf, problemOf, since, typed } from '../parts.js';

const EVERY_MS = 4_000;
const FEW = 10;
const DAYS = [1, 7, 30];
const MONEY = ['recent', 'before'];
const DAY = /^(\d{4}-\d\d-\d\d)T00:00Z$/u;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/u;

/** A list item; `changed` is called with the position of what was done. */
export function item(alert, { signal, changed, means = '', isNamed = true }) {
  return h('li', { class: `card alert of-${alert.severity}`, 'data-alert': alert.alert_id },
    h('div', { class: 'headed' },
      h('div', { class: 'row' },
        h('span', { class: 'severity' }, t(`alerts.severity.${alert.severity}`)),
        h('strong', {}, typed(ruleName(alert.rule))),
        isNamed ? h('a', { href: pathOf(alert.customer_id) }, typed(alert.customer_name ?? alert.customer_id.slice(0, 12))) : null,
        alert.status === 'open' ? null : h('span', { class: 'tag' }, t(`alerts.status.${alert.status}`)),
        alert.is_restated ? h('span', { class: 'tag', title: t('alerts.pastWhy') }, t('alerts.past')) : null),
      h('span', { class: 'soft' }, since(alert.raised_at))),
    means ? h('p', { class: 'hint' }, typed(means)) : null,
    h('dl', { class: 'evidence' }, told(alert.evidence).map(([name, value]) =>
      h('div', {}, h('dt', {}, typed(factOf(name))), h('dd', {}, typed(valueOf(name, value, alert.evidence)))))),
    h('p', { class: 'hint' }, t('alerts.for', { owner: alert.owner.replaceAll('_', ' ') }), ...handled(alert)),
    alert.status === 'closed' ? null : acts(alert, signal, changed));
}

/** Amounts are written with their currency, so that it need not be said beside them. */
function told(evidence) {
  return Object.entries(evidence).filter(([name]) => !name.endsWith('.currency'));
}

/** `silent.limit_days` and `combined.feedback.answer`: what it is says more than of which condition. */
function factOf(name) {
  return fact(name.slice(name.lastIndexOf('.') + 1));
}

function valueOf(name, value, evidence) {
  const dot = name.lastIndexOf('.');
  const currency = evidence[`${name.slice(0, dot)}.currency`];
  if (currency && MONEY.includes(name.slice(dot + 1))) return money(value, currency);
  const day = DAY.exec(value);
  if (day) return calendarDay(day[1]);
  return INSTANT.test(value) ? moment(new Date(value)) : String(value);
}

function handled(alert) {
  const said = [alert.action, alert.reason && (known(`alerts.reason.${alert.reason}`) ?? alert.reason)].filter(Boolean);
  const outcome = alert.outcome === 'unknown' ? [] : [t(`alerts.outcome.${alert.outcome}`)];
  return [...said, ...outcome].flatMap((text) => [' · ', typed(text)]);
}

function acts(alert, signal, changed) {
  const said = h('p', { class: 'problem', role: 'alert' });
  const more = h('div', {});
  const buttons = h('div', { class: 'row acts' });

  async function done(what, body) {
    said.textContent = '';
    for (const button of buttons.querySelectorAll('button')) button.disabled = true;
    try {
      const { position } = await send(`v1/alerts/${encodeURIComponent(alert.alert_id)}/${what}`, body && JSON.stringify(body), { signal });
      more.replaceChildren();
      await changed(position, what);
    } catch (error) {
      if (!signal.aborted) said.textContent = problemOf(error);
    } finally {
      for (const button of buttons.querySelectorAll('button')) button.disabled = false;
    }
  }

  const opening = (what, form) => h('button', { type: 'button', onclick: () => {
    more.replaceChildren(form((body) => done(what, body)));
    more.querySelector('input, button').focus();
  } }, t(`alerts.${what}`));
  buttons.append(
    ...(alert.status === 'open' ? [h('button', { type: 'button', class: 'primary', onclick: () => done('acknowledge') }, t('alerts.acknowledge'))] : []),
    opening('act', (go) => worded('act', true, (word) => go({ action: word }))),
    opening('snooze', (go) => snoozed(go)),
    opening('close', (go) => worded('close', false, (word) => go(word ? { reason: word } : {}))));
  return h('div', { class: 'acting' }, buttons, more, said);
}

/** One line to say what was done, or why it is settled. */
function worded(what, isNeeded, go) {
  const input = h('input', { type: 'text', maxlength: '200', required: isNeeded, 'aria-label': t(`alerts.${what}Word`), placeholder: t(`alerts.${what}Word`) });
  // No form: the pages' policy lets none be sent.
  const send_ = () => (input.reportValidity() ? go(input.value.trim()) : null);
  input.addEventListener('keydown', (event) => event.key === 'Enter' && send_());
  return h('div', { class: 'row' }, input, h('button', { type: 'button', class: 'primary', onclick: send_ }, t('alerts.send')));
}

function snoozed(go) {
  return h('div', { class: 'chips', role: 'group', 'aria-label': t('alerts.snooze') },
    DAYS.map((days) => h('button', { type: 'button', onclick: () => go({ days }) }, t('alerts.days', { n: days }))));
}

/** The card of a customer's alerts; it looks by itself until `signal` aborts, and hides while there are none. */
export function alertsOf(id, signal) {
  const list = h('ul', { class: 'alerts' });
  const element = h('section', { class: 'of-customer', hidden: true }, h('h2', {}, t('alerts.title')), list);

  async function look(waitFor) {
    const { items } = await ask('v1/alerts', { query: { customer: id, limit: FEW }, waitFor, signal });
    element.hidden = items.length === 0;
    keep(list, items, (one) => one.alert_id, (one) => item(one, { signal, changed: look, isNamed: false }));
  }

  live(() => lookOrNone(look), EVERY_MS, signal);
  return element;
}

async function lookOrNone(look) {
  try {
    await look();
  } catch (error) {
    // Whose page this is says so itself.
    if (error.status !== 404) throw error;
  }
}
