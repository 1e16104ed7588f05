// What the page knows of the daemon, and who wants to hear of a change.
import { ask, Refused } from './api.js';

/**
 * @typedef {{ event: string, phase: string, query: { id: string, text: string }, stream: string, score: number,
 *   peak: { score: number, at: string }, threshold: number, head: string, rule?: string, start: string, end: string,
 *   snapshot?: string, clip?: string, reason?: string, seq: number }} MatchEvent
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
    /** What was said of events: right, or wrong. @type {Map<string, string>} */
    verdicts: new Map(),
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

const usualEvents = 1000, page = 2000, mostQueries = 500;
/** Events that are kept: more, if somebody has asked for older ones. */
let mostEvents = usualEvents;

/** Forgets all that was read: who comes next may not be allowed to see it. */
export function forgetAll() {
    state.session = null;
    state.status = null;
    [state.streams, state.queries] = [[], []];
    for (const known of [state.events, state.verdicts, counted]) known.clear();
}

/** Reads everything anew: what is open, what has happened lately, queries and streams. */
export async function load() {
    const open = await ask('GET', '/events/open');
    state.events.clear();
    mostEvents = usualEvents;
    (state.seq = open.seq, state.journal = open.journal, state.floor = open.seq);
    open.events.forEach(keep);
    await Promise.all([refresh(), refreshQueries()]);
    changed('events');
    // What happened lately comes once the page stands.
    older().catch(() => {});
}

/** Reads the events of the page of messages before the oldest one that is known. */
export async function older() {
    const since = Math.max(0, state.floor - page), until = state.floor, { session, journal } = state;
    const entries = await ask('GET', `/events?since=${since}&limit=${page}`);
    // Meanwhile somebody else may have signed in, or the numbers may have begun anew.
    if (state.session !== session || state.journal !== journal) return;
    for (const { topic, body } of entries) {
        if (topic.startsWith('match.') && body.seq <= until) keep(body);
        // What was said later is known already.
        if (topic.startsWith('verdict.') && !state.verdicts.has(body.event)) judge(body);
    }
    state.floor = Math.min(state.floor, since);
    mostEvents = Math.max(usualEvents, state.events.size);
    changed('events');
}

/** Streams and counters. */
export async function refresh() {
    const before = state.status?.queries;
    state.status = await ask('GET', '/status');
    state.streams = state.status.streams;
    measure();
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

/** Counts of scored frames over the last seconds, by stream. @type {Map<string, { at: number, count: number }[]>} */
const counted = new Map();

/** Measures how many frames a second of each stream were scored lately: `scored`, null until that is known. */
function measure() {
    const at = performance.now();
    for (const stream of state.streams) {
        const count = stream.sampled - stream.shed - stream.dropped;
        let counts = counted.get(stream.name) ?? [];
        // A stream that was opened anew counts from nought, and after a pause the rate before it says nothing.
        if (counts.length && (count < counts[counts.length - 1].count || at - counts[counts.length - 1].at > 15_000)) counts = [];
        counts = [...counts.filter(c => at - c.at < 12_000), { at, count }];
        counted.set(stream.name, counts);
        const seconds = (at - counts[0].at) / 1000;
        stream.scored = stream.state !== 'playing' ? 0 : seconds < 2 ? null : (count - counts[0].count) / seconds;
    }
    for (const name of counted.keys()) if (!state.streams.some(s => s.name === name)) counted.delete(name);
}

/** A measured rate, "3.9", or what stands for one that is not known yet. @param {any} stream */
export const rate = stream => (stream.scored == null ? '–' : stream.scored.toFixed(1));

/** A query as it was given, with its pictures; refused if there is none. @param {string} id */
export async function given(id) {
    const at = state.queries.findIndex(query => query.id === id);
    // The list is in the order of ids: it is the one after its neighbour.
    let after = at > 0 ? state.queries[at - 1].id : '';
    for (;;) {
        const { queries, next } = await ask('GET', `/export?limit=${at < 0 ? 5000 : 8}` + (after && '&after=' + encodeURIComponent(after)));
        const found = queries.find((/** @type {any} */ query) => query.id === id);
        if (found) return found;
        if (next == null) throw new Refused(404, 'not-found', `there is no query “${id}”`);
        after = next;
    }
}

/** Keeps the newest phase of an event. @param {MatchEvent} message */
function keep(message) {
    const known = state.events.get(message.event);
    if (!known || known.seq < message.seq) state.events.set(message.event, message);
}

/** Makes room for a hundred at once; what goes can be asked for again. */
function forget() {
    if (state.events.size < mostEvents + 100) return;
    for (const { event, seq } of events().slice(mostEvents)) {
        state.events.delete(event);
        state.floor = Math.max(state.floor, seq);
    }
}

/** @param {{ event: string, verdict: string | null }} message */
function judge({ event, verdict }) {
    if (verdict) state.verdicts.set(event, verdict);
    else state.verdicts.delete(event);
}

/** Takes a message of the live stream. @param {string} kind @param {any} body */
export function take(kind, body) {
    if (body.seq) state.seq = Math.max(state.seq, body.seq);
    if (kind === 'match') {
        keep(body);
        forget();
        changed('events');
    } else if (kind === 'verdict') {
        judge(body);
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

/** The stream of a lane: "lobby" of "lobby/door". @param {string} lane */
export const streamOf = lane => lane.split('/')[0];

/** A pattern with * for any run of characters and ? for one. @param {string} text */
const glob = text => new RegExp(`^${text.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.')}$`);

/**
 * Whether a query selects a stream's whole picture ("lobby") or a region of it ("lobby/door"): as StreamSelector does.
 * @param {{ streams?: string[] }} query @param {string} place
 */
export function selects(query, place) {
    const [stream, region] = place.split('/'), labels = state.streams.find(s => s.name === stream)?.labels ?? [];
    const patterns = (query.streams ?? ['*']).map(text => {
        const bare = text.replace(/^!/, '').replace(/^label:/, '').split('/');
        return { excludes: text.startsWith('!'), isLabel: /^!?label:/.test(text), stream: glob(bare[0]), region: bare.length > 1 ? glob(bare[1]) : null };
    });
    const covers = (/** @type {typeof patterns[0]} */ p) => (p.isLabel ? labels.some((/** @type {string} */ l) => p.stream.test(l)) : p.stream.test(stream));
    if (patterns.some(p => p.excludes && covers(p) && (!p.region || (region != null && p.region.test(region))))) return false;
    const included = patterns.filter(p => !p.excludes);
    if (!included.length) return region == null;
    return included.some(p => covers(p) && (p.region ? region != null && p.region.test(region) : region == null));
}

/** Names of the streams of which a query selects the picture or a region. @param {{ streams?: string[] }} query */
export const selected = query => state.streams.filter(stream => selects(query, stream.name)
    || stream.regions.some((/** @type {string} */ region) => selects(query, region))).map(stream => stream.name);

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
