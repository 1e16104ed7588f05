// One stream: its picture, what is open on it, and one lane a query with its score.
import { $, clock, h, icon, lasting, plural, score } from './dom.js';
import { axis, paint } from './chart.js';
import { picture } from './api.js';
import { lane, look, pictureTime, preview, scores } from './live.js';
import { playLive } from './video.js';
import * as regions from './regions.js';
import { condition, events, may, openEvents, rate, selects, state, streamOf, words } from './state.js';

let name = '', span = 120, timer = 0, isTable = false;
/** The moment under the pointer, in milliseconds since 1970. @type {number | null} */
let cursor = null;
/** A stream of which the history has no pictures; it is not asked again. */
let pictureless = '', thenTimer = 0;
/** What the stream is coded as, and what ends its video. */
let coded = '', stopVideo = () => {};

export const room = {
    name: 'focus', title: 'Stream',
    /** @type {HTMLElement} */
    element: h('section.view'),
    /** @param {string} [stream] */
    show(stream) {
        name = stream ?? '';
        cursor = null;
        this.title = name;
        this.element.replaceChildren(h('div.bar',
            h('a.btn.icon', { href: '#wall', 'aria-label': 'Back to the wall' }, icon('back')), h('h1', name), h('p.sum'),
            may('operate') && h('div.tools', may('control') && h('button.btn.regionsof', { 'aria-pressed': 'false', onclick: regions.toggle }, 'Regions'),
                h('a.btn.primary', { href: '#queries/new' }, icon('plus'), 'Watch for…'))),
        h('div.focusgrid', h('figure.video', preview(name, `What ${name} shows`), h('figcaption', h('span.live'), h('span.wait'), h('span.coding'), h('time'))),
            h('div.side', h('div.open'), h('article.card', h('h2', 'On this stream'), h('ol.mini')),
                h('article.card', h('h2', 'What it is doing'), h('dl.facts'))), lanesCard()));
        coded = '';
        $('.side', this.element).prepend(regions.attach($('.video', this.element), name,
            () => $('.regionsof', this.element)?.setAttribute('aria-pressed', String(regions.isEditing()))));
        this.update('status');
        timer = setInterval(() => { if (!document.hidden) draw(); }, 1000);
    },
    hide() {
        clearInterval(timer);
        stopVideo();
        regions.detach();
    },
    /** Escape ends editing, and does not leave the room. */
    escape() {
        if (!regions.isEditing()) return false;
        regions.toggle();
        return true;
    },
    /** @param {string} what */
    update(what) {
        if (what === 'scores') return draw();
        about();
        lanes();
    },
    /** @param {KeyboardEvent} _e */
    key(_e) { return false; },
};

function lanesCard() {
    const choice = (/** @type {number} */ seconds, /** @type {string} */ text) => h('label', h('input', {
        type: 'radio', name: 'span', value: String(seconds), checked: span === seconds,
        onchange: () => { span = seconds; draw(); },
    }), h('span', text));
    return h('section.card.lanes', { 'aria-labelledby': 'h-lanes' }, h('header', h('h2', { id: 'h-lanes' }, 'Scores'),
        h('p.read', { 'aria-live': 'polite' }), h('span.then'),
        h('fieldset.seg', h('legend', 'Span'), choice(120, '2 min'), choice(600, '10 min'), choice(3600, '1 h')),
        h('button.btn.icon', { 'aria-label': 'Show the scores as a table', 'aria-pressed': String(isTable), onclick: (/** @type {any} */ e) => {
            isTable = !isTable;
            e.currentTarget.setAttribute('aria-pressed', String(isTable));
            draw();
        } }, icon('table'))),
    h('div.all'), h('p.key', h('span', h('i.k.line'), 'score'), h('span', h('i.k.dash'), 'threshold'), h('span', h('i.k.hit'), 'event'),
        h('span', h('i.k.gap'), 'no score'), h('span.hint', 'Point, or use ', h('kbd', '←'), ' ', h('kbd', '→'), ', to read a moment')));
}

