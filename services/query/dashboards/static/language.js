/** Language: every visible word, and how numbers, money and times are written. */

import en from './words/en.js';
import watchEn from './words/watch.en.js';
import watchZh from './words/watch.zh.js';
import zh from './words/zh.js';

const SLOT = 'touchline.language';
const WORDS = { en: { ...en, ...watchEn }, zh: { ...zh, ...watchZh } };
const UNITS = [['year', 31_536_000], ['month', 2_592_000], ['day', 86_400], ['hour', 3_600], ['minute', 60]];

let language = WORDS[localStorage.getItem(SLOT)] ? localStorage.getItem(SLOT) : preferred();
const made = new Map();

export const languages = Object.keys(WORDS);
export const spokenLanguage = () => language;

/** Speaks `code` from now on; who shows words shows them again. */
export function speak(code) {
  language = code;
  localStorage.setItem(SLOT, code);
  made.clear();
}

function preferred() {
  return (navigator.languages ?? []).map((each) => each.slice(0, 2)).find((each) => WORDS[each]) ?? 'en';
}

/** The reader's own region, where it is one of this language. */
export function locale() {
  return (navigator.languages ?? []).find((each) => each.startsWith(language)) ?? { en: 'en', zh: 'zh-CN' }[language];
}

function format(kind, options) {
  const name = kind.name + JSON.stringify(options);
  if (!made.has(name)) made.set(name, new kind(locale(), options));
  return made.get(name);
}

/** The words for `name`, with `{…}` filled in; by the number `n` where there is a plural. */
export function t(name, values = {}) {
  let words = WORDS[language][name] ?? name;
  if (typeof words === 'object') words = words[format(Intl.PluralRules, {}).select(values.n)] ?? words.other;
  return words.replace(/\{(\w+)\}/g, (_, key) => (typeof values[key] === 'number' ? count(values[key]) : values[key]));
}

/** The words for `name`, or null where there are none. */
export const known = (name) => (name in WORDS[language] ? WORDS[language][name] : null);

export const count = (number) => format(Intl.NumberFormat, {}).format(number);

export const rate = (number) => format(Intl.NumberFormat, { maximumFractionDigits: number < 10 ? 1 : 0 }).format(number);

export const seconds = (number) =>
  format(Intl.NumberFormat, { style: 'unit', unit: 'second', unitDisplay: 'narrow', minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(number);

/** An amount in minor units, with the currency's own number of digits. */
export function money(minor, currency) {
  const written = format(Intl.NumberFormat, { style: 'currency', currency });
  const digits = written.resolvedOptions().maximumFractionDigits;
  const [, sign, amount] = /^(-?)(\d+)$/.exec(String(minor));
  const text = amount.padStart(digits + 1, '0');
  const point = text.length - digits;
  // As a decimal string: dividing would lose the last digits of a large amount.
  return written.format(`${sign}${text.slice(0, point)}.${text.slice(point)}`);
}

/** Amounts by currency, `{"EUR": 1250}`, the largest first. */
export const monies = (byCurrency) =>
  Object.entries(byCurrency).sort(([, a], [, b]) => b - a).map(([currency, minor]) => money(minor, currency));

export const day = (at) => format(Intl.DateTimeFormat, { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' }).format(at);
export const date = (at) => format(Intl.DateTimeFormat, { dateStyle: 'medium' }).format(at);
export const clock = (at) => format(Intl.DateTimeFormat, { hour: '2-digit', minute: '2-digit' }).format(at);
export const moment = (at) => format(Intl.DateTimeFormat, { dateStyle: 'medium', timeStyle: 'medium' }).format(at);

/** How long ago, like "3 minutes ago". */
export function ago(at) {
  const passedS = Math.round((at - Date.now()) / 1000);
  const [unit, lengthS] = UNITS.find(([, length]) => Math.abs(passedS) >= length) ?? ['second', 1];
  return format(Intl.RelativeTimeFormat, { numeric: 'auto' }).format(Math.trunc(passedS / lengthS), unit);
}

/** A day of the calendar, like 2026-11-21, which is no instant and so is of no zone. */
export const calendarDay = (text) => format(Intl.DateTimeFormat, { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(`${text}T00:00:00Z`));
/** A month, like 2026-11. */
export const month = (text) => format(Intl.DateTimeFormat, { year: 'numeric', month: 'short', timeZone: 'UTC' }).format(new Date(`${text}-01T00:00:00Z`));
export const signed = (number) => format(Intl.NumberFormat, { signDisplay: 'exceptZero' }).format(number);
export const whole = (number) => format(Intl.NumberFormat, { maximumFractionDigits: 0 }).format(number);
export const tenths = (number) => format(Intl.NumberFormat, { maximumFractionDigits: 1, signDisplay: 'exceptZero' }).format(number);
export const share = (percent) => format(Intl.NumberFormat, { style: 'percent', maximumFractionDigits: 1 }).format(percent / 100);

/** Names that policies give, in words where somebody wrote some. */
const plain = (name) => name.replaceAll('_', ' ');
export const stageName = (name) => known(`stage.${name}`) ?? plain(name);
export const tierName = (name) => known(`tier.${name}`) ?? plain(name);
export const machineName = (name) => known(`machine.${name}`) ?? plain(name);
export const fact = (name) => known(`fact.${name}`) ?? plain(name);
export const ruleName = (name) => known(`rule.${name}`) ?? plain(name);
export const bandName = (name) => known(`band.${name}`) ?? plain(name);
export const entry = (kind) => known(`entry.${kind}`) ?? plain(kind);

export const family = (name) => known(`family.${name}`) ?? name;

/** A type in words, like "Email opened"; one that nobody translated as it is. */
export function typeName(type) {
  const [first, ...rest] = type.split('.');
  const verb = first !== 'custom' && known(`verb.${rest.join('.')}`);
  return verb && known(`family.${first}`) ? t('type', { family: family(first), verb }) : type;
}
