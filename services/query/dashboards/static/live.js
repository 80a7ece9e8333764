/** Looking again and again, as long as somebody sees it. */

import { Away, Refusal } from './api.js';

const LONGEST_MS = 30_000;

/** Tells `calm` after a look that worked and `trouble` after one that did not. */
export const pulse = new EventTarget();

/** Calls `look` now and `everyMs` after each answer until `signal` aborts; rests in a hidden tab. */
export function live(look, everyMs, signal) {
  let timer = null;
  let failures = 0;
  let isLooking = false;

  async function again() {
    if (isLooking || signal.aborted) return;
    clearTimeout(timer);
    isLooking = true;
    try {
      await look();
      failures = 0;
      pulse.dispatchEvent(new Event('calm'));
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Away || error instanceof Refusal)) throw error;
      failures += 1;
      pulse.dispatchEvent(new CustomEvent('trouble', { detail: error }));
    } finally {
      isLooking = false;
      const pauseMs = Math.min(everyMs * 2 ** failures, Math.max(everyMs, LONGEST_MS));
      if (!document.hidden && !signal.aborted) timer = setTimeout(again, pauseMs);
    }
  }

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) clearTimeout(timer);
    else again();
  }, { signal });
  signal.addEventListener('abort', () => clearTimeout(timer));
  again();
  return again;
}

/** `call`, but only the last of several that come within `ms`. */
export function settled(call, ms) {
  let timer = null;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(call, ms);
  };
}
