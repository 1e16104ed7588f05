// Regions of a stream's picture: drawn over it, and edited with the mouse or by the keyboard.
import { $, field, h, icon, plural, problem, toast } from './dom.js';
import { ask, sentence } from './api.js';
import { openEvents, refresh, selects, state, words } from './state.js';

/** @typedef {{ name: string, rect: number[] }} Region x, y, width and height are fractions of the picture */

/** The least side of a region, how far a key moves one, and how many a stream may have. */
const least = .01, step = .01, most = 16;
const sides = [['Left', 0, 2], ['Top', 1, 3], ['Width', 2, 0], ['Height', 3, 1]];

const overlay = h('div.regions', { 'aria-hidden': 'true' });
const panel = h('section.card.regionpanel', { 'aria-labelledby': 'h-regions', hidden: true });
let name = '';
/** @type {HTMLElement | null} */
let figure = null;
/** The regions that are edited; null while they are only shown. @type {Region[] | null} */
let draft = null;
/** What the daemon had when editing began, or when it was last said that it has changed. */
let base = '';
/** Whether a save is under way, and the regions that it has sent. */
let isSaving = false, sent = '';
let wrong = problem();
/** The region that was pressed or focused last. */
let chosen = 0;
let onEdit = () => {};

const observer = new ResizeObserver(() => place());
const rounded = (/** @type {number} */ value) => Math.round(value * 1000) / 1000;
const limited = (/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ high) => Math.min(Math.max(value, low), high);

/** A rectangle within the picture, in thousandths. @param {number[]} rect */
function within([x, y, width, height]) {
    const [w, hgt] = [width, height].map(size => rounded(limited(size, least, 1)));
    const [left, top] = [rounded(limited(x, 0, 1 - w)), rounded(limited(y, 0, 1 - hgt))];
    return [left, top, w, hgt];
}

/** What the daemon has: the regions by name. @returns {Region[]} */
const standing = () => Object.entries(state.streams.find(s => s.name === name)?.rectangles ?? {})
    .map(([name, rect]) => ({ name, rect: /** @type {number[]} */ (rect) })).sort((a, b) => a.name.localeCompare(b.name));

/**
 * Shows a stream's regions in a figure until the next call; the result is the form that edits them.
 * @param {HTMLElement} shown @param {string} stream @param {() => void} changed called when editing begins or ends
 */
export function attach(shown, stream, changed) {
    detach();
    (figure = shown, name = stream, onEdit = changed);
    figure.append(overlay);
    figure.addEventListener('load', place, true);
    figure.addEventListener('loadedmetadata', place, true);
    observer.observe(figure);
    show();
    return panel;
}

/** Lets go of the figure, and of what was edited. */
export function detach() {
    const now = JSON.stringify(draft);
    if (draft && now !== base && now !== sent) toast(`The regions of ${name} were not saved.`);
    drop();
    observer.disconnect();
    figure?.removeEventListener('load', place, true);
    figure?.removeEventListener('loadedmetadata', place, true);
    (draft = null, figure = null, panel.hidden = true);
    overlay.replaceChildren();
}

export const isEditing = () => draft != null;

/** Begins to edit, or ends it without a change. */
export function toggle() {
    if (!draft && !state.streams.some(s => s.name === name)) { toast(`There is no stream ${name} any more.`); return; }
    const held = panel.contains(document.activeElement) || overlay.contains(document.activeElement) || document.activeElement === document.body;
    drop();
    draft = draft ? null : standing();
    base = JSON.stringify(draft);
    chosen = 0;
    panel.hidden = !draft;
    if (draft) fillPanel();
    show();
    onEdit();
    // What had the focus is gone: it goes back to what began it.
    if (!draft && held) $('.regionsof')?.focus();
    if (draft) { panel.scrollIntoView({ block: 'nearest' }); $('.regionadd', panel).focus(); }
}

/** Draws what the daemon has; what is edited stays. */
export function update() {
    if (!draft) show();
}

