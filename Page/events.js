// Events: those that are open first, then by time; and the chosen one.
import { $, clock, day, h, icon, keyed, lasting, plural, problem, score, still, toast } from './dom.js';
import { ask, sentence, snapshot } from './api.js';
import { isReady, offer, player } from './clip.js';
import { look } from './live.js';
import { events, may, older, openEvents, state, streamOf, words } from './state.js';
import { told } from './explain.js';

let chosen = '', shown = 100;
const pick = { query: '', stream: '' };

/** What an event's picture is of; another one, where its peak has moved. @param {import('./state.js').MatchEvent} event */
const peak = event => (event.snapshot ? event.peak.at : '');

/** Shows an event's picture in its place, or what stands for it; one that is shown stays. @param {HTMLElement} place @param {import('./state.js').MatchEvent} event */
export function picture(place, event) {
    if (place.dataset.peak === peak(event)) return;
    place.dataset.peak = peak(event);
    place.firstElementChild?.replaceWith(still(event.snapshot && snapshot(event.event, event.seq)));
}

/** The events that the choices above the list leave. */
const listed = () => events(event => (!pick.query || event.query.id === pick.query)
    && (!pick.stream || streamOf(event.stream) === pick.stream));

export const room = {
    name: 'events', title: 'Events',
    /** @type {HTMLElement} */
    element: h('section.view.split'),
    /** @param {string} [id] */
    show(id) {
        look([]);
        shown = 100;
        this.element.replaceChildren(frame(), h('article.pane.detail', { 'aria-label': 'The chosen event' }));
        this.element.classList.toggle('reading', Boolean(id));
        // The newest is chosen once: what begins later does not take its place while it is read.
        chosen = id ?? listed()[0]?.event ?? '';
        list();
        detail();
    },
    hide() {},
    /** @param {string} what */
    update(what) {
        if (what !== 'events' && what !== 'queries' && what !== 'link') return;
        const last = $('.detail', this.element)?.dataset.version;
        if (!chosen) chosen = listed()[0]?.event ?? '';
        list();
        const event = current();
        if (event && version(event) !== last) detail();
    },
    /** @param {KeyboardEvent} e */
    key(e) {
        const all = listed(), at = all.findIndex(event => event.event === current()?.event);
        const key = e.key.toLowerCase();
        if (key === 'j' || key === 'k') {
            const next = all[Math.min(Math.max(at + (key === 'j' ? 1 : -1), 0), all.length - 1)];
            if (next) choose(next.event, false);
        } else if (key === 'e') explain();
        else if (key === 'enter') return plays(/** @type {HTMLElement} */ (e.target));
        else if (key === 'n' && current() && may('operate')) again();
        else if ((key === 'r' || key === 'w') && may('operate')) mark(key === 'r' ? 'right' : 'wrong');
        else return false;
        return true;
    },
};

/** What is shown of an event: its newest message, and what it was called. @param {import('./state.js').MatchEvent | undefined} event */
const version = event => (event ? `${event.seq} ${state.verdicts.get(event.event) ?? ''}` : '');

/** The event that was chosen; of one that is not known, none. */
const current = () => state.events.get(chosen);

function frame() {
    const select = (/** @type {'query' | 'stream'} */ key, /** @type {string} */ any) => h('select', {
        'aria-label': key === 'query' ? 'Query' : 'Stream', 'data-pick': key, 'data-any': any,
        onchange: (/** @type {any} */ e) => { pick[key] = e.target.value; shown = 100; chosen = listed()[0]?.event ?? ''; list(); detail(); },
    });
    return h('div.pane.list', h('div.bar', h('h1', 'Events'), h('p.sum')),
        h('div.picks', select('query', 'Any query'), select('stream', 'Any stream')), h('div.evlist'));
}

/** Offers the queries and streams of the events that are known. */
function choices() {
    const all = events();
    const options = {
        query: new Map(all.map(event => [event.query.id, words(event.query)])),
        stream: new Map(all.map(event => [streamOf(event.stream), streamOf(event.stream)])),
    };
    for (const key of /** @type {('query' | 'stream')[]} */ (['query', 'stream'])) {
        const select = $(`[data-pick=${key}]`, room.element), now = [...options[key]].sort((a, b) => a[1].localeCompare(b[1]));
        if (select.dataset.of === JSON.stringify(now)) continue;
        select.dataset.of = JSON.stringify(now);
        select.replaceChildren(h('option', { value: '' }, select.dataset.any), ...now.map(([value, text]) => h('option', { value }, text)));
        select.value = pick[key];
    }
}

