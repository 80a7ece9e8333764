/** Dead letters: what was set aside and why, corrected and sent again. */

import { lettersChanged } from '../account.js';
import { ask, send, verbatim } from '../api.js';
import { h, keep } from '../dom.js';
import { hue, icon } from '../icons.js';
import { t, typeName } from '../language.js';
import { listing } from '../listing.js';
import { live } from '../live.js';
import { problemOf, since, typed } from '../parts.js';

const EVERY_MS = 5_000;
const STATES = ['open', 'resubmitted', 'quarantined', ''];

export function letters(main, signal) {
  const reading = new Map();
  const { filter, said, list, more, look } = listing({
    path: 'v1/dead-letters',
    parameter: 'state',
    title: t('letters.filter'),
    options: STATES.map((value) => ({ value, text: t(`letters.state.${value || 'all'}`) })),
    listed: 'letters',
    draw,
    forget: () => reading.clear(),
    again: () => again(),
    signal,
  });

  function draw(items, state) {
    // One that is being read stays, also when it is settled meanwhile: its answer is in it.
    const all = new Map([...items, ...reading.values()].map((letter) => [letter.letter_id, letter]));
    keep(list, [...all.values()].sort((a, b) => b.letter_id - a.letter_id),
      (letter) => letter.letter_id, (letter) => item(letter, { signal, reading, changed: () => look() }));
    said.textContent = all.size ? '' : t(state === 'open' ? 'letters.none' : 'letters.noneOther');
  }

  main.replaceChildren(
    h('h1', {}, t('letters.title')), h('p', { class: 'lead' }, t('letters.lead')), filter,
    said, list, more);
  const again = live(() => look(), EVERY_MS, signal);
}

function item(letter, { signal, reading, changed }) {
  const kind = (letter.type ?? '').split('.')[0];
  const content = h('div', { class: 'letter' });
  const details = h('details', { ontoggle: opened },
    h('summary', {},
      h('span', { class: `touch hue-${hue(kind)}` }, icon(kind),
        h('span', { class: 'what' },
          h('strong', {}, letter.field ? h('code', {}, letter.field) : null, letter.field ? ' ' : null, typed(letter.reason)),
          h('span', { class: 'hint' },
            letter.type ? typeName(letter.type) : t('letters.unnamed'),
            ...[letter.id, letter.source].filter(Boolean).flatMap((text) => [' · ', typed(text)]),
            ' · ', t('letters.from', { origin: letter.origin }))),
        h('span', { class: 'when' }, letter.state === 'open' ? null : h('span', { class: 'tag' }, t(`letters.state.${letter.state}`)), ' ', since(letter.created_at)))),
    content);

  async function opened() {
    if (details.open) reading.set(letter.letter_id, letter);
    else reading.delete(letter.letter_id);
    if (!details.open || content.children.length) return;
    content.replaceChildren(h('p', { class: 'hint' }, t('loading')));
    try {
      const found = await ask(`v1/dead-letters/${letter.letter_id}`, { signal, reviver: verbatim });
      content.replaceChildren(...(found.is_open ? editor(found, signal, changed) : [h('p', {}, t('letters.closed'))]));
    } catch (error) {
      if (!signal.aborted) content.replaceChildren(h('p', { class: 'problem' }, problemOf(error)));
    }
  }

  return h('li', { class: 'card flush' }, details);
}

function editor(letter, signal, changed) {
  const original = letter.text ?? JSON.stringify(letter.event, null, 2);
  const label = `letter-${letter.letter_id}`;
  const isOpen = letter.state === 'open';
  const area = h('textarea', {
    id: label, spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', readonly: !isOpen,
    rows: Math.min(24, original.split('\n').length + 1),
  });
  area.value = original;
  const said = h('p', { role: 'alert', class: 'problem' });
  const resubmit = h('button', { type: 'button', class: 'primary', onclick: sent }, t('letters.resubmit'));
  const reset = h('button', { type: 'button', class: 'quiet', onclick: () => { area.value = original; said.textContent = ''; } }, t('letters.reset'));

  async function sent() {
    const body = area.value === original ? '' : area.value;
    said.className = 'problem';
    said.textContent = '';
    try {
      if (body) JSON.parse(body);
    } catch (error) {
      said.textContent = t('letters.notJson', { problem: error.message });
      area.focus();
      return;
    }
    resubmit.disabled = true;
    resubmit.textContent = t('letters.sending');
    try {
      const done = await send(`v1/dead-letters/${letter.letter_id}/resubmit`, body, { signal });
      said.className = 'done';
      said.textContent = t('letters.done', { id: done.id });
      area.readOnly = true;
      resubmit.hidden = true;
      reset.hidden = true;
      lettersChanged();
      await changed();
    } catch (error) {
      if (!signal.aborted) said.textContent = problemOf(error);
    } finally {
      resubmit.disabled = false;
      resubmit.textContent = t('letters.resubmit');
    }
  }

  return [
    h('label', { for: label }, t('letters.editor')), area, said,
    ...(isOpen ? [h('div', { class: 'row' }, resubmit, reset)] : [h('p', { class: 'hint' }, t('letters.resolved'), ' ', since(letter.resolved_at))]),
  ];
}
