// What the page knows of the daemon, and who wants to hear of a change.
import { ask } from './api.js';

/**
 * @typedef {{ event: string, phase: string, query: { id: string, text: string }, stream: string, score: number,
 *   peak: { score: number, at: string }, threshold: number, head: string, rule?: string, start: string, end: string,
 *   snapshot?: string, reason?: string, seq: number }} MatchEvent
 */

export const state = {
    /** @type {{ role: string, token: boolean, name?: string, until?: string } | null} */
    session: null,
    /** @type {any} */
    status: null,
    /** @type {any[]} */
    streams: [],
    /** Queries as they were given, by id, at most a page. @type {any[]} */
    queries: [],
    hasMoreQueries: false,
    /** @type {Map<string, MatchEvent>} */
    events: new Map(),
    /** The number before the oldest message that was asked for. */
    floor: 0,
    seq: 0,
    journal: '',
    /** @type {{ state: string, since?: number, next?: number, tries?: number, why?: string }} */
    link: { state: 'connecting' },
};

/** @type {Set<(what: string) => void>} */
const listeners = new Set();

/** Calls back after each change: 'status', 'queries', 'events', 'link'. @param {(what: string) => void} listener */
export const onChange = listener => { listeners.add(listener); };

/** @param {string} what */
export const changed = what => listeners.forEach(listener => listener(what));

export const may = (/** @type {string} */ role) =>
    ['view', 'operate', 'control'].indexOf(state.session?.role ?? 'view') >= ['view', 'operate', 'control'].indexOf(role);

const mostEvents = 1000, page = 2000, mostQueries = 500;

/** Reads everything anew: what is open, what has happened lately, queries and streams. */
export async function load() {
    const open = await ask('GET', '/events/open');
    state.events.clear();
    (state.seq = open.seq, state.journal = open.journal, state.floor = open.seq);
    open.events.forEach(put);
    await Promise.all([refresh(), refreshQueries(), older()]);
    changed('events');
}

/** Reads the events of the page of messages before the oldest one that is known. */
export async function older() {
    const since = Math.max(0, state.floor - page), until = state.floor;
    const entries = await ask('GET', `/events?since=${since}&limit=${page}&topic=match.`);
    for (const { topic, body } of entries) {
        if (topic.startsWith('match.') && body.seq <= until) put(body);
    }
    state.floor = since;
    changed('events');
}

/** Streams and counters. */
export async function refresh() {
    const before = state.status?.queries;
    state.status = await ask('GET', '/status');
    state.streams = state.status.streams;
    changed('status');
    // Somebody else may add queries, too.
    if (before != null && before !== state.status.queries) await refreshQueries();
}

export async function refreshQueries() {
    const answer = await ask('GET', `/export?limit=${mostQueries}`);
    state.queries = answer.queries;
    state.hasMoreQueries = answer.next != null;
    changed('queries');
}

/** Keeps the newest phase of an event. @param {MatchEvent} message */
function put(message) {
    const known = state.events.get(message.event);
    if (known && known.seq >= message.seq) return;
    state.events.set(message.event, message);
    // Room is made for a hundred at once.
    if (state.events.size < mostEvents + 100) return;
    for (const event of events().slice(mostEvents)) state.events.delete(event.event);
}

/** Takes a message of the live stream. @param {string} kind @param {any} body */
export function take(kind, body) {
    if (body.seq) state.seq = Math.max(state.seq, body.seq);
    if (kind === 'match') {
        put(body);
        changed('events');
    } else if (kind === 'stream') {
        const stream = state.streams.find(s => s.name === body.stream);
        if (stream) Object.assign(stream, { state: body.state, reason: body.reason, since: body.at });
        changed('stream');
    }
}

/** Events, those that are open first, then the newest first. @param {(event: MatchEvent) => boolean} [wanted] */
export function events(wanted = () => true) {
    const order = (/** @type {MatchEvent} */ e) => (e.phase === 'end' ? 0 : 1);
    return [...state.events.values()].filter(wanted)
        .sort((a, b) => order(b) - order(a) || Date.parse(b.start) - Date.parse(a.start) || b.seq - a.seq);
}

export const openEvents = () => events(event => event.phase !== 'end');

/** A query's words, or what it is called where it has only pictures. @param {any} query */
export const words = query => query.text || query.id;

/**
 * Whether a query's patterns select a stream's picture, as far as its name tells; labels are the daemon's to know.
 * @param {any} query @param {string} stream
 */
export function selects(query, stream) {
    const patterns = (query.streams ?? ['*']).map((/** @type {string} */ p) =>
        ({ excludes: p.startsWith('!'), text: p.replace(/^!/, '') }));
    const fits = (/** @type {{ text: string }} */ { text }) => text.startsWith('label:')
        || new RegExp(`^${text.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '[^/]*').replace(/\?/g, '[^/]')}$`)
            .test(stream);
    if (patterns.some((/** @type {any} */ p) => p.excludes && !p.text.startsWith('label:') && fits(p))) return false;
    const included = patterns.filter((/** @type {any} */ p) => !p.excludes);
    return !included.length || included.some(fits);
}

/** A stream's condition: an icon, a word, whether it needs somebody, and why. @param {any} stream */
export function condition(stream) {
    const since = stream.since;
    if (stream.state === 'playing') {
        const words = { black: 'The picture is black', frozen: 'The picture does not change',
            blurred: 'The picture shows no edge' };
        const why = words[/** @type {keyof words} */ (stream.picture)];
        if (!why) return { icon: 'ok', word: 'Watching', isBad: false, why: '', since };
        const word = stream.picture.charAt(0).toUpperCase() + stream.picture.slice(1);
        return { icon: 'blind', word, isBad: true, why: why + '; nothing is scored', since };
    }
    switch (stream.state) {
    case 'connecting': return { icon: 'clock', word: 'Connecting', isBad: false, why: 'Waiting for the first picture', since };
    case 'ended': return { icon: 'ok', word: 'Ended', isBad: false, why: 'It has played to its end', since };
    case 'failed': return { icon: 'warn', word: 'Failed', isBad: true, why: stream.reason ?? 'It cannot be opened', since };
    default: return { icon: 'retry', word: 'Away', isBad: true, why: `${stream.reason ?? 'Nothing comes'}; it is tried again by itself`, since };
    }
}