function list() {
    choices();
    const all = listed(), open = all.filter(event => event.phase !== 'end'), place = $('.evlist', room.element);
    const today = all.filter(event => day(event.start) === 'Today').length;
    $('.sum', room.element).textContent = `${plural(openEvents().length, 'open event')}, ${today} today`;
    if (!all.length) {
        place.replaceChildren(nothing());
        return;
    }
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.event : undefined;
    /** @type {Map<string, any[]>} */
    const groups = new Map();
    for (const event of all.slice(0, shown)) {
        const name = open.includes(event) ? 'Open now' : day(event.start);
        groups.set(name, [...groups.get(name) ?? [], event]);
    }
    /** @type {({ name: string } | import('./state.js').MatchEvent)[]} */
    const items = [...groups].flatMap(([name, group]) => [{ name }, ...group]);
    if (all.length > shown || state.floor > 0) items.push({ name: '' });
    keyed(place, items, item => ('event' in item ? item.event : 'title ' + item.name), item => ('event' in item ? row(item)
        : item.name ? h('h2', item.name) : h('p.more', h('button.btn', { onclick: further }, 'Show older ones'))),
    (child, item) => { if ('event' in item) fillRow(child, item); });
    if (focused) $(`[data-event="${CSS.escape(focused)}"]`, place)?.focus();
}

function nothing() {
    if (events().length) return h('p.nothing', 'No event of this query and stream. Choose another, or ', h('button.textlink', {
        onclick: () => { pick.query = pick.stream = ''; list(); detail(); } }, 'show all'), '.');
    if (!state.queries.length) return h('div.nothing', h('h2', 'Nothing is watched for yet'),
        h('p', 'Say in a sentence what should be told, and each match is shown here with its picture.'),
        may('operate') && h('a.btn.primary', { href: '#queries/new' }, icon('plus'), 'Say what to watch for'));
    return h('div.nothing', h('h2', 'No event yet'),
        h('p', `${plural(state.queries.length, 'query')} ${state.queries.length === 1 ? 'is' : 'are'} watched for. See how near each comes:`),
        h('a.btn', { href: '#wall' }, 'Choose a stream'));
}

/** @param {import('./state.js').MatchEvent} event */
const row = event => h('button.ev', { 'data-event': event.event, onclick: () => choose(event.event, true) }, h('span'), h('span'), h('span.end'));

/** @param {HTMLElement} button @param {import('./state.js').MatchEvent} event */
function fillRow(button, event) {
    const isOpen = event.phase !== 'end', seconds = ((isOpen ? Date.now() : Date.parse(event.end)) - Date.parse(event.start)) / 1000;
    button.className = 'ev' + (isOpen ? ' open' : '');
    if (event.event === chosen) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
    picture(button, event);
    button.children[1].replaceChildren(h('b', words(event.query)), h('small', `${event.stream}, ${clock(event.start)}`));
    button.children[2].replaceChildren(score(event.peak.score), h('small.tag', isOpen ? [icon('match'), `for ${lasting(seconds)}`] : lasting(seconds)));
}

async function further() {
    shown += 100;
    if (listed().length < shown && state.floor > 0) await older().catch(error => toast(sentence(error)));
    list();
}

/** @param {string} id @param {boolean} opens whether a narrow screen shows it in the list's place */
function choose(id, opens) {
    chosen = id;
    if (opens) room.element.classList.add('reading');
    history.replaceState(null, '', '#events/' + id);
    list();
    detail();
    $('.ev[aria-current]', room.element)?.scrollIntoView({ block: 'nearest' });
}

/** Shows the chosen event: another one anew, the same one in place, so that what is read of it stays. */
function detail() {
    const event = current(), place = $('.detail', room.element);
    if (!event || place.dataset.of !== event.event) {
        const back = h('button.btn', { onclick: () => { room.element.classList.remove('reading'); history.replaceState(null, '', '#events'); } }, icon('back'), 'All events');
        place.replaceChildren(back, event ? card() : unknown());
    }
    place.dataset.of = event?.event ?? '';
    place.dataset.version = version(event);
    if (event) fillCard($('.card', place), event);
}

function unknown() {
    if (!chosen) return h('p.nothing', 'An event’s picture and its scores are shown here.');
    return h('div.nothing', h('p', 'This event is not among those that were looked at.'), state.floor > 0
        ? h('button.btn', { onclick: () => older().then(detail, error => toast(sentence(error))) }, 'Look further back') : h('p', 'It is not in the journal any more.'));
}

/** The parts of an event that `fillCard` fills. */
function card() {
    return h('div.card', h('p.nopicture'), h('div.body', h('div.what', h('h2'), h('dl.facts'),
        h('p.row', h('button.btn', { onclick: explain }, icon('why'), 'Explain ', h('kbd', 'E')),
            h('a.btn.alike', icon('search'), 'More like this'),
            may('operate') && h('button.btn', { onclick: again }, icon('plus'), 'Query like it ', h('kbd', 'N'))),
        h('p.row.clip', { role: 'status', hidden: true }), h('p.row.verdict', { role: 'status' })), h('div.why', { hidden: true })));
}

