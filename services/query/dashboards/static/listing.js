/** A list by state that grows page by page, and is looked at again and again. */

import { ask } from './api.js';
import { h } from './dom.js';
import { t } from './language.js';
import { chips, problemOf } from './parts.js';

const PAGE = 50;
const MOST = 200;

/**
 * What `path` lists by `parameter`, whose values `options` name; the first is chosen.
 * `draw` shows items of a state, `forget` begins with another state, which `again` then looks at.
 */
export function listing({ path, parameter, title, options, listed, draw, forget, again, signal }) {
  let state = options[0].value;
  let items = [];
  let next = null;
  let hasLooked = false;

  const list = h('ul', { class: listed });
  const said = h('p', { class: 'empty', role: 'status' }, t('loading'));
  const more = h('button', { type: 'button', class: 'more', hidden: true, onclick: loadMore }, t('more'));
  const filter = chips(title, options, (value) => value === state, press);

  function drawn() {
    if (!hasLooked) return;
    draw(items, state);
    more.hidden = next === null;
  }

  async function page(query, waitFor) {
    return ask(path, { query: { [parameter]: state, ...query }, waitFor, signal });
  }

  async function look(waitFor) {
    // Whoever reads on that far is not interrupted, unless they did something themselves.
    if (isLong() && !waitFor) return;
    const asked = state;
    const found = await page({ limit: Math.min(Math.max(PAGE, items.length), MOST) }, waitFor);
    if (asked === state) take(found, []);
    else await look();
  }

  async function loadMore() {
    try {
      take(await page({ limit: PAGE, cursor: next }), items);
    } catch (error) {
      if (!signal.aborted) said.textContent = problemOf(error);
    }
  }

  function take(found, before) {
    items = [...before, ...found.items];
    next = found.next_cursor;
    hasLooked = true;
    drawn();
  }

  function press(value) {
    state = value;
    items = [];
    forget();
    list.replaceChildren();
    for (const chip of filter.querySelectorAll('button')) chip.setAttribute('aria-pressed', String(chip.dataset.value === state));
    again();
  }

  function isLong() {
    return items.length > MOST;
  }

  return { filter, said, list, more, look, drawn, isLong };
}
