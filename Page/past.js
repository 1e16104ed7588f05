// What the query in the editor would have done over the history: a verdict, its alerts by time, its scores, a threshold.
import { clock, h, icon, lasting, plural, score } from './dom.js';
import { ask, sentence } from './api.js';
import { may } from './state.js';
import { bars, strip } from './chart.js';
import { sides } from './sides.js';

const pause = 300, mostStreams = 12, mostAlerts = 50;
let timer = 0, turn = 0;
/** Whether a question is on its way, and the one that is asked after it: of those that came meanwhile the newest. */
let isAsking = false;
/** @type {(() => void) | null} */
let waiting = null;
/** Takes a threshold into the form. @type {(threshold: number) => void} */
let take = () => {};

const heading = h('h2', { id: 'h-past' }), note = h('p.muted', { role: 'status' }), body = h('div.pastbody');

export const past = {
    element: h('section.past', { 'aria-labelledby': 'h-past' }, h('header', heading, note), body),
    /** @param {(threshold: number) => void} use puts a threshold into the form */
    begin(use) {
        take = use;
        this.element.removeAttribute('aria-busy');
        body.replaceChildren();
        say('What it would have done', 'The last days are tried as soon as there is a sentence and a rule.');
    },
    end() {
        clearTimeout(timer);
        turn += 1;
    },
    /**
     * Asks in a while; the old result stays until the new one is there.
     * @param {any} query null: nothing to ask @param {string} [id] of the query, if it stands as it is
     */
    ask(query, id) {
        clearTimeout(timer);
        turn += 1;
        if (!query) { this.begin(take); return; }
        this.element.setAttribute('aria-busy', 'true');
        timer = setTimeout(start, pause, query, turn, id);
    },
};

/** @param {string} title @param {string} text */
function say(title, text) {
    heading.textContent = title;
    note.textContent = text;
}

/** One after the other: each takes a core for seconds. @param {any} query @param {number} mine @param {string} [id] */
async function start(query, mine, id) {
    if (isAsking) { waiting = () => start(query, mine, id); return; }
    if (mine !== turn) return;
    isAsking = true;
    await run(query, mine, id);
    isAsking = false;
    const next = waiting;
    waiting = null;
    next?.();
}

/** @param {any} query @param {number} mine @param {string} [id] */
async function run(query, mine, id) {
    try {
        const found = await ask('POST', '/backtest', id ? { id } : query);
        if (mine !== turn) return;
        show(found);
        const near = await sides(query, found.streams[0]?.threshold);
        if (mine === turn) body.querySelector('.near')?.replaceChildren(near);
    } catch (error) {
        if (mine !== turn) return;
        body.replaceChildren();
        say('The past cannot be tried', sentence(error));
    }
    if (mine === turn) past.element.removeAttribute('aria-busy');
}

/** @param {any} found */
function show(found) {
    const streams = found.streams.filter((/** @type {any} */ s) => s.windows > 0);
    if (!streams.length) {
        body.replaceChildren();
        say('There is no history of these streams yet', 'It is kept from now on; come back in a while.');
        return;
    }
    const count = streams.reduce((/** @type {number} */ n, /** @type {any} */ s) => n + s.count, 0);
    const covered = Math.max(...streams.map((/** @type {any} */ s) => s.covered_s));
    const days = streams.reduce((/** @type {number} */ n, /** @type {any} */ s) => n + s.covered_s, 0) / 86_400;
    const isLearning = streams.every((/** @type {any} */ s) => s.threshold == null);
    say(isLearning ? 'The history is too short to learn a threshold from'
        : count ? `It would have told ${plural(count, 'alert')} in ${span(covered)}` : `It would have kept quiet for ${span(covered)}`,
    [plural(streams.length, 'stream'), days >= .04 && count && `${perDay(count / days)} a day on each`,
        found.undecided && `${found.undecided.toLocaleString('en')} windows too close to call`, ...found.skipped.slice(0, 1)].filter(Boolean).join(', ') + '.');
    const from = Math.min(...streams.map((/** @type {any} */ s) => Date.parse(s.first))), to = Math.max(...streams.map((/** @type {any} */ s) => Date.parse(s.last)));
    body.replaceChildren(strips(streams, from, to), spread(streams[0], streams.length > 1), proposals(streams[0]), h('div.near'), alerts(streams));
    requestAnimationFrame(() => body.querySelectorAll('canvas').forEach(canvas => /** @type {any} */ (canvas).draw()));
}

