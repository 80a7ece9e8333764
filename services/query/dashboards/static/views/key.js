/** The key: asked for once a tab, tried before it is kept, explained when it is of another kind. */

import { ask, Refusal, remember } from '../api.js';
import { h } from '../dom.js';
import { mark } from '../icons.js';
import { t } from '../language.js';

const KEY = /tl_(browser|write|secret|admin)_\w+/;
const COMMAND = 'touchline keys create --workspace default --kind secret';

/** Fills `main` with the question; `opened` is called once a key that may read is kept. */
export function askForKey(main, refusal, opened) {
  const field = h('input', {
    id: 'key', name: 'key', type: 'password', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false',
    placeholder: 'tl_secret_…', 'aria-describedby': 'key-problem',
  });
  const problem = h('p', { id: 'key-problem', class: 'problem', role: 'alert' }, refusal ? wordsFor(refusal) : '');
  const button = h('button', { type: 'submit', class: 'primary' }, t('key.open'));

  async function submitted(event) {
    event.preventDefault();
    // A whole line of what `up` shows may be pasted.
    const [key = field.value.trim(), kind] = KEY.exec(field.value) ?? [];
    problem.textContent = '';
    if (!key) problem.textContent = t('key.none');
    else if (kind === 'browser' || kind === 'write') problem.textContent = t('key.wrongKind', { kind });
    else if (await isGood(key)) return;
    field.setAttribute('aria-invalid', 'true');
    field.focus();
    field.select();
  }

  async function isGood(key) {
    button.disabled = true;
    button.textContent = t('key.checking');
    try {
      await ask('v1/status', { key });
      remember(key);
      opened();
      return true;
    } catch (error) {
      problem.textContent = wordsFor(error);
      return false;
    } finally {
      button.disabled = false;
      button.textContent = t('key.open');
    }
  }

  document.title = 'Touchline';
  main.replaceChildren(h('form', { class: 'gate', onsubmit: submitted, novalidate: true },
    mark(),
    h('h1', {}, t('key.title')),
    h('p', { class: 'lead' }, t('key.lead')),
    h('label', { for: 'key' }, t('key.label')),
    h('div', { class: 'row' }, field, button),
    problem,
    h('p', { class: 'hint' }, t('key.where'), ' ', h('code', {}, COMMAND))));
  field.focus();
}

function wordsFor(error) {
  if (!(error instanceof Refusal)) return t('key.away');
  if (error.status === 401) return t('key.unknown');
  if (error.status === 403) return t('key.forbidden');
  return t('key.failed', { problem: error.problem });
}
