/** Server-sent events, read by hand: an EventSource can't send a key. */

import { bearer } from './api.js';

const RETRY_MS = 1_000;
const REFUSED_MS = 30_000;

/**
 * Calls `told` with each event ({id, type, data}) until `signal` aborts; goes on where it was cut off.
 *
 * Hangs up in a hidden tab: a browser has six connections to a server, for all of its tabs.
 */
export async function stream(path, told, signal) {
  let last = null;
  let seen = new AbortController();
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) seen.abort();
  }, { signal });
  while (!signal.aborted) {
    await visible(signal);
    seen = new AbortController();
    let pauseMs = RETRY_MS;
    try {
      const headers = { Authorization: bearer(), ...(last ? { 'Last-Event-ID': last } : {}) };
      const response = await fetch(path, {
        headers, signal: AbortSignal.any([signal, seen.signal]), cache: 'no-store', credentials: 'omit', redirect: 'error',
      });
      if (response.ok) {
        for await (const event of events(response.body)) {
          last = event.id ?? last;
          if (event.data) told(event);
        }
      } else {
        // Too many listen already, or the key is gone: whoever shows this looks by itself, too.
        pauseMs = REFUSED_MS;
      }
    } catch {
      // Cut off, or there was no answer: it is asked again.
    }
    if (!signal.aborted) await pause(pauseMs, signal);
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) yield read(block);
  }
}

function read(block) {
  const fields = Object.fromEntries(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trimStart()]));
  return { id: fields.id ?? null, type: fields.event ?? '', data: fields.data ? JSON.parse(fields.data) : null };
}

function visible(signal) {
  return new Promise((resolve) => {
    const look = () => (!document.hidden || signal.aborted) && resolve();
    document.addEventListener('visibilitychange', look, { signal });
    signal.addEventListener('abort', look, { once: true });
    look();
  });
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
