// What a query that does not stand yet scores on the streams' newest windows.
import { h, icon, plural } from './dom.js';
import { ask, sentence } from './api.js';
import { look, preview } from './live.js';
import { may, state, streamOf } from './state.js';
import { told } from './explain.js';

const pause = 300, again = 2000, most = 24;
let timer = 0, turn = 0, id = '';
/** @type {any} */
let query = null;

const heading = h('h2', { id: 'h-trial' }), note = h('p.muted'), list = h('ul.trials');

export const trial = {
    element: h('section.test', { 'aria-labelledby': 'h-trial' }, h('header', heading, note), list),
    begin() { say('What it scores at this moment', 'Write a sentence, and its scores on each stream are shown here.'); },
    end() {
        clearTimeout(timer);
        (query = null, turn += 1);
    },
    /** Asks in a while, and again every two seconds until something else is asked. @param {any} next null: nothing to ask
     * @param {string} [stands] its id, if it stands as it is */
    ask(next, stands = '') {
        clearTimeout(timer);
        (query = next, id = stands, turn += 1);
        if (!next) { list.replaceChildren(); look([]); this.begin(); return; }
        if (!id && !may('operate')) { list.replaceChildren(); say('What it scores at this moment', 'Trying a query takes the role operate.'); return; }
        if (!state.streams.length) { say('There is no stream yet', 'Add one, and what the query scores there is shown here.'); return; }
        this.element.setAttribute('aria-busy', 'true');
        timer = setTimeout(run, pause, turn);
    },
};

/** @param {string} title @param {string} text */
function say(title, text) {
    heading.textContent = title;
    note.textContent = text;
}

/** @param {number} mine */
async function run(mine) {
    if (document.hidden) { timer = setTimeout(run, again, mine); return; }
    try {
        const found = await (id ? ask('GET', `/queries/${encodeURIComponent(id)}/explanation`) : ask('POST', '/test', query));
        if (mine !== turn) return;
        show(found);
    } catch (error) {
        if (mine !== turn) return;
        list.replaceChildren();
        say('It cannot be tried', sentence(error));
    }
    trial.element.removeAttribute('aria-busy');
    timer = setTimeout(run, again, mine);
}

/** @param {any[]} found explanations, one a stream or region */
function show(found) {
    const value = (/** @type {any} */ e) => e.probability ?? e.score ?? -Infinity;
    const sorted = [...found].sort((a, b) => value(b) - value(a)).slice(0, most);
    const over = found.filter(e => e.threshold != null && value(e) >= e.threshold).length;
    const known = found.filter(e => e.score != null).length;
    say(!found.length ? 'No stream is selected' : !known ? 'No window has been seen yet' : over ? `It matches on ${plural(over, 'stream')} at this moment` : 'It stays quiet at this moment',
        found.length ? 'The newest window of each stream, the best first; looked at again every two seconds.' : 'Change the streams at left.');
    look(sorted.map(e => streamOf(e.stream)));
    const rows = new Map([...list.children].map(li => [/** @type {HTMLElement} */ (li).dataset.stream, li]));
    list.replaceChildren(...sorted.map(e => {
        const li = rows.get(e.stream) ?? h('li', { 'data-stream': e.stream }, preview(streamOf(e.stream), ''), h('div'));
        const isOver = e.threshold != null && value(e) >= e.threshold;
        li.className = isOver ? 'hit' : '';
        /** @type {HTMLElement} */ (li.lastElementChild).replaceChildren(h('h3', isOver && icon('match'), e.stream), told({ ...e, heldBack: e.score == null ? e.heldBack : null }));
        return li;
    }));
}
