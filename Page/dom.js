// Elements, words and times: what every room needs.

/** @type {(selector: string, root?: ParentNode) => any} */
export const $ = (selector, root = document) => root.querySelector(selector);

/**
 * Makes an element: h('p.note', { hidden: true }, 'text', child). Functions are listeners: { onclick: f }.
 * @param {string} tag name and classes
 * @param {...any} rest properties first, if there are any, then children; null and false are left out
 * @returns {any}
 */
export function h(tag, ...rest) {
    const [name, ...classes] = tag.split('.');
    const element = document.createElement(name);
    if (classes.length) element.className = classes.join(' ');
    const isPlain = rest[0] && Object.getPrototypeOf(rest[0]) === Object.prototype;
    for (const [key, value] of Object.entries(isPlain ? rest.shift() : {})) {
        if (value === false || value == null) continue;
        if (key === 'value' || (key in element && typeof value !== 'string')) element[key] = value;
        else element.setAttribute(key, String(value));
    }
    element.append(...rest.flat().filter(kid => kid != null && kid !== false));
    return element;
}

/** An icon of the sprite; its words stand beside it. @param {string} name */
export function icon(name) {
    const space = 'http://www.w3.org/2000/svg';
    const svg = document.createElementNS(space, 'svg');
    svg.setAttribute('viewBox', '0 0 16 16');
    svg.setAttribute('aria-hidden', 'true');
    const use = document.createElementNS(space, 'use');
    use.setAttribute('href', '#i-' + name);
    svg.append(use);
    return svg;
}

const two = (/** @type {number} */ n) => String(n).padStart(2, '0');

/** "14:31:52" today, "Wed 18:05" this week, "12 May 18:05" before. @param {string | number | Date} when */
export function clock(when) {
    const date = new Date(when), now = new Date();
    const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
    if (date.toDateString() === now.toDateString()) return `${time}:${two(date.getSeconds())}`;
    const isNear = now.getTime() - date.getTime() < 6 * 86_400_000;
    return `${date.toLocaleDateString('en-GB', isNear ? { weekday: 'short' } : { day: 'numeric', month: 'short' })} ${time}`;
}

/** A picture of the past, or what stands in its place. @param {string} [src] */
export function still(src) {
    const none = () => h('span.nopic', { 'aria-hidden': 'true' });
    if (!src) return none();
    const image = h('img', { src, alt: '', loading: 'lazy', width: 320, height: 180 });
    image.onerror = () => image.replaceWith(none());
    return image;
}

/** "Today", "Yesterday" or a date. @param {string | number | Date} when */
export function day(when) {
    const date = new Date(when).toDateString();
    if (date === new Date().toDateString()) return 'Today';
    if (date === new Date(Date.now() - 86_400_000).toDateString()) return 'Yesterday';
    return new Date(when).toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });
}

/** "16 s", "3 min", "2 h". @param {number} seconds */
export function lasting(seconds) {
    if (seconds < 100) return `${Math.max(0, Math.round(seconds))} s`;
    return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** "1 event", "2 events". @param {number} count @param {string} word @param {string} [many] */
export const plural = (count, word, many = word.replace(/y$/, 'ie') + 's') =>
    `${count.toLocaleString('en')} ${count === 1 ? word : many}`;

/** A score to three digits. @param {number | null | undefined} value */
export const score = value => value == null ? '–' : value.toFixed(3);

let toastTimer = 0;

/** Says something for some seconds. @param {string} text */
export function toast(text) {
    const element = $('#toast');
    element.textContent = text;
    element.hidden = false;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => { element.hidden = true; }, 6000);
}

/**
 * Opens the one dialog with a heading and a form; it closes by its own button, Escape, or `close`.
 * @param {string} title @param {any[]} fields @param {any[]} buttons @param {() => void} [submit]
 */
export function dialog(title, fields, buttons, submit) {
    const element = $('#dialog');
    const close = () => element.close();
    element.replaceChildren(h('form', {
        onsubmit: (/** @type {Event} */ e) => { e.preventDefault(); submit?.(); }, novalidate: '',
    }, h('header', h('h2', { id: 'h-dialog' }, title),
        h('button.btn.icon', { type: 'button', 'aria-label': 'Close', onclick: close }, icon('no'))),
    fields, h('footer', buttons)));
    element.showModal();
    return close;
}

/**
 * Shows a child an item in `place`, in their order. A child that is there already by its key is filled anew and stays: what
 * is read, pointed at or loaded is not taken away.
 * @template T
 * @param {HTMLElement} place @param {T[]} items @param {(item: T) => string} key
 * @param {(item: T) => HTMLElement} make @param {(child: HTMLElement, item: T) => void} fill
 */
export function keyed(place, items, key, make, fill) {
    const there = /** @type {HTMLElement[]} */ ([...place.children]), known = new Map(there.map(child => [child.dataset.key, child]));
    const wanted = items.map(item => {
        const child = known.get(key(item)) ?? make(item);
        child.dataset.key = key(item);
        fill(child, item);
        return child;
    });
    for (const child of there) if (!wanted.includes(child)) child.remove();
    wanted.forEach((child, at) => { if (place.children[at] !== child) place.insertBefore(child, place.children[at] ?? null); });
}

/** A labelled input. @param {string} name @param {string} label @param {object} props @param {string} [help] */
export function field(name, label, props, help) {
    return h('label.field', h('span', label), h('input', { name, autocomplete: 'off', spellcheck: false, ...props }),
        help && h('small', help));
}

/** A sentence about what failed, announced; empty and hidden until `say` fills it. */
export function problem() {
    const element = h('p.error', { role: 'alert', hidden: true });
    return {
        element,
        /** @param {string} [text] */
        say(text) {
            element.hidden = !text;
            element.replaceChildren(...(text ? [icon('warn'), h('span', text)] : []));
        },
    };
}
