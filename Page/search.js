// Search: moments of the past that a sentence describes, or that are like an event or another moment.
import { $, clock, h, icon, lasting, plural, problem, score, still } from './dom.js';
import { ask, picture, sentence } from './api.js';
import { look } from './live.js';
import { may, state } from './state.js';

const limit = 60;
let turn = 0;
/** What stands in the place of a sentence. @type {{ event: string } | { moment: { stream: string, at: string } } | null} */
let like = null;

export const room = {
    name: 'search', title: 'Search',
    /** @type {HTMLElement} */
    element: h('section.view.searchroom'),
    /** @param {string} [text] what is searched for; 'like' with what follows: an event, or a moment's stream and time
     * @param {string} [kind] @param {string} [which] @param {string} [at] */
    show(text, kind, which, at) {
        look([]);
        like = text !== 'like' || !which ? null : kind === 'event' ? { event: which } : at ? { moment: { stream: which, at } } : null;
        if (like) text = '';
        const wrong = problem();
        this.element.replaceChildren(h('h1', 'Search the past'), h('form.searchform', {
            role: 'search', onsubmit: (/** @type {Event} */ e) => { e.preventDefault(); find(wrong); },
        }, h('input', { name: 'text', type: 'search', placeholder: 'a red van', value: text ?? '', 'aria-label': 'What to look for', autocomplete: 'off' }),
        choice('stream', 'Stream', [['', 'Any stream'], ...state.streams.map(s => [s.name, s.name])]),
        choice('hours', 'How far back', [['1', 'The last hour'], ['24', 'The last day'], ['', 'All there is']], ''),
        choice('sort', 'Order', [['score', 'Best first'], ['time', 'Newest first']]),
        h('button.btn.primary', { type: 'submit' }, 'Search')), liked(), wrong.element, h('div.moments', { 'aria-live': 'polite' },
            h('p.nothing', 'Write what a picture of it would show. Everything that is still kept of the streams is searched.')));
        $('[name=text]', this.element).focus();
        if (text || like) find(wrong);
    },
    hide() { turn += 1; },
    update() {},
    key() { return false; },
};

/** What is searched for where it is no sentence. */
function liked() {
    if (!like) return '';
    const of = 'event' in like ? h('a', { href: '#events/' + like.event }, 'this event')
        : h('b', `${like.moment.stream}, ${clock(like.moment.at)}`);
    return h('p.like', 'event' in like ? '' : still(picture(like.moment.stream, like.moment.at)), h('span', 'Moments like ', of, ', until something is written above.'));
}

/** @param {string} name @param {string} label @param {string[][]} options @param {string} [value] */
function choice(name, label, options, value) {
    const select = h('select', { name, 'aria-label': label }, options.map(([v, text]) => h('option', { value: v }, text)));
    if (value != null) select.value = value;
    return select;
}

/** @param {ReturnType<typeof problem>} wrong */
async function find(wrong) {
    const get = (/** @type {string} */ name) => $(`[name=${name}]`, room.element).value.trim(), text = get('text'), place = $('.moments', room.element);
    if (!text && !like) { wrong.say('Say first what to look for.'); $('[name=text]', room.element).focus(); return; }
    wrong.say('');
    if (text) history.replaceState(null, '', '#search/' + encodeURIComponent(text));
    const mine = turn += 1, began = performance.now();
    /** @type {any} */
    const wanted = { ...(text ? { text } : like), limit, sort: get('sort') };
    if (get('stream')) wanted.streams = [get('stream')];
    if (get('hours')) wanted.from = new Date(Date.now() - Number(get('hours')) * 3_600_000).toISOString();
    place.setAttribute('aria-busy', 'true');
    try {
        const found = await ask('POST', '/search', wanted);
        if (mine === turn) show(found, text, (performance.now() - began) / 1000);
    } catch (error) {
        if (mine === turn) wrong.say(sentence(error));
    }
    place.removeAttribute('aria-busy');
}

/** @param {any} found @param {string} text @param {number} seconds */
function show(found, text, seconds) {
    const place = $('.moments', room.element);
    const skipped = found.skipped.length ? h('details', h('summary', `${plural(found.skipped.length, 'part')} could not be searched`),
        h('ul', found.skipped.map((/** @type {string} */ s) => h('li', s)))) : '';
    if (!found.moments.length) {
        place.replaceChildren(h('div.nothing', h('h2', found.windows ? 'Nothing was found' : 'There is nothing to search yet'),
            h('p', found.windows ? 'Look further back, or at any stream.' : 'What the streams show from now on can be searched.'), watch(text)), skipped);
        return;
    }
    place.replaceChildren(h('p.row', h('span.muted', `${plural(found.windows, 'window')} of ${plural(found.streams, 'stream')} in ${seconds.toFixed(1)} s.`), watch(text)),
        h('ol.momentlist', found.moments.map(moment)), skipped);
}

/** A button that makes a query of what was searched for. @param {string} text */
const watch = text => text && may('operate') && h('a.btn', { href: '#queries/new/' + encodeURIComponent(text) }, icon('plus'), 'Watch for it from now on');

/** @param {any} m */
function moment(m) {
    const name = m.stream.split('/')[0], isHere = state.streams.some(s => s.name === name);
    const share = (1 - m.rank) * 100;
    return h('li', still(m.preview?.slice(1)), h('p', h('b', m.peak ? clock(m.peak) : `${m.media.peak.toFixed(1)} s`), h('span', isHere ? h('a', { href: '#focus/' + encodeURIComponent(name) }, m.stream) : m.stream)),
        h('p', h('span', score(m.score)), m.approximate && h('span.muted', 'approximate'), h('span.muted', `top ${share < .1 ? '0.1' : share.toFixed(share < 10 ? 1 : 0)} % here, lasts `
            + lasting((m.end ? Date.parse(m.end) - Date.parse(m.start) : (m.media.end - m.media.start) * 1000) / 1000))),
        m.peak && h('a.textlink', { href: `#search/like/moment/${encodeURIComponent(m.stream)}/${encodeURIComponent(m.peak)}`,
            'aria-label': `More like ${m.stream}, ${clock(m.peak)}` }, 'More like this'));
}