/** Puts the regions where the picture is within its figure. */
function place() {
    const media = [...figure?.querySelectorAll('video.coded:not([hidden]), img[data-preview]') ?? []][0];
    const [wide, high] = media instanceof HTMLVideoElement ? [media.videoWidth, media.videoHeight]
        : media instanceof HTMLImageElement ? [media.naturalWidth, media.naturalHeight] : [0, 0];
    const box = /** @type {HTMLElement | undefined} */ (media);
    overlay.hidden = !box || !wide || !high;
    if (!box || overlay.hidden) return;
    const scale = Math.min(box.offsetWidth / wide, box.offsetHeight / high), { style } = overlay;
    style.left = `${box.offsetLeft + (box.offsetWidth - wide * scale) / 2}px`;
    style.top = `${box.offsetTop + (box.offsetHeight - high * scale) / 2}px`;
    style.width = `${wide * scale}px`;
    style.height = `${high * scale}px`;
}

/** Draws the regions: those that are edited, or those that stand. */
function show() {
    const list = draft ?? standing(), open = new Map(openEvents().map(event => [event.stream, event]));
    if (draft) overlay.removeAttribute('aria-hidden');
    else overlay.setAttribute('aria-hidden', 'true');
    overlay.setAttribute('role', 'group');
    overlay.setAttribute('aria-label', 'Regions of the picture');
    overlay.classList.toggle('editing', Boolean(draft));
    while (overlay.childElementCount > list.length || (overlay.firstElementChild && (overlay.firstElementChild.tagName === 'BUTTON') !== Boolean(draft))) overlay.lastElementChild?.remove();
    list.forEach((region, at) => {
        const box = /** @type {HTMLElement} */ (overlay.children[at] ?? overlay.appendChild(made()));
        const isHot = !draft && open.has(`${name}/${region.name}`);
        box.className = 'region' + (isHot ? ' hot' : '') + (draft && at === chosen ? ' chosen' : '');
        const tag = $('.regiontag', box), label = region.name || 'no name yet';
        if (tag.dataset.of !== label + isHot) tag.replaceChildren(...isHot ? [icon('match')] : [], label);
        tag.dataset.of = label + isHot;
        [box.style.left, box.style.top, box.style.width, box.style.height] = region.rect.map(part => `${part * 100}%`);
        // A small one can be pressed where a large one covers it.
        box.style.zIndex = String(1000 - Math.round(region.rect[2] * region.rect[3] * 1000));
        if (!draft) return;
        box.setAttribute('aria-label', `Region ${label}: ${sides.map(([side, key]) => `${String(side).toLowerCase()} ${percent(region.rect[Number(key)])} %`).join(', ')}. `
            + 'Arrow keys move it, with Shift they change its size, Delete takes it out.');
    });
    place();
}

const percent = (/** @type {number} */ part) => String(Math.round(part * 1000) / 10);

/** A region's box: plain while it is shown, a button while it is edited. */
function made() {
    const tag = h('span.regiontag');
    if (!draft) return h('div.region', tag);
    return h('button.region', { type: 'button', onkeydown: keys, onfocus: (/** @type {any} */ e) => choose(index(e.currentTarget)) },
        tag, ...['nw', 'ne', 'sw', 'se'].map(corner => h('i.grip.' + corner, { 'data-corner': corner })));
}

const index = (/** @type {Element} */ box) => [...overlay.children].indexOf(box);

/** @param {number} at */
function choose(at) {
    if (!draft || at < 0 || at === chosen) return;
    chosen = at;
    [...overlay.children].forEach((box, place) => box.classList.toggle('chosen', place === at));
}

/** @param {number} at @param {number[]} rect */
function move(at, rect) {
    const region = draft?.[at];
    if (!region) return;
    region.rect = within(rect);
    show();
    numbers(at);
}

/** @param {KeyboardEvent} e */
function keys(e) {
    const at = index(/** @type {Element} */ (e.currentTarget)), region = draft?.[at];
    if (!region) return;
    const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[e.key] ?? [0, 0];
    const [x, y, width, height] = region.rect;
    if (e.key === 'Delete' || e.key === 'Backspace') remove(at);
    else if (!dx && !dy) {
        // No other key means the room while a region has the focus; Escape ends editing.
        if (e.key !== 'Escape') e.stopPropagation();
        return;
    }
    // What grows stops at the edge: it is not pushed away from it.
    else move(at, e.shiftKey ? [x, y, Math.min(width + dx, 1 - x), Math.min(height + dy, 1 - y)] : [x + dx, y + dy, width, height]);
    e.preventDefault();
    e.stopPropagation();
}

/** Ends what the pointer does. */
function drop() { overlay.onpointermove = overlay.onpointerup = overlay.onpointercancel = null; }

