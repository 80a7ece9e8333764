/** Customers: found by search or by order, page after page, kept up to date while it is one page. */

import { ask } from '../api.js';
import { flash, h, keep } from '../dom.js';
import { count, machineName, stageName, t, tierName } from '../language.js';
import { live, settled } from '../live.js';
import { called, disc, identifier, partsOf, pathOf, problemOf, since, spent, typed } from '../parts.js';

const PAGE = 50;
const MOST = 200;
const EVERY_MS = 2_000;
const TYPING_MS = 180;
const SORTS = ['-last_at', '-orders', 'name', 'first_at', 'customer_id'];

// Kept while the tab lives, for the way back; never in the address, for it may name a person.
const asked = { q: '', sort: SORTS[0], stage: null, machine: null, tier: null };

/** Shows only customers in a stage of a machine, or in a tier, from now on. */
export function narrow({ stage = null, machine = null, tier = null }) {
  Object.assign(asked, { q: '', stage, machine, tier });
}

export function customers(main, signal) {
  let items = [];
  let next = null;
  let asking = new AbortController();

  const search = h('input', {
    id: 'q', type: 'search', autocomplete: 'off', spellcheck: 'false', maxlength: 600,
    placeholder: t('customers.placeholder'), 'aria-label': t('customers.search'),
  });
  search.value = asked.q;
  const sort = h('select', { id: 'sort' }, SORTS.map((name) => h('option', { value: name, selected: name === asked.sort }, t(`sort.${name}`))));
  const body = h('tbody', { role: 'rowgroup' });
  const table = h('table', { class: 'customers', role: 'table', 'aria-label': t('customers.title') }, heading(), body);
  const filters = h('div', { class: 'chips' });
  const shown = h('p', { class: 'shown', role: 'status' });
  const more = h('button', { type: 'button', class: 'more', hidden: true, onclick: loadMore }, t('more'));

  function draw({ isLive = false } = {}) {
    const fresh = keep(body, items, (item) => item.customer_id, row);
    if (isLive) flash(fresh);
    table.hidden = items.length === 0;
    more.hidden = next === null;
    shown.textContent = summary();
  }

  function summary() {
    if (!items.length && isNarrowed()) return t('customers.noneSuch');
    if (!items.length) return t(asked.q ? 'customers.notFound' : 'customers.none');
    if (next !== null) return t('customers.shownMore', { n: items.length });
    return t(asked.q || isNarrowed() ? 'customers.found' : 'customers.shown', { n: items.length });
  }

  async function look({ isLive = false } = {}) {
    asking.abort();
    asking = new AbortController();
    const mine = AbortSignal.any([asking.signal, signal]);
    const limit = isLive ? Math.max(PAGE, items.length) : PAGE;
    try {
      const page = await ask('v1/customers', { query: { ...asked, limit }, signal: mine });
      const hadAny = items.length > 0;
      items = page.items;
      next = page.next_cursor;
      draw({ isLive: isLive && hadAny });
    } catch (error) {
      // Another question was asked meanwhile, and its answer is the one to show.
      if (!mine.aborted) throw error;
    }
  }

  async function loadMore() {
    more.disabled = true;
    try {
      const page = await ask('v1/customers', { query: { ...asked, limit: PAGE, cursor: next }, signal });
      const known = new Set(items.map((item) => item.customer_id));
      items = [...items, ...page.items.filter((item) => !known.has(item.customer_id))];
      next = page.next_cursor;
      draw();
    } catch (error) {
      if (!signal.aborted) shown.textContent = problemOf(error);
    } finally {
      more.disabled = false;
    }
  }

  function drawFilters() {
    filters.hidden = !isNarrowed();
    filters.replaceChildren(...(filters.hidden ? [] : [
      asked.stage && chip(stageOf(asked), () => narrow({ tier: asked.tier })),
      asked.tier && chip(tierName(asked.tier), () => narrow({ stage: asked.stage, machine: asked.machine })),
    ].filter(Boolean)));
  }

  function chip(text, remove) {
    return h('button', { type: 'button', 'aria-pressed': 'true', 'aria-label': t('customers.unfilter', { name: text }), onclick: () => {
      remove();
      drawFilters();
      askedAnew();
    } }, typed(text), ' ×');
  }

  async function askedAnew() {
    try {
      await look();
    } catch (error) {
      shown.textContent = problemOf(error);
    }
  }

  const typedText = settled(askedAnew, TYPING_MS);
  search.addEventListener('input', () => {
    asked.q = search.value.trim();
    typedText();
  });
  sort.addEventListener('change', () => {
    asked.sort = sort.value;
    askedAnew();
  });
  main.replaceChildren(
    h('h1', {}, t('customers.title')),
    h('div', { class: 'bar-of-tools' }, search, h('label', { class: 'sort', for: 'sort' }, h('span', {}, t('customers.sort')), sort)),
    filters,
    shown,
    h('div', { class: 'card flush' }, table),
    more);
  drawFilters();
  // One request can hold no more than MOST: a longer list stays as it was loaded.
  live(async () => (items.length <= MOST ? look({ isLive: true }) : null), EVERY_MS, signal);
}

const isNarrowed = () => Boolean(asked.stage || asked.tier);

function stageOf({ stage, machine }) {
  return machine && machine !== 'default' ? `${machineName(machine)}: ${stageName(stage)}` : stageName(stage);
}

function heading() {
  const head = (name, kind = '') => h('th', { scope: 'col', role: 'columnheader', class: kind }, t(`customers.${name}`));
  return h('thead', { role: 'rowgroup' },
    h('tr', { role: 'row' }, head('name'), head('standing'), head('orders', 'number'), head('spend', 'number'), head('last', 'number')));
}

function row(item) {
  const cell = (kind, ...children) => h('td', { role: 'cell', class: kind }, ...children);
  return h('tr', { role: 'row' },
    cell('who', h('div', {}, disc(item), h('div', {},
      h('a', { href: pathOf(item.customer_id) }, typed(called(item))),
      h('div', { class: 'identifiers' }, shortened(item.identifiers))))),
    cell('standing', badge(item.stage && stageName(item.stage)), badge(item.tier && tierName(item.tier))),
    cell('number orders', h('span', { class: 'alone' }, count(item.orders)),
      h('span', { class: 'unit' }, t('customers.ordersShort', { n: item.orders }))),
    cell('number spend', spent(item.spend_minor)),
    cell('number last', since(item.last_at)));
}

const badge = (text) => (text ? h('span', { class: 'tag' }, typed(text)) : null);

const SHOWN = 3;

function shortened(identifiers) {
  const shown = identifiers.slice(0, SHOWN).map((text) => identifier(...partsOf(text)));
  const rest = identifiers.length - SHOWN;
  return rest > 0 ? [...shown, h('span', { class: 'kind' }, t('customers.moreIdentifiers', { n: rest }))] : shown;
}