/** "0.4", "120": alerts a day to two digits. @param {number} count */
const perDay = count => count.toLocaleString('en', { maximumSignificantDigits: 2 });

/** "6 days", "3 h": of so many seconds. @param {number} seconds */
const span = seconds => (seconds >= 172_800 ? plural(Math.round(seconds / 86_400), 'day') : lasting(seconds));

/** A line a stream: its alerts, and hatched what was not watched. @param {any[]} streams @param {number} from @param {number} to */
function strips(streams, from, to) {
    const rows = streams.slice(0, mostStreams).map(stream => {
        const canvas = h('canvas', { role: 'img', 'aria-label': `${stream.stream}: ${plural(stream.count, 'alert')} in ${span(stream.covered_s)}` });
        canvas.draw = () => strip(canvas, {
            from, to, alerts: stream.alerts.map((/** @type {any} */ a) => [Date.parse(a.start), Date.parse(a.end)]),
            gaps: stream.gaps.map((/** @type {any} */ g) => [Date.parse(g.from), Date.parse(g.to)]),
        });
        return h('div.paststrip', h('b', stream.stream), canvas, h('span.muted', String(stream.count)));
    });
    return h('div', rows, h('p.pastaxis.muted', h('span', clock(from)), h('span', clock(to))),
        streams.length > mostStreams && h('p.muted', `and ${streams.length - mostStreams} more streams`));
}

/** How the windows' scores are spread, and where the threshold lies among them. @param {any} stream @param {boolean} isOne whether there are others */
function spread(stream, isOne) {
    if (!stream.histogram) return '';
    const { low, high, counts } = stream.histogram;
    const canvas = h('canvas.bars', { role: 'img', 'aria-label': `Scores from ${score(low)} to ${score(high)}, threshold ${score(stream.threshold)}` });
    canvas.draw = () => bars(canvas, counts, stream.threshold == null ? null : (stream.threshold - low) / Math.max(high - low, 1e-9));
    return h('figure', canvas, h('figcaption.muted', h('span', score(low)),
        h('span', `${stream.windows.toLocaleString('en')} windows${isOne ? ` of ${stream.stream}` : ''}${stream.threshold == null ? '' : `, threshold ${score(stream.threshold)}`}`), h('span', score(high))));
}

/** Thresholds to take, each with the alerts a day that it would have made. @param {any} stream */
function proposals(stream) {
    if (stream.covered_s < 3600 || !may('operate')) return '';
    // Besides the one that was asked for, the first of the curve with four and with twenty-four at most.
    const wanted = [stream.proposed && [stream.proposed.threshold, stream.proposed.alerts_per_day],
        ...[4, 24].map(n => { const point = stream.curve.find((/** @type {any} */ p) => p.per_day <= n); return point && [point.threshold, point.per_day]; })].filter(Boolean);
    return h('p.row', h('span.muted', `Alert me on ${stream.stream} about`), wanted.map(([threshold, count]) => h('button.btn', {
        type: 'button', onclick: () => take(Math.round(threshold * 1000) / 1000),
    }, `${count ? perDay(Number(count)) : 'never'} a day: ${score(threshold)}`)));
}

/** The newest alerts as a table, for those who read. @param {any[]} streams */
function alerts(streams) {
    const all = streams.flatMap(s => s.alerts.map((/** @type {any} */ a) => ({ ...a, stream: s.stream })))
        .sort((a, b) => Date.parse(b.start) - Date.parse(a.start));
    if (!all.length) return h('p.muted', 'Say it in other words, or take a lower threshold.');
    return h('details', h('summary', plural(all.length, 'alert')), h('table.data', h('thead', h('tr', ['Began', 'Lasted', 'Score', 'Stream'].map(t => h('th', t)))),
        h('tbody', all.slice(0, mostAlerts).map(a => h('tr', h('td', icon('match'), ' ', clock(a.start)),
            h('td', lasting((Date.parse(a.end) - Date.parse(a.start)) / 1000)), h('td', score(a.score)), h('td', a.stream))))));
}