// ---- The mouse: on a corner it sizes, on a region it moves, elsewhere it draws a new one
overlay.onpointerdown = (/** @type {PointerEvent} */ e) => {
    if (!draft || e.button !== 0 || !e.isPrimary || overlay.onpointermove) return;
    const target = /** @type {HTMLElement} */ (e.target), box = target.closest('.region'), bounds = overlay.getBoundingClientRect();
    const point = (/** @type {PointerEvent} */ p) => [limited((p.clientX - bounds.left) / bounds.width, 0, 1), limited((p.clientY - bounds.top) / bounds.height, 0, 1)];
    const from = point(e), corner = target.dataset.corner ?? (box ? '' : 'se');
    if (!box && draft.length >= most) return;
    e.preventDefault();
    const first = box ? index(box) : draft.push({ name: '', rect: [from[0], from[1], 0, 0] }) - 1, region = draft[first], before = [...region.rect];
    // Another may be taken out by the keyboard meanwhile.
    const put = (/** @type {number[]} */ rect) => move(draft?.indexOf(region) ?? -1, rect);
    choose(first);
    overlay.setPointerCapture(e.pointerId);
    overlay.onpointermove = p => {
        if (p.pointerId !== e.pointerId) return;
        const [x, y] = point(p), [dx, dy] = [x - from[0], y - from[1]];
        if (!corner) return put([before[0] + dx, before[1] + dy, before[2], before[3]]);
        // The corner that is held goes with the pointer, the other one stays; beyond it they change their parts.
        const [x0, x1] = corner.includes('w') ? [before[0] + dx, before[0] + before[2]] : [before[0], before[0] + before[2] + dx];
        const [y0, y1] = corner.includes('n') ? [before[1] + dy, before[1] + before[3]] : [before[1], before[1] + before[3] + dy];
        const [left, right, top, bottom] = [Math.min(x0, x1), Math.max(x0, x1), Math.min(y0, y1), Math.max(y0, y1)].map(v => limited(v, 0, 1));
        put([left, top, right - left, bottom - top]);
    };
    overlay.onpointerup = overlay.onpointercancel = p => {
        if (p.pointerId !== e.pointerId) return;
        drop();
        const at = draft?.indexOf(region) ?? -1;
        if (!draft || at < 0) return;
        // A press that draws nothing was none.
        if (!box && (region.rect[2] < 2 * least || region.rect[3] < 2 * least)) draft.splice(at, 1);
        show();
        if (draft.length !== panel.querySelectorAll('.regionrow').length) fillPanel();
        if (box) /** @type {HTMLElement | undefined} */ (overlay.children[at])?.focus();
        else $(`.regionrow:nth-child(${at + 1}) [name=name]`, panel)?.focus();
    };
};

// ---- The form: a row a region, which says the same in numbers
function fillPanel() {
    wrong = problem();
    const stream = state.streams.find(s => s.name === name);
    panel.replaceChildren(h('div', h('h2', { id: 'h-regions' }, 'Regions'),
        h('p.muted', 'Draw a rectangle on the picture, or add one here. A query watches a region where its streams name it, as in ', h('b', `${name}/door`), '.'),
        stream?.source === 'file' && h('p.muted', 'The configuration has this stream. What is saved here stands in its place until it is reset.'),
        h('form', { novalidate: '', onsubmit: (/** @type {Event} */ e) => { e.preventDefault(); save(); } },
            h('ul.regionrows', (draft ?? []).map(row)), h('p.regionnote.muted', { role: 'status' }), wrong.element,
            h('p.row', h('button.btn.regionadd', { type: 'button', onclick: add }, icon('plus'), 'Add a region'),
                h('button.btn', { type: 'button', onclick: toggle }, 'Cancel'), h('button.btn.primary', { type: 'submit', disabled: isSaving }, 'Save')))));
    panel.onkeydown = escape;
    overlay.onkeydown = escape;
    note();
}

/** Escape leaves a field, or ends editing, and does not leave the room. @param {KeyboardEvent} e */
function escape(e) {
    if (e.key !== 'Escape' || !draft) return;
    e.stopPropagation();
    const target = /** @type {HTMLElement} */ (e.target);
    if (target.matches('input')) target.blur();
    else toggle();
}

