/** The account of all records, kept up to date for every view, with its last minutes. */

import { ask } from './api.js';
import { live } from './live.js';

const EVERY_MS = 2_000;
const LETTERS_EVERY_MS = 6_000;
const MOST_LETTERS = 100;
export const SPAN_MS = 5 * 60_000;

/** Tells `change` with each new account. */
export const account = new EventTarget();

let latest = null;
let samples = [];
let letters = { n: 0, isMore: false };
let countLetters = () => {};

/** Open dead letters, up to a hundred: {n, isMore}. */
export const openLetters = () => letters;

/** To be called by who changed their number. */
export const lettersChanged = () => countLetters();

/** What was told last, or null. */
export const current = () => latest;

/** Applied events over time: [{atMs, applied}], oldest first. */
export const lately = () => samples;

/** Keeps the account until `signal` aborts. */
export function keepAccount(signal) {
  latest = null;
  samples = [];
  letters = { n: 0, isMore: false };
  live(async () => {
    const status = await ask('v1/status', { signal });
    const atMs = Date.now();
    latest = summed(status);
    samples = [...samples.filter((each) => each.atMs > atMs - SPAN_MS - 2 * EVERY_MS), { atMs, applied: latest.applied }];
    account.dispatchEvent(new Event('change'));
  }, EVERY_MS, signal);
  countLetters = live(async () => {
    const open = await ask('v1/dead-letters', { query: { state: 'open', limit: MOST_LETTERS }, signal });
    letters = { n: open.items.length, isMore: open.next_cursor !== null };
    account.dispatchEvent(new Event('change'));
  }, LETTERS_EVERY_MS, signal);
}

function summed(status) {
  const sum = (name) => status.partitions.reduce((total, partition) => total + partition[name], 0);
  const [own] = status.workspaces;
  return {
    accepted: sum('accepted'),
    applied: sum('applied'),
    duplicate: sum('duplicate'),
    deadLettered: sum('dead_lettered'),
    inFlight: sum('in_flight'),
    lagS: status.lag_s,
    archive: status.archive,
    own,
    partitions: status.partitions,
  };
}
