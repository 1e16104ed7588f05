// An event's clip: whether it is there yet, and the player that takes the picture's place.
import { h, icon } from './dom.js';
import { clip } from './api.js';

/** What is known of events' clips. @type {Map<string, 'ready' | 'writing' | 'gone'>} */
const known = new Map();
/** Events whose clip is a strip of pictures. @type {Set<string>} */
const strips = new Set();
/** Files of clips that have several. @type {Map<string, number>} */
const files = new Map();
const most = 500, pause = 1500;
let asking = '', timer = 0;

/**
 * Fills a place with what there is of an event's clip: a button, or a word. It is asked for once, and again while it is
 * being written, as long as the place shows that event.
 * @param {HTMLElement} place @param {import('./state.js').MatchEvent} event @param {() => void} play
 */
export function offer(place, event, play) {
    const wanted = event.phase === 'end' && event.clip ? event.event : '';
    const state = wanted && known.get(wanted), said = `${wanted} ${state}`;
    if (wanted && (!state || state === 'writing')) ask(wanted, () => { if (place.isConnected) offer(place, event, play); });
    if (place.dataset.said === said) return;
    place.dataset.said = said;
    place.hidden = !state;
    place.replaceChildren(...(state === 'ready' ? [h('button.btn', { onclick: play }, icon('play'), strips.has(wanted) ? 'Show its pictures ' : 'Play the clip ', h('kbd', 'Enter'))]
        : state === 'writing' ? [icon('clock'), 'Its clip is being recorded.'] : state ? ['Its clip is not kept any more.'] : []));
}

/** @param {string} event @param {() => void} done */
async function ask(event, done) {
    if (asking === event) return;
    asking = event;
    clearTimeout(timer);
    // A clip that is being written is asked for again while its event is the one that is shown.
    if (known.get(event)) await new Promise(resolve => { timer = setTimeout(resolve, pause); });
    const answer = await fetch(clip(event), { method: 'HEAD' }).catch(() => null);
    if (asking === event) asking = '';
    // What says nothing of the clip is asked again another time.
    if (!answer || ![200, 202, 404].includes(answer.status)) return;
    known.delete(event);
    known.set(event, answer.status === 202 ? 'writing' : answer.ok ? 'ready' : 'gone');
    const count = Number(answer.headers.get('Clip-Files'));
    if (count > 1) files.set(event, count);
    if (answer.headers.get('Content-Type') === 'image/jpeg') strips.add(event);
    for (const old of [...known.keys()].slice(0, -most)) { known.delete(old); files.delete(old); strips.delete(old); }
    done();
}

/** Forgets what is known of clips: another may look at the page now. */
export function forget() {
    known.clear();
    files.clear();
    strips.clear();
}

/** Whether an event's clip can be played. @param {string} event */
export const isReady = event => known.get(event) === 'ready';

/**
 * A player of an event's clip; one of several files is followed by the next.
 * @param {import('./state.js').MatchEvent} event @param {string} words
 */
export function player(event, words) {
    if (strips.has(event.event)) return h('img.strip', { src: clip(event.event), alt: `Pictures of “${words}” on ${event.stream}, row by row` });
    const count = files.get(event.event) ?? 1;
    const label = (/** @type {number} */ at) => `The clip of “${words}” on ${event.stream}${count > 1 ? `, part ${at} of ${count}` : ''}`;
    let at = 1;
    const video = h('video', { src: clip(event.event), controls: true, autoplay: true, muted: true, playsInline: true, 'aria-label': label(1) });
    video.onended = () => {
        if (at >= count) return;
        at += 1;
        video.src = `${clip(event.event)}?file=${at}`;
        video.setAttribute('aria-label', label(at));
    };
    video.rewind = () => {
        if (at > 1) video.src = clip(event.event);
        at = 1;
        video.setAttribute('aria-label', label(1));
    };
    return video;
}
