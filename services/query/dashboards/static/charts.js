/** Charts, drawn by hand: where a shape says more than a number. */

import { h, s } from './dom.js';

const WIDTH = 600;
const HEIGHT = 120;

/** Rates between samples [{atMs, applied}]: [{fromMs, toMs, rate}]. */
export function rates(samples) {
  return samples.slice(1).map((sample, place) => {
    const { atMs, applied } = samples[place];
    // A rebuild counts from nothing again.
    const rate = Math.max(0, sample.applied - applied) / Math.max(0.001, (sample.atMs - atMs) / 1000);
    return { fromMs: atMs, toMs: sample.atMs, rate };
  });
}

/** Steps of rates over `spanMs`, newest at the right; each step is exactly what was measured. */
export function steps(found, spanMs, label) {
  const endMs = found.at(-1)?.toMs ?? 0;
  const x = (ms) => Math.max(0, WIDTH * (1 - (endMs - ms) / spanMs)).toFixed(1);
  const highest = Math.max(1, ...found.map((each) => each.rate));
  const y = (rate) => (HEIGHT - (HEIGHT - 6) * (rate / highest)).toFixed(1);
  const shown = found.filter((each) => each.toMs > endMs - spanMs);
  const line = shown.map((each) => `H${x(each.fromMs)}V${y(each.rate)}H${x(each.toMs)}`).join('');
  const startX = shown.length ? x(shown[0].fromMs) : WIDTH;
  const drawing = [s('path', { class: 'ground', d: `M0 ${HEIGHT}H${WIDTH}M0 ${HEIGHT / 2 + 3}H${WIDTH}M0 6H${WIDTH}` })];
  if (shown.length) {
    const path = `M${startX} ${y(shown[0].rate)}${line}`;
    drawing.push(s('path', { class: 'area', d: `${path}V${HEIGHT}H${startX}Z` }), s('path', { class: 'line', d: path }));
  }
  return s('svg', {
    class: 'steps', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label,
  }, ...drawing);
}

/** One bar of `share` (0 to 1) of its width. */
export function bar(share, hue) {
  const width = `${(100 * Math.max(share, 0.006)).toFixed(2)}%`;
  return s('svg', { class: `bar hue-${hue}`, 'aria-hidden': 'true' },
    s('rect', { class: 'rest', width: '100%', height: '100%', rx: 3 }),
    s('rect', { class: 'part', width, height: '100%', rx: 3 }));
}

/** A bar from the middle: to the right of what adds, to the left of what takes; `share` is -1 to 1. */
export function lean(share) {
  const width = 50 * Math.max(Math.min(Math.abs(share), 1), 0.012);
  return s('svg', { class: 'lean', 'aria-hidden': 'true' },
    s('rect', { class: 'rest', width: '100%', height: '100%', rx: 3 }),
    s('rect', { class: share < 0 ? 'takes' : 'adds', x: `${(share < 0 ? 50 - width : 50).toFixed(2)}%`, width: `${width.toFixed(2)}%`, height: '100%' }));
}

/** Columns side by side, one a partition; the part that waits is drawn on top in another hue. */
export function columns(all, describe, label) {
  const highest = Math.max(1, ...all.map((each) => each.whole));
  const step = 100 / all.length;
  return s('svg', { class: 'columns', viewBox: '0 0 100 30', preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    all.map((each, place) => {
      const height = 28 * (each.whole / highest);
      const waiting = each.waiting ? Math.max(1, 28 * (each.waiting / highest)) : 0;
      const box = { x: place * step + step * 0.14, width: step * 0.72 };
      return s('g', {},
        s('title', {}, describe(each, place)),
        s('rect', { class: 'rest', ...box, y: 0, height: 30 }),
        s('rect', { class: 'part', ...box, y: 30 - Math.max(height, 0.6), height: Math.max(height, 0.6) }),
        waiting ? s('rect', { class: 'waiting', ...box, y: 30 - height, height: waiting }) : null);
    }));
}

/** What came in and what went by month: in above the line, out below it, all in one scale. */
export function flows(months, describe, label) {
  const out = ['redeemed', 'expired', 'reversed'];
  const sums = months.map((one) => [Math.max(0, one.earned), out.reduce((sum, name) => sum + one[name], 0)]);
  const above = Math.max(...sums.map(([come]) => come));
  const below = Math.max(...sums.map(([, gone]) => gone));
  const unit = HEIGHT / Math.max(1, above + below);
  const zero = above * unit;
  const step = WIDTH / months.length;
  return s('svg', { class: 'flows', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    months.map((one, place) => {
      const box = { x: place * step + step * 0.15, width: step * 0.7 };
      let y = zero;
      const parts = out.map((name) => {
        const part = s('rect', { class: name, ...box, y, height: one[name] * unit });
        y += one[name] * unit;
        return part;
      });
      return s('g', {}, s('title', {}, describe(one)),
        s('rect', { class: 'around', x: place * step, width: step, y: 0, height: HEIGHT }),
        s('rect', { class: 'earned', ...box, y: zero - one.earned * unit, height: one.earned * unit }), ...parts);
    }),
    s('path', { class: 'ground', d: `M0 ${zero}H${WIDTH}` }));
}

/** A way through stages as a strip, as long as each lasted; stages of one name share a hue. */
export function ways(way, at, describe) {
  const begin = Date.parse(way[0].since);
  const whole = Math.max(1, Date.parse(at) - begin);
  const names = [...new Set(way.map((one) => one.stage))];
  return s('svg', { class: 'ways', viewBox: '0 0 1000 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    way.map((one) => {
      const from = (Date.parse(one.since) - begin) / whole;
      const until = one.until ? (Date.parse(one.until) - begin) / whole : 1;
      return s('rect', { class: `tone-${names.indexOf(one.stage) % 6}`, x: 1000 * from, width: Math.max(2, 1000 * (until - from) - 2), y: 0, height: 10 },
        s('title', {}, describe(one)));
    }));
}

/** A ring that is closed at 100 per cent. */
export function ring(percent, label) {
  const round = { cx: 18, cy: 18, r: 15.9155 };
  return h('div', { class: 'ring' },
    s('svg', { viewBox: '0 0 36 36', role: 'img', 'aria-label': label },
      s('title', {}, label),
      s('circle', { class: 'rest', ...round }),
      // A radius of 15.9155 makes the circle 100 long; round ends would show a dot of nothing.
      percent ? s('circle', { class: 'part', ...round, 'stroke-dasharray': `${percent} 100` }) : null),
    h('span', { 'aria-hidden': 'true' }, String(percent), h('small', {}, '%')));
}
