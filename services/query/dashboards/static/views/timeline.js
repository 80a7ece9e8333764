/** A timeline: what happened, newest first, by day; new touches come in on top by themselves. */

import { ask, Refusal } from '../api.js';
import { flash, h, keep } from '../dom.js';
import { hue, icon } from '../icons.js';
import { clock, day, family, moment, spokenLanguage, t, typeName } from '../language.js';
import { chips, problemOf, typed } from '../parts.js';

const PAGE = 30;

/** The element; `changed(customer, position)` when the profile did, `retry` now and then. */
export function timeline(id, signal) {
  const chosen = new Set();
  let touches = [];
  let next = null;
  let families = [];
  let latest = null;
  let isStale = false;
  let asking = new AbortController();

  const filter = h('div', {});
  const list = h('ol', { class: 'touches' });
  const said = h('p', { class: 'empty', role: 'status' }, t('loading'));
  const more = h('button', { type: 'button', class: 'more', hidden: true, onclick: loadMore }, t('more'));
  const text = h('input', { type: 'checkbox', id: 'text', onchange: () => again() });
  const element = h('section', { class: 'card story' },
    h('div', { class: 'headed' }, h('h2', {}, t('timeline.title')), h('label', { for: 'text', class: 'quiet' }, text, ' ', t('timeline.text'))),
    filter, list, said, more);

  const query = (cursor = null) => ({ family: [...chosen], text: text.checked || null, limit: PAGE, cursor });

  /** The first page, with what the profile at `latest` says already. */
  async function look({ isLive }) {
    asking.abort();
    asking = new AbortController();
    const mine = AbortSignal.any([asking.signal, signal]);
    try {
      const page = await newest(mine);
      const hadAny = touches.length > 0;
      touches = isLive ? merged(touches, page.items) : page.items;
      if (!isLive || !hadAny) next = page.next_cursor;
      draw(isLive && hadAny);
      if (isStale) said.textContent = t('timeline.behind');
    } catch (error) {
      if (mine.aborted) return;
      isStale = true;
      said.textContent = problemOf(error);
    }
  }

  async function newest(mine) {
    const path = `v1/customers/${encodeURIComponent(id)}/timeline`;
    try {
      const page = await ask(path, { query: query(), waitFor: latest, signal: mine });
      isStale = false;
      return page;
    } catch (error) {
      if (!(error instanceof Refusal && error.status === 504)) throw error;
      isStale = true;
      return ask(path, { query: query(), signal: mine });
    }
  }

  async function loadMore() {
    more.disabled = true;
    try {
      const page = await ask(`v1/customers/${encodeURIComponent(id)}/timeline`, { query: query(next), signal });
      touches = merged(touches, page.items);
      next = page.next_cursor;
      draw(false);
    } catch (error) {
      if (!signal.aborted) said.textContent = problemOf(error);
    } finally {
      more.disabled = false;
    }
  }

  function draw(isLive) {
    const shown = touches.map((touch, place) => ({
      ...touch, day: place === 0 || dayOf(touch) !== dayOf(touches[place - 1]) ? day(new Date(touch.occurred_at)) : null,
    }));
    const known = new Set([...list.children].map((child) => child.dataset.touch));
    const fresh = keep(list, shown, nameOf, item);
    if (isLive) flash(fresh.filter((child) => !known.has(child.dataset.touch)));
    more.hidden = next === null;
    said.textContent = touches.length ? '' : t('timeline.none');
  }

  function again() {
    look({ isLive: false });
  }

  function press(name) {
    if (name === '') chosen.clear();
    else if (chosen.has(name)) chosen.delete(name);
    else chosen.add(name);
    for (const chip of filter.querySelectorAll('button')) chip.setAttribute('aria-pressed', String(isPressed(chip.dataset.value)));
    again();
  }

  const isPressed = (name) => (name === '' ? chosen.size === 0 : chosen.has(name));

  function changed({ counts }, position) {
    latest = position;
    const found = Object.keys(counts).sort((a, b) => counts[b] - counts[a]);
    if (found.join() !== families.join()) {
      families = found;
      const options = [{ value: '', text: t('timeline.all') }, ...families.map((name) => ({ value: name, text: family(name), picture: icon(name) }))];
      filter.replaceChildren(chips(t('timeline.filter'), options, isPressed, press));
    }
    look({ isLive: true });
  }

  const retry = () => (isStale ? look({ isLive: true }) : null);

  return { element, changed, retry };
}

const nameOf = (touch) => `${touch.source}\n${touch.id}`;

const dayOf = (touch) => new Date(touch.occurred_at).toDateString();

/** Both without repetition, in the API's order. */
function merged(some, others) {
  const all = new Map([...some, ...others].map((touch) => [nameOf(touch), touch]));
  return [...all.values()].sort((a, b) =>
    new Date(b.occurred_at) - new Date(a.occurred_at) || compared(b.source, a.source) || compared(b.id, a.id));
}

function compared(a, b) {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function item(touch) {
  const at = new Date(touch.occurred_at);
  const kind = touch.type.split('.')[0];
  const summary = h('bdi', { lang: 'en' }, touch.summary);
  // The API tells it in English: in another language the type's name comes first.
  const [first, second] = spokenLanguage() === 'en' ? [summary, typeName(touch.type)] : [typeName(touch.type), summary];
  return h('li', { 'data-touch': nameOf(touch) },
    touch.day ? h('h3', {}, touch.day) : null,
    h('div', { class: `touch hue-${hue(kind)}` },
      icon(kind),
      h('div', { class: 'what' },
        h('p', {}, first),
        touch.text ? h('blockquote', {}, typed(touch.text)) : null,
        h('p', { class: 'hint', title: touch.id }, second, ' · ', typed(touch.source))),
      h('time', { datetime: touch.occurred_at, title: moment(at) }, clock(at))));
}