/** @param {Region} region @param {number} at */
function row(region, at) {
    const label = field('name', 'Name', { value: region.name, maxlength: 64, required: true });
    const input = $('input', label);
    input.oninput = () => {
        if (draft) draft[at].name = input.value.trim();
        show();
        note();
    };
    const number = (/** @type {any[]} */ [side, key, other]) => {
        const part = field(String(side).toLowerCase(), `${side}, %`, { type: 'number', min: '0', max: '100', step: '0.1', value: percent(region.rect[key]) });
        $('input', part).onchange = (/** @type {any} */ e) => {
            const rect = [...draft?.[at].rect ?? region.rect], value = Number(e.target.value) / 100;
            // A size keeps its place, and ends where the picture does.
            rect[key] = key > 1 ? Math.min(value, 1 - rect[other]) : value;
            move(at, rect);
        };
        return part;
    };
    const element = h('li.regionrow', label, ...sides.map(number),
        h('button.btn.icon', { type: 'button', 'aria-label': `Remove region ${region.name || at + 1}`, onclick: () => remove(at) }, icon('no')));
    element.addEventListener('focusin', () => choose(at));
    return element;
}

/** Writes a region's numbers into its row. @param {number} at */
function numbers(at) {
    const rect = draft?.[at]?.rect, place = panel.querySelectorAll('.regionrow')[at];
    if (!rect || !place) return;
    for (const [side, key] of sides) $(`[name=${String(side).toLowerCase()}]`, place).value = percent(rect[Number(key)]);
}

function add() {
    if (!draft) return;
    if (draft.length >= most) { toast(`A stream has at most ${most} regions.`); return; }
    // Each one a little aside, so that none hides another.
    const aside = draft.length % 5 * .05;
    chosen = draft.push({ name: '', rect: within([.25 + aside, .25 + aside, .4, .4]) }) - 1;
    fillPanel();
    show();
    $(`.regionrow:nth-child(${chosen + 1}) [name=name]`, panel).focus();
}

/** @param {number} at */
function remove(at) {
    draft?.splice(at, 1);
    chosen = 0;
    fillPanel();
    show();
    $('.regionadd', panel).focus();
}

/** Says which queries would lose what they watch. */
function note() {
    const kept = new Set(draft?.map(region => region.name)), gone = standing().map(region => region.name).filter(region => !kept.has(region));
    const told = gone.flatMap(region => state.queries.filter(query => selects(query, `${name}/${region}`)).slice(0, 3)
        .map(query => `“${words(query)}” watches ${region}, which will not be there.`));
    $('.regionnote', panel).textContent = told.slice(0, 3).join(' ');
}

async function save() {
    if (!draft || isSaving) return;
    const names = draft.map(region => region.name), bad = draft.findIndex((region, at) => !/^[A-Za-z0-9_-]{1,64}$/.test(region.name) || names.indexOf(region.name) !== at);
    if (bad >= 0) {
        wrong.say(!names[bad] ? 'Write a name for the region first.' : names.indexOf(names[bad]) !== bad ? `There are two regions ${names[bad]}.`
            : `“${names[bad]}” is no name: letters, digits, hyphens and underscores make one.`);
        $(`.regionrow:nth-child(${bad + 1}) [name=name]`, panel).focus();
        return;
    }
    wrong.say();
    const mine = draft, stream = name, count = plural(names.length, 'region');
    const submit = () => $('[type=submit]', panel);
    isSaving = submit().disabled = true;
    try {
        await refresh();
        // Whoever left, or took it back, meanwhile saves nothing.
        if (draft !== mine) return;
        if (JSON.stringify(standing()) !== base) {
            base = JSON.stringify(standing());
            note();
            wrong.say('Somebody else has changed the regions meanwhile. Look at them; Save again replaces them.');
            return;
        }
        const text = sent = JSON.stringify(mine), regions = mine.length ? Object.fromEntries(mine.map(({ name, rect }) => [name, rect])) : null;
        const { change } = await ask('PATCH', '/streams/' + encodeURIComponent(stream), { regions });
        await refresh();
        toast(change === 'unchanged' ? 'It is like that already.' : `${count} saved; the stream is opened anew.`);
        if (draft !== mine) return;
        base = JSON.stringify(standing());
        // What was changed since it was sent is edited further.
        if (JSON.stringify(mine) === text) toggle();
        else fillPanel();
    } catch (error) {
        if (draft === mine) wrong.say(sentence(error));
        else toast(`The regions of ${stream} were not saved: ${sentence(error)}`);
    } finally {
        (isSaving = false, sent = '');
        const button = submit();
        if (button) button.disabled = false;
    }
}