/** The picture's words, what is open, what has been, what it is doing. */
function about() {
    const stream = state.streams.find(s => s.name === name), root = room.element;
    const here = (/** @type {any} */ event) => streamOf(event.stream) === name;
    if (!stream) {
        stopVideo();
        coded = '';
        $('.sum', root).textContent = 'There is no stream of this name any more.';
        return;
    }
    const { icon: sign, word, isBad, why, since } = condition(stream), isLost = state.link.state === 'lost';
    $('.sum', root).replaceChildren(h('span.state', { class: 'state' + (isBad ? ' bad' : '') }, icon(sign), word),
        stream.state === 'playing' ? `, ${rate(stream)} frames a second scored` : ` since ${clock(since)}: ${why}`);
    regions.update();
    $('.live', root).textContent = isLost ? 'Not live' : isBad ? word : 'Live';
    $('.video', root).classList.toggle('dull', isBad || isLost);
    const now = stream.recording?.codec ?? '';
    if (now !== coded) {
        coded = now;
        stopVideo();
        $('.coding', root).textContent = '';
        if (now) stopVideo = playLive($('.video', root), name, why => { $('.coding', root).textContent = why; });
    }
    const open = openEvents().filter(here);
    $('.open', root).replaceChildren(...open.map(event => h('article.card.hot', h('h2', icon('match'), words(event.query)),
        h('p.big', h('span', score(event.score)), h('small', `threshold ${score(event.threshold)} · peak ${score(event.peak.score)} · open for `
            + lasting((Date.now() - Date.parse(event.start)) / 1000))),
        h('p.row', h('a.btn', { href: '#events/' + event.event }, icon('why'), 'Look at it')))));
    const past = events(event => here(event) && event.phase === 'end').slice(0, 5);
    $('.mini', root).replaceChildren(...(past.length ? past.map(event => h('li.plain', h('p', h('a', { href: '#events/' + event.event }, words(event.query)),
        h('small', `${clock(event.start)}, ${lasting((Date.parse(event.end) - Date.parse(event.start)) / 1000)}, peak ${score(event.peak.score)}`))))
        : [h('li.plain.muted', 'No event has ended here yet.')]));
    const facts = [['Source', stream.uri], ['State', `${word.toLowerCase()} since ${clock(since)}${why ? ': ' + why : ''}`],
        ['Picture', `${stream.fps} a second asked for, ${rate(stream)} scored, ${stream.decoding === 'all' ? 'all pictures' : 'keyframes'} decoded`],
        ['Left out', `${(stream.shed + stream.dropped).toLocaleString('en')} of ${stream.sampled.toLocaleString('en')} for lack of time`],
        ['Reopened', plural(stream.restarts, 'time')],
        stream.regions.length && ['Regions', stream.regions.map((/** @type {string} */ r) => r.slice(name.length + 1)).join(', ')]].filter(Boolean);
    $('.facts', root).replaceChildren(.../** @type {any[]} */ (facts).flatMap(([key, value]) => [h('dt', key), h('dd', value)]));
}

/** Lanes of the queries that watch this stream or its regions. */
function lanes() {
    const stream = state.streams.find(s => s.name === name), place = $('.all', room.element);
    const queries = state.queries.filter(query => query.enabled !== false
        && [name, ...stream?.regions ?? []].some(n => selects(query, n))).slice(0, 32);
    look([name], queries.map(query => query.id), 640);
    const wanted = queries.flatMap(query => [name, ...stream?.regions ?? []].filter((/** @type {string} */ n) => selects(query, n)).map((/** @type {string} */ at) => ({ query, at, key: lane(query.id, at) })));
    const now = JSON.stringify(wanted.map(w => [w.key, words(w.query)]));
    if (place.dataset.of === now) return draw();
    place.dataset.of = now;
    place.replaceChildren(...(wanted.length ? [...wanted.map(one), h('div.lane.axis', h('span'), h('canvas', { 'aria-hidden': 'true' }))]
        : [h('div.nothing', h('h3', 'No query watches this stream'),
            may('operate') && h('a.btn', { href: '#queries/new' }, icon('plus'), 'Say what to watch for'))]));
    draw();
}

/** @param {{ query: any, at: string, key: string }} wanted */
function one({ query, at, key }) {
    const canvas = h('canvas', { tabindex: 0, role: 'img' });
    canvas.onpointermove = (/** @type {PointerEvent} */ e) => {
        const box = canvas.getBoundingClientRect(), [from, to] = bounds();
        read(from + (e.clientX - box.left) / box.width * (to - from));
    };
    canvas.onpointerleave = canvas.onblur = () => read(null);
    canvas.onkeydown = (/** @type {KeyboardEvent} */ e) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
        if (!step) return;
        e.preventDefault();
        e.stopPropagation();
        const [from, to] = bounds();
        read(Math.min(to, Math.max(from, (cursor ?? to) + step * (e.shiftKey ? 30_000 : 1000))));
    };
    return h('div.lane', { 'data-key': key, 'data-query': query.id, 'data-at': at }, h('div', h('h3',
        h('a', { href: '#queries/' + query.id }, words(query)), at === name ? null : h('small', ` in ${at.slice(name.length + 1)}`)), h('p')),
    canvas, h('div.scroll', { hidden: true, tabindex: 0 }));
}

