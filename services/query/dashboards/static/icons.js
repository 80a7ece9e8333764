/** A picture a family of events, drawn on 20 × 20, and the hue that families of one kind share. */

import { s } from './dom.js';

const DRAWN = {
  appointment: 'M4 5h12v11H4zM4 8.5h12M7.5 3v3.5M12.5 3v3.5',
  call: 'M5 3.5h3l1.3 3.6-1.8 1.3a9 9 0 0 0 4.1 4.1l1.3-1.8 3.6 1.3v3a1.5 1.5 0 0 1-1.6 1.5A13 13 0 0 1 3.5 5.1 1.5 1.5 0 0 1 5 3.5z',
  case: 'M3.5 6h13v3a1.5 1.5 0 0 0 0 3v3h-13v-3a1.5 1.5 0 0 0 0-3zM11.5 6v9',
  chat: 'M4 4h12v9H9.5L6 16v-3H4z',
  consent: 'M10 3l6 2.2v4.3c0 3.6-2.5 6-6 7.5-3.5-1.5-6-3.9-6-7.5V5.2zM7.3 10l2 2 3.4-3.7',
  customer: 'M10 10a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4zM4 16.5c.6-3 3-4.5 6-4.5s5.4 1.5 6 4.5',
  deal: 'M4 16l4-4 3 3 5-7M12.5 8H16v3.5',
  email: 'M3 5h14v10H3zM3.5 5.5L10 11l6.5-5.5',
  feedback: 'M10 3.2l2 4.3 4.7.6-3.5 3.2.9 4.7L10 13.7 5.9 16l.9-4.7L3.3 8.1l4.7-.6z',
  form: 'M5 3h10v14H5zM7.5 7h5M7.5 10h5M7.5 13h3',
  message: 'M6 3h8v14H6zM9 14.5h2',
  note: 'M4 16l.7-3.3L13 4.4l2.6 2.6-8.3 8.3z',
  purchase: 'M5 7h10l.8 9.5H4.2zM7.5 7V6a2.5 2.5 0 0 1 5 0v1',
  reward: 'M4 9.5h12V17H4zM3.5 6.5h13v3h-13zM10 6.5V17M10 6.5C8.5 3.5 6 3 6 5s2 1.5 4 1.5c2 0 4 .5 4-1.5s-2.5-1.5-4 1.5z',
  subscription: 'M4.5 8A6 6 0 0 1 15 6.5M15.5 12A6 6 0 0 1 5 13.5M15 3.5v3h-3M5 16.5v-3h3',
  task: 'M4 4h12v12H4zM7 10l2 2 4-4.5',
  web: 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM3 10h14M10 3c2.5 2 3 4.5 3 7s-.5 5-3 7c-2.5-2-3-4.5-3-7s.5-5 3-7z',
};
const OTHER = 'M10 6a4 4 0 1 0 0 8 4 4 0 0 0 0-8z';
const HUES = {
  trade: ['purchase', 'subscription', 'deal', 'reward', 'points', 'tier'],
  mail: ['email', 'message'],
  voice: ['call', 'chat', 'appointment'],
  service: ['case', 'feedback', 'task', 'note', 'alert'],
  person: ['customer', 'consent'],
};

/** The hue's name of a family; it is a class in the style sheet. */
export function hue(family) {
  return Object.keys(HUES).find((name) => HUES[name].includes(family)) ?? 'other';
}

export function icon(family) {
  return s('svg', { class: `icon hue-${hue(family)}`, viewBox: '0 0 20 20', 'aria-hidden': 'true' },
    s('path', { d: Object.hasOwn(DRAWN, family) ? DRAWN[family] : OTHER }));
}

export function mark() {
  return s('svg', { class: 'mark', viewBox: '0 0 32 32', 'aria-hidden': 'true' },
    s('rect', { width: 32, height: 32, rx: 8 }),
    s('path', { d: 'M5 21h6l4-10 4 13 3-7h5' }));
}
