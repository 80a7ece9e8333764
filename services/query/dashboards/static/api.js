/** The API, asked like anybody asks it: with a key in a header, which this tab alone remembers. */

const SLOT = 'touchline.key';
const PATIENCE_MS = 20_000;

/** The answer was an error: its four fields, and its HTTP status. */
export class Refusal extends Error {
  constructor(status, { problem = `HTTP ${status}`, field = '', remedy = '' }) {
    super(problem);
    Object.assign(this, { status, problem, field, remedy });
  }
}

/** There was no answer. */
export class Away extends Error {}

/** Tells `answer` ({position, lag}) after each, and `locked` when the key is no longer taken. */
export const api = new EventTarget();

export const bearer = (key = null) => `Bearer ${key ?? sessionStorage.getItem(SLOT)}`;

export const hasKey = () => sessionStorage.getItem(SLOT) !== null;

export function remember(key) {
  sessionStorage.setItem(SLOT, key);
}

export function forget(refusal = null) {
  sessionStorage.removeItem(SLOT);
  api.dispatchEvent(new CustomEvent('locked', { detail: refusal }));
}

/** GET; `query` may hold lists, `waitFor` is a position that must be in the answer. */
export async function ask(path, { query = {}, waitFor, signal, key, reviver } = {}) {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().filter((each) => each !== null && each !== '').map((each) => [name, each]));
  const address = pairs.length ? `${path}?${new URLSearchParams(pairs)}` : path;
  const headers = waitFor ? { 'Touchline-Wait-For': waitFor } : {};
  return called(address, { headers, signal }, { key, reviver });
}

/** POST of `body`, JSON as text; empty is no body. */
export async function send(path, body, { signal } = {}) {
  const headers = body ? { 'Content-Type': 'application/json' } : {};
  return called(path, { method: 'POST', body: body || null, headers, signal });
}

async function called(address, options, { key = null, reviver = digits } = {}) {
  const limits = [AbortSignal.timeout(PATIENCE_MS), options.signal].filter(Boolean);
  let response;
  let text;
  try {
    response = await fetch(address, {
      ...options,
      signal: AbortSignal.any(limits),
      headers: { ...options.headers, Authorization: bearer(key) },
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
    });
    text = await response.text();
  } catch (cause) {
    if (options.signal?.aborted) throw options.signal.reason;
    throw new Away('no answer', { cause });
  }
  if (!response.ok) throw refused(response.status, text, key);
  const position = response.headers.get('Touchline-Position');
  const lagS = Number(response.headers.get('Touchline-Lag'));
  api.dispatchEvent(new CustomEvent('answer', { detail: { position, lagS } }));
  return { ...JSON.parse(text, reviver), position };
}

function refused(status, text, key) {
  let fields = {};
  try {
    fields = JSON.parse(text);
  } catch {
    // Not ours: something between us and the platform answered.
  }
  const refusal = new Refusal(status, fields);
  if (key === null && (status === 401 || status === 403)) forget(refusal);
  return refusal;
}

const isLossy = (value, context) => context && Number.isInteger(value) && !Number.isSafeInteger(value);

/** Integers that a JavaScript number can't hold, as the text they were. */
function digits(_, value, context) {
  return isLossy(value, context) ? context.source : value;
}

/** The same, to be written again as they were, where the browser knows how. */
export function verbatim(_, value, context) {
  return isLossy(value, context) && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
}
