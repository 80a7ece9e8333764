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