/** From when until when lanes are drawn: up to the newest picture or now. */
function bounds() {
    const to = Math.max(pictureTime(name) ?? 0, ...[...scores].filter(([key]) => key.endsWith(' ' + name)).map(([, p]) => p.at(-1)?.at ?? 0)) || Date.now();
    const end = Math.abs(Date.now() - to) < 60_000 ? Math.max(to, Date.now() - 2000) : to;
    return [end - span * 1000, end];
}

/** @param {number | null} at */
function read(at) {
    cursor = at;
    draw();
    then(at);
}

/** Shows what the stream was like at a moment, where the history has a picture. @param {number | null} at */
function then(at) {
    clearTimeout(thenTimer);
    const place = $('.then', room.element);
    if (at == null || pictureless === name) { place.replaceChildren(); return; }
    thenTimer = setTimeout(() => {
        const image = h('img', { src: picture(name, Math.round(at / 5000) * 5000), alt: `${name}, ${clock(at)}`, width: 320, height: 180 });
        image.onerror = () => { pictureless = name; place.replaceChildren(); };
        if (place.firstChild?.getAttribute('src') !== image.getAttribute('src')) place.replaceChildren(image);
    }, 120);
}

function draw() {
    const root = room.element, [from, to] = bounds(), stream = state.streams.find(s => s.name === name);
    const seen = pictureTime(name), isNone = $('.video img', root)?.classList.contains('none');
    $('.video time', root).textContent = seen ? clock(seen) : '';
    $('.video .wait', root).textContent = isNone ? 'Waiting for a picture. There is none where snapshots are off for the stream.' : '';
    const gap = Math.max(4000, 6000 / (stream?.effectiveFps || 1));
    /** @type {string[]} */
    const under = [];
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll('.lane[data-key]'))) {
        const { key = '', query = '', at = '' } = element.dataset, points = scores.get(key) ?? [], last = points.at(-1);
        const mine = events(event => event.query.id === query && event.stream === at);
        const isOpen = mine.some(event => event.phase !== 'end'), canvas = $('canvas', element);
        const spans = mine.map(event => ({ start: Date.parse(event.start), end: event.phase === 'end' ? Date.parse(event.end) : to }));
        element.classList.toggle('match', isOpen);
        const text = !last ? 'no score since this page is open' : last.threshold == null ? `${score(last.value)}, learning its threshold`
            : `${score(last.value)}, threshold ${score(last.threshold)}`;
        $('p', element).replaceChildren(icon(isOpen ? 'match' : 'clock'), (isOpen ? 'matches: ' : '') + text);
        canvas.setAttribute('aria-label', `Score of “${$('h3', element).textContent}”: ${text}. Arrow keys read it.`);
        canvas.hidden = isTable;
        if (isTable) table($('.scroll', element), points);
        else paint(canvas, { points, events: spans, from, to, cursor, gap });
        $('.scroll', element).hidden = !isTable;
        if (cursor != null) {
            const near = nearest(points, cursor);
            if (near) under.push(`${$('h3', element).textContent} ${score(near.value)}`);
        }
    }
    const bottom = $('.axis canvas', root);
    if (bottom && !isTable) axis(bottom, from, to);
    $('.read', root).textContent = cursor == null ? '' : `${clock(cursor)}: ${under.slice(0, 3).join(', ') || 'nothing was looked at'}`;
}

/** The point nearest to a moment, within 5 s. @param {import('./chart.js').Point[]} points @param {number} at */
function nearest(points, at) {
    let best = null;
    for (const point of points) if (Math.abs(point.at - at) <= Math.min(5000, Math.abs((best?.at ?? -Infinity) - at))) best = point;
    return best;
}

/** The newest scores as rows, for who cannot see the curve. @param {HTMLElement} place @param {import('./chart.js').Point[]} points */
function table(place, points) {
    place.replaceChildren(h('table.data', h('thead', h('tr', h('th', { scope: 'col' }, 'Time'), h('th.n', { scope: 'col' }, 'Score'), h('th.n', { scope: 'col' }, 'Threshold'))),
        h('tbody', points.slice(-8).reverse().map(point => h('tr', h('td', clock(point.at)), h('td.n', score(point.value)), h('td.n', score(point.threshold)))))));
}
