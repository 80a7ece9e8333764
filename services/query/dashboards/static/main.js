/** The console: asks for a key, then shows the view that the address names inside one frame. */

import { account, keepAccount, openLetters } from './account.js';
import { api, forget, hasKey } from './api.js';
import { h } from './dom.js';
import { askForKey } from './views/key.js';
import { footer } from './footer.js';
import { mark } from './icons.js';
import { count, languages, speak, spokenLanguage, t } from './language.js';
import { keepTime } from './parts.js';
import { alerts } from './views/alerts.js';
import { customer } from './views/customer.js';
import { customers } from './views/customers.js';
import { letters } from './views/letters.js';
import { lifecycle } from './views/lifecycle.js';
import { loyalty } from './views/loyalty.js';
import { overview } from './views/overview.js';

const ROUTES = [
  { pattern: /^#\/customers\/([^/]+)$/, view: customer, nav: 'customers' },
  { pattern: /^#\/customers$/, view: customers, nav: 'customers' },
  { pattern: /^#\/lifecycle$/, view: lifecycle, nav: 'lifecycle' },
  { pattern: /^#\/loyalty$/, view: loyalty, nav: 'loyalty' },
  { pattern: /^#\/alerts$/, view: alerts, nav: 'alerts' },
  { pattern: /^#\/dead-letters$/, view: letters, nav: 'deadLetters' },
  { pattern: /^/, view: overview, nav: 'overview' },
];
const NAV = { overview: '#/', customers: '#/customers', lifecycle: '#/lifecycle', loyalty: '#/loyalty', alerts: '#/alerts', deadLetters: '#/dead-letters' };

const NAMES = { en: 'English', zh: '中文' };

const main = h('main', { id: 'content', tabindex: '-1' });
let session = new AbortController();
let drawn = new AbortController();
let shown = new AbortController();

function start(refusal = null) {
  session.abort();
  session = new AbortController();
  if (hasKey()) keepAccount(session.signal);
  draw({ refusal });
}

/** Everything anew, as when the language changes. */
function draw({ refusal = null } = {}) {
  drawn.abort();
  drawn = new AbortController();
  document.documentElement.lang = { en: 'en', zh: 'zh-CN' }[spokenLanguage()];
  const skip = h('a', { class: 'skip', href: '#content', onclick: skipped }, t('skip'));
  document.body.replaceChildren(skip, header(), main, ...(hasKey() ? [footer(drawn.signal)] : []));
  document.body.className = hasKey() ? '' : 'is-locked';
  if (hasKey()) show();
  else askForKey(main, refusal, () => start());
}

function show({ isMove = false } = {}) {
  shown.abort();
  shown = new AbortController();
  const { pattern, view, nav } = ROUTES.find((route) => route.pattern.test(location.hash));
  for (const link of document.querySelectorAll('nav a[data-nav]')) {
    if (link.dataset.nav === nav) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  // Never a customer's name: titles stay in the browser's history.
  document.title = `${t(`nav.${nav}`)} · Touchline`;
  main.replaceChildren();
  const signal = AbortSignal.any([shown.signal, drawn.signal, session.signal]);
  view(main, signal, ...pattern.exec(location.hash).slice(1).map(decoded));
  if (isMove) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function header() {
  const home = h('a', { class: 'brand', href: '#/' }, mark(), h('span', {}, 'Touchline'));
  return h('header', {}, home, hasKey() ? navigation() : null, h('div', { class: 'tools' },
    languageSwitch(),
    hasKey() ? h('button', { type: 'button', class: 'quiet', onclick: () => forget() }, t('nav.leave')) : null));
}

function navigation() {
  const badge = h('span', { class: 'badge', hidden: true });
  const update = () => {
    const { n, isMore } = openLetters();
    badge.hidden = n === 0;
    badge.textContent = count(n) + (isMore ? '+' : '');
  };
  account.addEventListener('change', update, { signal: drawn.signal });
  update();
  return h('nav', { 'aria-label': t('nav.label') }, Object.entries(NAV).map(([name, href]) =>
    h('a', { href, 'data-nav': name }, t(`nav.${name}`), ...(name === 'deadLetters' ? [' ', badge] : []))));
}

function languageSwitch() {
  return h('div', { class: 'languages', role: 'group', 'aria-label': t('language.label') },
    languages.map((code) => h('button', {
      type: 'button', lang: code, 'aria-pressed': String(code === spokenLanguage()), 'aria-label': NAMES[code],
      onclick: () => spoken(code),
    }, { en: 'EN', zh: '中文' }[code])));
}

function spoken(code) {
  speak(code);
  draw();
  document.querySelector(`.languages [lang=${code}]`).focus();
}

function skipped(event) {
  event.preventDefault();
  main.focus();
}

addEventListener('hashchange', () => {
  if (hasKey()) show({ isMove: true });
});
api.addEventListener('locked', (event) => start(event.detail));
keepTime();
start();
