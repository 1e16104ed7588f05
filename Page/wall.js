// The wall: every stream at once, and the first visit.
import { $, clock, h, icon, keyed, lasting, plural, problem, score } from './dom.js';
import { ask, sentence } from './api.js';
import { look, mostStreams, preview } from './live.js';
import { condition, events, may, openEvents, rate, refresh, state, streamOf, words } from './state.js';
import { picture } from './events.js';

/** @type {'all' | 'open' | 'bad'} */
let filter = 'all';
/** Streams whose tiles are on the screen. @type {Set<string>} */
const visible = new Set();
const watcher = new IntersectionObserver(entries => {
    for (const { target, isIntersecting } of entries) {
        const name = /** @type {HTMLElement} */ (target).dataset.stream ?? '';
        if (isIntersecting) visible.add(name);
        else visible.delete(name);
    }
    if (room.element.isConnected) look([...visible]);
});

export const room = {
    name: 'wall', title: 'Wall',
    /** @type {HTMLElement} */
    element: h('section.view'),
    show() {
        visible.clear();
        this.element.replaceChildren();
        this.update('status');
    },
    hide() { watcher.disconnect(); },
    /** @param {string} what */
    update(what) {
        if (what === 'scores') return;
        if (!state.streams.length) {
            look([]);
            if (!$('.first', this.element)) this.element.replaceChildren(first());
            return;
        }
        if (!$('.tiles', this.element)) this.element.replaceChildren(frame());
        fill();
    },
    /** @param {KeyboardEvent} e */
    key(e) {
        const tiles = /** @type {HTMLElement[]} */ ([...this.element.querySelectorAll('.tile')]);
        const at = tiles.indexOf(/** @type {HTMLElement} */ (document.activeElement));
        const columns = getComputedStyle($('.tiles', this.element) ?? document.body).gridTemplateColumns.split(' ').length;
        const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[e.key];
        if (!step || !tiles.length) return false;
        const next = at < 0 ? tiles[0] : tiles[at + step];
        if (!next) return at >= 0;
        tiles.forEach(tile => { tile.tabIndex = tile === next ? 0 : -1; });
        next.focus();
        return true;
    },
};

function frame() {
    const choice = (/** @type {string} */ value, /** @type {string} */ text) => h('label',
        h('input', { type: 'radio', name: 'wall-filter', value, checked: filter === value, onchange: () => {
            filter = /** @type {any} */ (value);
            fill();
        } }), h('span', text, ' ', h('i', { 'data-count': value })));
    return h('div', h('div.bar', h('h1', 'Wall'), h('p.sum'),
        h('fieldset.seg', h('legend', 'Show'), choice('all', 'All'), choice('open', 'Open events'), choice('bad', 'Trouble'))),
    h('div.next', { hidden: true }), h('div.wallgrid', h('ul.tiles'),
        h('aside.rail', { 'aria-labelledby': 'h-rail' }, h('h2', { id: 'h-rail' }, 'Latest'), h('ol.mini'),
            h('a.btn.wide', { href: '#events' }, 'All events'))));
}

