/** Elements made by hand. Text only ever becomes a text node: what a stranger typed is never markup. */

const SVG = 'http://www.w3.org/2000/svg';

/** An HTML element; an attribute named `on…` is a listener, null and false are left out. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** An SVG element, alike. */
export function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const told = new WeakMap();

/**
 * Has `parent` hold one child an item, in their order, and gives those that are new to it.
 *
 * A child whose item did not change is left alone, with its focus, its selection and its editor.
 */
export function keep(parent, items, key, make) {
  const known = new Map([...parent.children].map((child) => [told.get(child)?.key, child]));
  const focused = document.activeElement;
  const fresh = [];
  const wanted = items.map((item) => {
    const name = key(item);
    const text = JSON.stringify(item);
    const child = known.get(name);
    if (child && told.get(child).text === text) return child;
    const made = make(item);
    told.set(made, { key: name, text });
    if (!child) fresh.push(made);
    else if (child.contains(focused)) queueMicrotask(() => made.querySelector('a, button')?.focus());
    return made;
  });
  const stays = new Set(wanted);
  for (const child of [...parent.children]) if (!stays.has(child)) child.remove();
  wanted.forEach((child, place) => {
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
  });
  return fresh;
}

/** Fills `parent` with what `make` makes of `value`, if it does not show that very value already. */
export function fill(parent, value, make) {
  const text = JSON.stringify(value);
  if (told.get(parent)?.text === text) return;
  told.set(parent, { text });
  parent.replaceChildren(...[make(value)].flat());
}

/** Marks what just came in, for a moment. */
export function flash(elements) {
  for (const element of elements) element.classList.add('is-new');
}

/** `text` for the eyes of a screen reader alone. */
export function spoken(text) {
  return h('span', { class: 'spoken' }, text);
}
