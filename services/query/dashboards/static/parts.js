/** Parts that several views show alike. */

import { Refusal } from './api.js';
import { h } from './dom.js';
import { ago, date, moment, monies, t } from './language.js';

const TICK_MS = 1_000;
const WEEK_MS = 7 * 86_400_000;

/** A time as "3 minutes ago" and kept true, or its date after a week; exact on hover. */
export function since(text) {
  if (!text) return h('span', {}, t('none'));
  const at = new Date(text);
  if (Date.now() - at > WEEK_MS) return h('time', { datetime: text, title: moment(at) }, date(at));
  return h('time', { datetime: text, title: moment(at), 'data-ago': true }, ago(at));
}

/** Keeps every "3 minutes ago" true. */
export function keepTime() {
  setInterval(() => {
    if (document.hidden) return;
    for (const time of document.querySelectorAll('time[data-ago]')) {
      const text = ago(new Date(time.dateTime));
      if (time.textContent !== text) time.textContent = text;
    }
  }, TICK_MS);
}

/** Amounts of money, one a currency. */
export function spent(byCurrency) {
  const all = monies(byCurrency);
  return all.length ? all.map((text) => h('span', { class: 'money' }, text)) : [t('none')];
}

/** What a stranger wrote: set apart, so that its direction can't turn the words around it. */
export function typed(text) {
  return h('bdi', {}, text);
}

/** A wire name, which may break after its underscores. */
export function wireName(name) {
  return typed(name.split(/(?<=_)/u).flatMap((part, place) => (place ? [h('wbr'), part] : [part])));
}

/** An identifier, its kind in grey. */
export function identifier(kind, value) {
  return h('span', { class: 'identifier' }, h('span', { class: 'kind' }, kind), typed(value));
}

/** `kind:value` taken apart at its first colon. */
export function partsOf(text) {
  const colon = text.indexOf(':');
  return [text.slice(0, colon), text.slice(colon + 1)];
}

/** A disc with the first letters of a name. */
export function disc(customer) {
  const words = called(customer).trim().split(/\s+/u).map((word) => [...word][0] ?? '');
  const letters = words.length > 1 ? words[0] + words.at(-1) : words[0];
  const hue = parseInt(customer.customer_id.slice(-2), 16) % 6;
  return h('span', { class: `disc disc-${hue}`, 'aria-hidden': 'true' }, letters.toUpperCase());
}

/** The customer's name, or the strongest identifier where nobody told a name. */
export function called(customer) {
  if (customer.name !== null) return customer.name;
  if (!customer.identifiers.length) return t('customers.nameless');
  const [kind, value] = partsOf(customer.identifiers[0]);
  return kind === 'anonymous' ? t('customers.visitor', { value: value.slice(0, 12) }) : value;
}

export const pathOf = (customerId) => `#/customers/${encodeURIComponent(customerId)}`;

/** An error in the reader's words. */
export function problemOf(error) {
  if (!(error instanceof Refusal)) return t('problem.away');
  const problem = error.field ? `${error.field}: ${error.problem}` : error.problem;
  return error.remedy ? t('problem.refused', { problem, remedy: error.remedy }) : problem;
}

/** A card with a heading. */
export function card(title, ...children) {
  return h('section', { class: 'card' }, h('h2', {}, title), ...children);
}

/** Chips of which one or several are pressed. */
export function chips(label, options, isPressed, press) {
  return h('div', { class: 'chips', role: 'group', 'aria-label': label },
    options.map(({ value, text, picture }) =>
      h('button', { type: 'button', 'aria-pressed': String(isPressed(value)), 'data-value': value, onclick: () => press(value) },
        picture ?? null, text)));
}
