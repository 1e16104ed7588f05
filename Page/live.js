// The one connection that stays: messages, scores and pictures as they come.
import { refuse, sentence } from './api.js';
import { changed, load, refresh, refreshQueries, state, take } from './state.js';
import { plural, toast } from './dom.js';

/** Kinds of frames; see docs/PAGE.md. */
const kinds = { alive: 0, hello: 1, message: 2, scores: 3, picture: 4 };
const mostPoints = 8000, mostLanes = 64, mostQueries = 32;
/** Streams whose pictures one connection brings. */
export const mostStreams = 64;
/** Milliseconds without any frame after which the connection counts as lost; one comes every 10 s. */
const silence = 25_000;

/** @type {{ streams: string[], queries: string[], width: number }} */
let wanted = { streams: [], queries: [], width: 320 };
/** @type {AbortController | null} */
let connection = null;
let wake = () => {};
let rest = 0, isOn = false, hasHole = false;
/** What the connection that stands was opened for. */
let opened = '';

/** Pictures by stream: an object URL, and when it was seen. @type {Map<string, { url: string, at: number }>} */
const pictures = new Map();
/** Scores by query and stream, oldest first. @type {Map<string, { at: number, value: number, threshold: number | null }[]>} */
export const scores = new Map();

/** The key of a query's scores on a stream or a region. @param {string} query @param {string} stream */
export const lane = (query, stream) => `${query} ${stream}`;

/**
 * Says what the room on screen looks at; the connection is opened anew when that changes.
 * @param {string[]} streams @param {string[]} queries @param {number} width
 */
export function look(streams, queries = [], width = 320) {
    const next = {
        streams: streams.slice(0, mostStreams).sort(), queries: queries.slice(0, mostQueries).sort(), width,
    };
    wanted = next;
    clearTimeout(rest);
    // A room that is left for another one of the same streams changes nothing.
    if (JSON.stringify(wanted) !== opened) rest = setTimeout(() => connection?.abort(), 200);
}

/** An image that shows a stream's newest picture. @param {string} stream @param {string} alt */
export function preview(stream, alt) {
    const image = document.createElement('img');
    image.alt = alt;
    image.dataset.preview = stream;
    image.width = 320;
    image.height = 180;
    const known = pictures.get(stream);
    if (known) image.src = known.url;
    else image.classList.add('none');
    return image;
}

/** When a stream's newest picture was seen, in milliseconds since 1970; nil if none was. @param {string} stream */
export const pictureTime = stream => pictures.get(stream)?.at;

document.addEventListener('visibilitychange', () => {
    if (document.hidden) connection?.abort();
    else wake();
});

/** Keeps the connection until nobody is signed in. */
export async function keep() {
    if (isOn) return;
    isOn = true;
    for (let tries = 0; isOn;) {
        if (document.hidden) await new Promise(resolve => { wake = () => resolve(undefined); });
        if (!isOn) return;
        const before = state.seq;
        connection = new AbortController();
        try {
            const end = await read(connection, before, tries > 0);
            tries = 0;
            connection.abort();
            if (end === 'anew') await load();
        } catch (error) {
            const isLost = connection.signal.reason === 'lost' || !connection.signal.aborted;
            // What answers and is not read to its end is let go.
            connection.abort();
            if (isLost) tries = await wait((state.link.state === 'live' ? 0 : tries) + 1, error);
            else tries = 0;
        }
    }
}

/** Ends the connection for good: nobody is signed in. */
export function leave() {
    isOn = false;
    connection?.abort();
    wake();
    state.link = { state: 'connecting' };
    // Nothing that was seen or scored stays for who comes next.
    for (const { url } of pictures.values()) URL.revokeObjectURL(url);
    pictures.clear();
    scores.clear();
}

/** Tries again at once, also where a try stands and brings nothing. */
export function tryNow() {
    if (state.link.state !== 'live') connection?.abort();
    wake();
}

/** Waits before the next try, longer each time. @param {number} tries @param {any} error */
async function wait(tries, error) {
    if (error?.status === 401) { leave(); return 0; }
    const pause = Math.min(1000 * 2 ** (tries - 1), 15_000);
    const since = state.link.state === 'lost' ? state.link.since : Date.now();
    const why = error?.status ? sentence(error) : '';
    state.link = { state: 'lost', since, tries, next: Date.now() + pause, why };
    changed('link');
    await new Promise(resolve => {
        wake = () => resolve(undefined);
        setTimeout(wake, pause);
    });
    return tries;
}

/**
 * Reads frames until the connection ends; 'anew' if the numbers are of another journal.
 * @param {AbortController} connection @param {number} before @param {boolean} isAgain
 */