/** @param {HTMLElement} place @param {import('./state.js').MatchEvent} event */
function fillCard(place, event) {
    const isOpen = event.phase !== 'end', seconds = (Date.parse(event.end) - Date.parse(event.start)) / 1000;
    const facts = [
        ['Score', `${score(event.score)}, threshold ${score(event.threshold)}, peak ${score(event.peak.score)}`],
        ['Stream', h('a', { href: '#focus/' + encodeURIComponent(streamOf(event.stream)) }, event.stream)],
        ['Began', clock(event.start)], [isOpen ? 'Lasts' : 'Ended', isOpen ? 'still open' : `${clock(event.end)}, after ${lasting(seconds)}`],
        ['Query', h('a', { href: '#queries/' + event.query.id }, event.query.id)], ['Head', event.head],
        event.reason && ['Ended by', event.reason === 'interrupted' ? 'a restart of Watchword' : event.reason],
    ].filter(Boolean);
    place.classList.toggle('hot', isOpen);
    if (place.dataset.peak !== peak(event) && !$('video, img.strip', place)) {
        place.dataset.peak = peak(event);
        place.firstElementChild?.replaceWith(event.snapshot ? h('img', { src: snapshot(event.event, event.seq), alt: `The peak of “${words(event.query)}” on ${event.stream}` })
            : h('p.nopicture', 'No picture is kept: snapshots are off for this stream or query.'));
    }
    $('h2', place).replaceChildren(...isOpen ? [icon('match')] : [], words(event.query));
    $('.facts', place).replaceChildren(.../** @type {any[]} */ (facts).flatMap(([name, value]) => [h('dt', name), h('dd', value)]));
    offer($('.clip', place), event, play);
    $('.alike', place).setAttribute('href', '#search/like/event/' + event.event);
    const said = state.verdicts.get(event.event) ?? '', marks = $('.verdict', place);
    if (marks.dataset.said === said) return;
    marks.dataset.said = said;
    const button = (/** @type {'right' | 'wrong' | 'clear'} */ verdict, /** @type {any[]} */ ...words) => may('operate') && h('button.btn', { onclick: () => mark(verdict) }, ...words);
    marks.replaceChildren(...(said ? [icon(said === 'right' ? 'ok' : 'no'), `It was called ${said}.`, button('clear', 'Undo')]
        : [button('right', icon('ok'), 'Right ', h('kbd', 'R')), button('wrong', icon('no'), 'Wrong ', h('kbd', 'W'))]).filter(Boolean));
}

/** Plays the chosen event's clip in its picture's place; again, where it is there. */
function play() {
    const event = current(), place = $('.card', room.element);
    if (!event || !place || !isReady(event.event)) return;
    const there = $('video, img.strip', place);
    if (!there) return place.firstElementChild?.replaceWith(player(event, words(event.query)));
    if (!there.rewind) return;
    there.rewind();
    there.currentTime = 0;
    there.play();
}

/** Enter plays the clip, but where it presses what it is on. @param {HTMLElement} target */
function plays(target) {
    if (target.closest('a, button:not(.ev[aria-current]), video') || !isReady(chosen)) return false;
    play();
    return true;
}

/** What the query scores on this stream now, and why it has an event or none. */
async function explain() {
    const event = current(), place = $('.why', room.element);
    if (!event || !place) return;
    place.hidden = false;
    const wrong = problem();
    try {
        const found = await ask('GET', `/queries/${encodeURIComponent(event.query.id)}/explanation?stream=${encodeURIComponent(event.stream)}`);
        if (!place.isConnected) return;
        const over = event.peak.score - event.threshold;
        place.replaceChildren(h('h3', 'Why it fired'), h('p', `Its best window scored ${score(event.peak.score)}, `
            + `${score(Math.abs(over))} ${over < 0 ? 'below' : 'above'} the threshold of ${score(event.threshold)}.`),
        h('h3', 'At this moment'), ...(found.length ? found.map(told) : [h('p.muted', 'The query does not watch this stream any more.')]));
    } catch (error) {
        place.replaceChildren(wrong.element);
        wrong.say(/** @type {any} */ (error).status === 404 ? 'The query or the stream is not there any more, so it cannot be looked at again.' : sentence(error));
    }
    place.scrollIntoView({ block: 'nearest' });
}

/** Says what the event was; it is counted by query. @param {'right' | 'wrong' | 'clear'} verdict */
async function mark(verdict) {
    const event = current();
    if (!event) return;
    try {
        const { right, wrong } = await ask('POST', `/events/${encodeURIComponent(event.event)}/verdict`, { verdict });
        toast(`${verdict === 'clear' ? 'Taken back.' : `Kept as ${verdict}.`} Of this query’s events, ${right} were right and ${wrong} wrong.`);
    } catch (error) {
        toast(sentence(error));
    }
}

function again() {
    const event = current();
    if (event) location.hash = '#queries/like/' + event.query.id;
}
