/** The account of all records, kept up to date for every view, with its last minutes. */

import { ask } from './api.js';
import { live } from './live.js';

const EVERY_MS = 2_000;
export const SPAN_MS = 5 * 60_000;

/** Tells `change` with each new account. */
export const account = new EventTarget();

let latest = null;
let samples = [];

/** What was told last, or null. */
export const current = () => latest;

/** Applied events over time: [{atMs, applied}], oldest first. */
export const lately = () => samples;

/** Keeps the account until `signal` aborts. */
export function keepAccount(signal) {
  latest = null;
  samples = [];
  live(async () => {
    const status = await ask('v1/status', { signal });
    const atMs = Date.now();
    latest = summed(status);
    samples = [...samples.filter((each) => each.atMs > atMs - SPAN_MS - 2 * EVERY_MS), { atMs, applied: latest.applied }];
    account.dispatchEvent(new Event('change'));
  }, EVERY_MS, signal);
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