async function read(connection, before, isAgain) {
    const { streams, queries, width } = wanted, lost = () => connection.abort('lost');
    opened = JSON.stringify(wanted);
    // It runs from the request on: an answer may fail to come, too.
    let bytes = new Uint8Array(0), alarm = setTimeout(lost, silence);
    try {
        return await follow();
    } finally {
        clearTimeout(alarm);
    }

    async function follow() {
        const query = new URLSearchParams({
            since: String(before), journal: state.journal, streams: streams.join(','), queries: queries.join(','),
            width: String(width),
        });
        const answer = await fetch('api/v1/live?' + query, { signal: connection.signal });
        if (answer.status === 409) return 'anew';
        await refuse(answer, true);
        state.link = { state: 'live' };
        changed('link');
        if (isAgain) await again(before);
        const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
        for (;;) {
            const { done, value } = await reader.read();
            if (done) throw new Error('the connection was closed');
            clearTimeout(alarm);
            alarm = setTimeout(lost, silence);
            bytes = frames(bytes.length ? joined(bytes, value) : value);
            if (hasHole) await fill();
        }
    }
}

/** Messages are gone for good: what stands is read anew, so that no event is shown as open that has ended. */
async function fill() {
    await load();
    hasHole = false;
}

/** After a lost connection: says what is filled in, and reads what is not told by messages. @param {number} before */
async function again(before) {
    await Promise.all([refresh(), refreshQueries()]);
    const missed = Math.max(0, state.status.seq - before);
    toast(missed ? `Connected again. ${plural(missed, 'message')} filled in.` : 'Connected again. Nothing was missed.');
}

/** @param {Uint8Array} a @param {Uint8Array} b */
function joined(a, b) {
    const both = new Uint8Array(a.length + b.length);
    both.set(a);
    both.set(b, a.length);
    return both;
}

/** Takes whole frames; what is left of the bytes. @param {Uint8Array} bytes */
function frames(bytes) {
    let at = 0;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    while (bytes.length - at >= 5) {
        const end = at + 5 + view.getUint32(at + 1);
        if (end > bytes.length) break;
        frame(bytes[at], bytes.subarray(at + 5, end));
        at = end;
    }
    return bytes.slice(at);
}

const text = new TextDecoder();

/** @param {number} kind @param {Uint8Array} body */
function frame(kind, body) {
    if (kind === kinds.message) {
        const message = JSON.parse(text.decode(body));
        if (message.kind === 'lost') {
            const { first, last, reason } = message.body;
            toast(`Messages ${first} to ${last} are gone: ${reason}.`);
            hasHole = true;
        }
        take(message.kind, message.body);
    } else if (kind === kinds.scores) {
        for (const { query, stream, ...point } of JSON.parse(text.decode(body)).scores) {
            const key = lane(query, stream), points = scores.get(key) ?? [];
            points.push(point);
            // The lanes that were looked at last stand last.
            scores.delete(key);
            scores.set(key, points.length > 1000 && points.length % 250 === 0 ? thinned(points) : points);
        }
        for (const key of [...scores.keys()].slice(0, -mostLanes)) scores.delete(key);
        changed('scores');
    } else if (kind === kinds.picture) {
        show(body);
    }
}

/**
 * An hour of a lane: of each half second before the last two minutes, and of each two before the last ten, the best score
 * stays. @param {{ at: number, value: number, threshold: number | null }[]} points
 */
export function thinned(points) {
    const newest = points[points.length - 1].at, kept = [];
    for (const point of points) {
        const age = newest - point.at, step = age > 600_000 ? 2000 : age > 120_000 ? 500 : 0, last = kept[kept.length - 1];
        if (age > 3_600_000) continue;
        if (!step || !last || Math.floor(last.at / step) !== Math.floor(point.at / step)) kept.push(point);
        else if (point.value > last.value) kept[kept.length - 1] = point;
    }
    return kept.slice(-mostPoints);
}

/** Shows a picture wherever its stream is shown. @param {Uint8Array} body */
function show(body) {
    const name = text.decode(body.subarray(1, 1 + body[0])), head = 1 + body[0];
    const at = Number(new DataView(body.buffer, body.byteOffset + head, 8).getBigUint64(0));
    const url = URL.createObjectURL(new Blob([body.slice(head + 8)], { type: 'image/jpeg' }));
    const old = pictures.get(name);
    pictures.set(name, { url, at });
    for (const image of /** @type {NodeListOf<HTMLImageElement>} */ (document.querySelectorAll('img[data-preview]'))) {
        if (image.dataset.preview !== name) continue;
        image.classList.remove('none');
        image.src = url;
    }
    // The old one may still be being decoded.
    if (old) setTimeout(() => URL.revokeObjectURL(old.url), 2000);
}