function fill() {
    const open = new Map(openEvents().map(event => [streamOf(event.stream), event]));
    const bad = state.streams.filter(stream => condition(stream).isBad);
    const wanted = state.streams.filter(stream =>
        filter === 'all' || (filter === 'open' ? open.has(stream.name) : bad.includes(stream)));
    $('.sum', room.element).textContent =
        `${plural(state.streams.length, 'stream')}, ${plural(openEvents().length, 'open event')}, ${bad.length} in trouble`
        + (visible.size > mostStreams ? `; ${mostStreams} of the ${visible.size} on the screen are live` : '');
    const counts = { all: state.streams.length, open: state.streams.filter(s => open.has(s.name)).length, bad: bad.length };
    for (const [key, count] of Object.entries(counts)) {
        $(`[data-count=${key}]`, room.element).textContent = String(count);
    }
    hint(wanted.length);
    const list = $('.tiles', room.element), known = new Map([...list.children].map(li => [li.dataset.stream, li]));
    for (const [name, li] of known) {
        if (wanted.some(stream => stream.name === name)) continue;
        watcher.unobserve(li);
        visible.delete(name ?? '');
        li.remove();
    }
    wanted.forEach((stream, place) => {
        const li = known.get(stream.name) ?? tile(stream.name);
        if (list.children[place] !== li) list.insertBefore(li, list.children[place] ?? null);
        describe(li, stream, open.get(stream.name));
        if (!known.has(stream.name)) watcher.observe(li);
    });
    const tiles = [...list.querySelectorAll('.tile')];
    if (tiles.length && !tiles.some(t => t.tabIndex === 0)) tiles[0].tabIndex = 0;
    list.classList.toggle('stale', state.link.state === 'lost');
    fit();
    // Tiles that were taken away are not looked at any more; the observer tells only of those that stand.
    if (room.element.isConnected) look([...visible]);
    const latest = events().slice(0, 9), rail = $('.rail .mini', room.element);
    if (!latest.length) rail.replaceChildren(h('li.plain.muted', 'No event yet.'));
    else keyed(rail, latest, event => event.event, () => h('li', h('span'), h('p')), mini);
}

/** What to do next, where the wall alone does not show it. @param {number} shown */
function hint(shown) {
    const element = $('.next', room.element);
    const next = !state.queries.length
        ? [h('p', 'The pictures come; nothing is watched for yet.'), may('operate') && h('a.btn.primary', { href: '#queries/new' }, icon('plus'), 'Say what to watch for')]
        : !shown ? [h('p', filter === 'open' ? 'No event is open now.' : 'No stream is in trouble.'),
            h('button.btn', { onclick: () => $('[name=wall-filter][value=all]').click() }, 'Show all streams')] : [];
    element.hidden = !next.length;
    element.replaceChildren(...next.filter(Boolean));
}

/** @param {string} name */
function tile(name) {
    const link = h('a.tile', { href: '#focus/' + encodeURIComponent(name), tabindex: '-1' },
        h('div.pic', preview(name, ''), h('span.flag', { hidden: true }), h('span.wait', { hidden: true })),
        h('div.cap', h('b', name, h('small')), h('p')));
    return h('li', { 'data-stream': name }, link);
}

/** @param {HTMLElement} li @param {any} stream @param {import('./state.js').MatchEvent | undefined} event */
function describe(li, stream, event) {
    const { icon: sign, word, isBad, why } = condition(stream);
    const last = event ?? events(e => streamOf(e.stream) === stream.name)[0];
    const link = $('.tile', li), isStale = state.link.state === 'lost';
    link.className = 'tile' + (isBad ? ' bad' : event ? ' match' : '');
    const flag = $('.flag', li), calm = !isBad && !event && stream.state === 'playing';
    flag.hidden = calm;
    if (!calm) flag.replaceChildren(icon(event && !isBad ? 'match' : sign), event && !isBad ? (isStale ? 'Matched' : 'Matches') : word);
    const wait = $('.wait', li), hasPicture = !$('img', li).classList.contains('none');
    wait.hidden = hasPicture;
    wait.textContent = isBad ? 'No picture' : 'The first picture is on its way';
    $('small', li).textContent = stream.state === 'playing' ? `${rate(stream)} fps` : '';
    const open = event && lasting((Date.now() - Date.parse(event.start)) / 1000);
    const say = isBad ? [h('span', why)] : event ? [h('span', words(event.query)), open]
        : last ? [clock(last.start), h('span', words(last.query))] : [h('span', why || 'no event yet')];
    $('.cap p', li).replaceChildren(...say);
    link.setAttribute('aria-label', `${stream.name}: ${event ? `Matches ${words(event.query)} for ${open}` : word}`
        + (isBad ? `, ${why}` : last && !event ? `; last ${words(last.query)}, ${clock(last.start)}` : ''));
}

