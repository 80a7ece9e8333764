/** The footer: whether what is shown is alive, and which position the last answer included. */

import { api } from './api.js';
import { h } from './dom.js';
import { seconds, t } from './language.js';
import { pulse } from './live.js';
import { problemOf } from './parts.js';

export function footer(signal) {
  const state = h('span', { class: 'pulse', 'data-state': 'calm' }, t('pulse.calm'));
  const lag = h('span', {});
  const position = h('button', { type: 'button', class: 'position', hidden: true });
  let full = '';

  const say = (name, words) => {
    state.dataset.state = name;
    state.textContent = words;
  };
  pulse.addEventListener('calm', () => say('calm', t('pulse.calm')), { signal });
  pulse.addEventListener('trouble', ({ detail }) => {
    say('trouble', t('pulse.trouble'));
    state.title = problemOf(detail);
  }, { signal });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) say('resting', t('pulse.resting'));
  }, { signal });
  api.addEventListener('answer', ({ detail }) => {
    full = detail.position ?? '';
    lag.textContent = t('pulse.lag', { lag: seconds(detail.lagS) });
    position.hidden = !full;
    position.title = `${t('pulse.copy')}\n${full}`;
    position.textContent = `${t('pulse.position')} ${full.slice(0, 4)}…${full.slice(-8)}`;
  }, { signal });
  position.addEventListener('click', async () => {
    // Browsers give a clipboard to pages on localhost or HTTPS alone.
    if (!navigator.clipboard) return;
    await navigator.clipboard.writeText(full);
    position.textContent = t('pulse.copied');
  });
  const docs = h('a', { href: 'docs', target: '_blank', rel: 'noopener' }, t('nav.api'));
  return h('footer', {}, state, lag, docs, position);
}