/** @param {HTMLElement} li @param {import('./state.js').MatchEvent} event */
function mini(li, event) {
    const isOpen = event.phase !== 'end';
    const seconds = (Date.parse(event.end) - Date.parse(event.start)) / 1000;
    li.className = isOpen ? 'open' : '';
    picture(li, event);
    const text = $('p', li), says = `${event.stream}, ${isOpen ? 'open since ' + clock(event.start) : clock(event.start) + ', ' + lasting(seconds)}, ${score(event.peak.score)}`;
    if (text.dataset.says === says) return;
    text.dataset.says = says;
    text.title = words(event.query);
    text.replaceChildren(h('a', { href: '#events/' + event.event }, words(event.query)), h('small', says));
}

/** The fewest columns with which all tiles are on the screen at once, and none under 240 px. */
function fit() {
    const list = $('.tiles', room.element);
    if (!list?.isConnected) return;
    const count = list.childElementCount, width = list.clientWidth;
    const height = innerHeight - list.getBoundingClientRect().top - scrollY - 24;
    let columns = 1;
    const rows = () => Math.ceil(count / columns) * ((width - 12 * columns) / columns * .5625 + 74);
    while (columns < count && (width - 12 * columns) / (columns + 1) >= 240 && rows() > height * 1.08) columns++;
    list.style.setProperty('--cols', String(columns));
}
addEventListener('resize', fit);

/**
 * A name from an address that no stream has: its host, or a film's own name. A path on a host may hold a secret, and is
 * left out. @param {string} uri
 */
export function nameFor(uri) {
    const [, scheme = '', rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/i.exec(uri) ?? [];
    const isFile = !scheme || scheme.toLowerCase() === 'file';
    const text = isFile ? (rest.split('/').filter(Boolean).at(-1) ?? '').replace(/\.[a-z0-9]{2,4}$/i, '')
        // A password with a slash in it is no host.
        : /[/?#].*@/.test(rest) ? '' : rest.replace(/[/?#].*$/, '').replace(/^.*@/, '').replace(/:\d*$/, '');
    const bare = (text.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 48) || 'camera').replace(/^\d+$/, `${scheme || 'camera'}-$&`);
    let name = bare;
    for (let n = 2; isTaken(name); n++) name = `${bare}-${n}`;
    return name;
}

/** Whether a stream has a name already: one that is added under it would take its place. @param {string} name */
export const isTaken = name => state.streams.some(s => s.name === name);

/** The three steps of a first visit; the first one is usable on the spot. */
function first() {
    const wrong = problem();
    const input = h('input', { id: 'first-uri', name: 'uri', placeholder: 'rtsp://10.0.4.11/main', autocomplete: 'off', spellcheck: false });
    const add = async (/** @type {string} */ name, /** @type {string} */ uri) => {
        wrong.say();
        try {
            await ask('POST', '/streams', { name, uri });
            await refresh();
        } catch (error) {
            wrong.say(sentence(error));
            input.focus();
        }
    };
    const submit = (/** @type {Event} */ e) => {
        e.preventDefault();
        const uri = input.value.trim();
        if (!uri) return wrong.say('Write the address of a camera or a film first, or take the synthetic scene.');
        add(nameFor(uri), uri);
    };
    const start = may('control') ? [
        h('p.muted', 'A camera’s address, or anything GStreamer can open.'),
        h('form.row', { onsubmit: submit, novalidate: '' }, h('label.vh', { for: 'first-uri' }, 'Address'), input,
            h('button.btn.primary', { type: 'submit' }, 'Add')),
        wrong.element,
        h('p.demo', h('span', 'No camera at hand? ', h('button.textlink', { type: 'button', onclick: () => add('shapes', 'shapes://7') },
            'Watch the synthetic scene'), h('br'), h('span.muted', 'Coloured shapes that come and go.'))),
    ] : [h('p.muted', 'This takes the role control; ask whoever runs this machine.')];
    return h('div.first', h('h1', 'What should be watched?'),
        h('p.muted', 'Watchword is running and waits for its first stream. Three steps, about two minutes.'),
        h('ol.steps', h('li.now', h('h2', 'Add a stream'), start),
            h('li', h('h2', 'Say what to watch for'), h('p.muted', 'A sentence, such as “a van stops at the gate”.')),
            h('li', h('h2', 'See what it scores, and add it'), h('p.muted', 'From then on each match is an event, with its picture.'))));
}
