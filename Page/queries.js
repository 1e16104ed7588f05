// Standing queries: what is said at left, what it scores at this moment at right.
import { $, dialog, h, icon, plural, problem, toast } from './dom.js';
import { ask, sentence } from './api.js';
import { given, may, refreshQueries, selected, state, words } from './state.js';
import { past } from './past.js';
import { trial } from './trial.js';

/** The id that is edited; '' for a new query. */
let id = '';
/** Raised whenever another query is shown, or none: what was asked before is stale. */
let turn = 0;
/** The query as it stands. @type {any} */
let standing = null;
/** What the form said when it was opened: a query that stands is sent what is said otherwise by now. @type {Record<string, any>} */
let begun = {};
const lists = { phrasings: /** @type {string[]} */ ([]), against: /** @type {string[]} */ ([]) };

export const room = {
    name: 'queries', title: 'Queries',
    /** @type {HTMLElement} */
    element: h('section.view.editor'),
    /** @param {string} [which] an id, 'new', or 'like' @param {string} [like] the id of a query to begin with; of a new one, its text */
    async show(which, like) {
        const mine = ++turn;
        id = which && which !== 'new' && which !== 'like' ? which : '';
        const from = id || (which === 'like' ? like : '');
        standing = null;
        this.element.replaceChildren(nav());
        if (!which && state.queries.length && matchMedia('(max-width: 1199px)').matches) {
            this.element.classList.add('listing');
            return;
        }
        this.element.classList.remove('listing');
        if (!from && !may('operate')) {
            this.element.append(h('p.nothing', 'Choose a query at left. Adding one takes the role operate.'));
            return;
        }
        try {
            const found = from ? await given(from) : null;
            if (mine !== turn) return;
            standing = found;
        } catch (error) {
            if (mine !== turn) return;
            this.element.append(h('div.nothing', h('h2', sentence(error)), h('a.btn', { href: '#queries/new' }, 'Write a new one')));
            return;
        }
        this.element.append(form(which === 'new' ? like : undefined), h('div.tries', past.element, trial.element));
        past.begin(useThreshold);
        trial.begin();
        ruleHelp();
        begun = standing ? said() : {};
        change();
        if (!id) $('textarea', this.element).focus();
    },
    hide() {
        turn += 1;
        trial.end();
        past.end();
    },
    /** @param {string} what */
    update(what) {
        if (what === 'queries') $('.qlist', this.element)?.replaceWith(nav());
        if (what === 'status') fits();
    },
    /** @param {KeyboardEvent} e */
    key(e) {
        if (e.key.toLowerCase() !== 'n' || !may('operate')) return false;
        location.hash = '#queries/new';
        return true;
    },
};

function nav() {
    const item = (/** @type {any} */ query) => h('li', h('a', {
        href: '#queries/' + query.id, 'aria-current': query.id === id ? 'page' : null,
    }, h('b', words(query)), h('small', query.enabled === false ? [icon('clock'), 'off'] : (query.streams ?? ['*']).join(', '))));
    return h('nav.qlist', { 'aria-label': 'Standing queries' }, h('div.qhead', h('h1', 'Queries'),
        may('operate') && h('a.btn.icon', { href: '#queries/new', 'aria-label': 'New query' }, icon('plus'))),
    state.queries.length ? h('ul', state.queries.map(item)) : h('p.muted.pad', 'None yet.'),
    state.hasMoreQueries && h('p.muted.pad', `The first ${state.queries.length} by id are listed; the command line lists all.`));
}

/** @param {string} [text] what a new query begins with */
function form(text) {
    const query = standing ?? { streams: ['*'], text }, given = (/** @type {string} */ key) => query[key] ?? [];
    [lists.phrasings, lists.against] = [[...given('phrasings')], [...given('against')]];
    const rule = query.against != null ? 'contrast' : query.false_alerts_per_day != null ? 'budget' : query.threshold != null ? 'score' : 'model';
    const choice = (/** @type {string} */ value, /** @type {string} */ text) => h('label', h('input', {
        type: 'radio', name: 'rule', value, checked: rule === value, onchange: () => { ruleHelp(); change(); },
    }), h('span', text));
    const element = h('form.form', { oninput: change, novalidate: '', onsubmit: (/** @type {Event} */ e) => { e.preventDefault(); save(); } },
        h('a.btn.tolist', { href: '#queries' }, icon('back'), 'All queries'),
        h('h2.vh', id ? `Query: ${words(query)}` : 'New query'),
        h('label.field.say', h('span', 'Watch for'), h('textarea', { name: 'text', rows: 2, placeholder: 'a van stops at the gate', value: query.text ?? '',
            'aria-describedby': 'say-help' }), h('small', { id: 'say-help' }, 'What the picture shows, in plain words.')),
        chips('phrasings', 'Also said as', 'Add a phrasing'),
        h('fieldset.field', h('legend', 'Alert me'), h('div.seg.full', choice('model', 'By model'), choice('score', 'By score'),
            choice('budget', 'By budget'), choice('contrast', 'By contrast')), h('small.rule')),
        chips('against', 'Not to be taken for', 'Add a contrast'),
        h('label.field', h('span', 'Streams'), h('input', { name: 'streams', value: (query.streams ?? ['*']).join(', '), autocomplete: 'off', spellcheck: false }), h('small.fits')));
    return h('div.formpane', element, footer());
}

function footer() {
    const wrong = problem();
    return h('footer.arm', wrong.element, h('p.armnote', { role: 'status' }),
        id && may('operate') && h('button.btn', { type: 'button', onclick: remove }, 'Remove'),
        may('operate') ? h('button.btn.arm', { type: 'button', onclick: save }, id ? 'Save' : 'Add ', h('kbd', 'Ctrl ↵'))
            : h('p.muted', 'Changing a query takes the role operate.'));
}

/** A list of texts, each with a button that takes it out. @param {'phrasings' | 'against'} key @param {string} legend @param {string} add */
function chips(key, legend, add) {
    const list = h('ul.chips'), fill = () => {
        list.replaceChildren(...lists[key].map((text, at) => h('li', text, h('button', { type: 'button', 'aria-label': `Remove “${text}”`,
            onclick: () => { lists[key].splice(at, 1); fill(); change(); } }, icon('no')))),
        h('li.new', h('input', { 'aria-label': add, placeholder: add, onkeydown: (/** @type {any} */ e) => { if (e.key === 'Enter' && !e.ctrlKey) { e.preventDefault(); take(e.target); } },
            onblur: (/** @type {any} */ e) => take(e.target) })));
    };
    const take = (/** @type {HTMLInputElement} */ input) => {
        const text = input.value.trim();
        if (!text) return;
        // An input that is taken away loses the focus, and is asked once more.
        input.value = '';
        const goesOn = document.activeElement === input;
        lists[key].push(text);
        fill();
        change();
        if (goesOn) $('.new input', list).focus();
    };
    fill();
    return h('fieldset.field', { 'data-list': key }, h('legend', legend), list);
}

const rule = () => $('[name=rule]:checked', room.element)?.value ?? 'model';

function ruleHelp() {
    const place = $('.rule', room.element), kind = rule(), query = standing ?? {};
    if (!place) return;
    const input = (/** @type {string} */ name, /** @type {any} */ value, /** @type {string} */ step, /** @type {string} */ label) =>
        h('input', { name, type: 'number', value: String(value), step, 'aria-label': label });
    place.replaceChildren(.../** @type {Record<string, any[]>} */ ({
        model: ['At the score that the model was measured with.'],
        score: ['When the score reaches ', input('threshold', query.threshold ?? '', '0.001', 'Threshold'), '. The curve of a stream shows what is usual there.'],
        budget: ['At most ', input('false_alerts_per_day', query.false_alerts_per_day ?? 1, '0.1', 'False alarms a day'), ' false alarms a day on each stream. The threshold is learnt from the history, or for an hour first.'],
        contrast: ['When it is at least ', input('probability', Math.round((query.probability ?? .5) * 100), '1', 'Likely, in per cent'), ' % likely among its contrasts.'],
    })[kind]);
    $('[data-list=against]', room.element).hidden = kind !== 'contrast';
}

const rules = ['threshold', 'false_alerts_per_day', 'against', 'probability'];

/** What the form says; null for a key is its default. @returns {Record<string, any>} */
function said() {
    const get = (/** @type {string} */ name) => $(`[name=${name}]`, room.element)?.value ?? '', kind = rule();
    const streams = get('streams').split(',').map((/** @type {string} */ s) => s.trim()).filter(Boolean);
    const number = (/** @type {string} */ name, scale = 1) => (get(name) === '' ? null : Number(get(name)) * scale);
    return {
        text: get('text').trim() || null, phrasings: [...lists.phrasings], streams: streams.length ? streams : ['*'],
        threshold: kind === 'score' ? number('threshold') : null,
        false_alerts_per_day: kind === 'budget' ? number('false_alerts_per_day') : null,
        against: kind === 'contrast' ? [...lists.against] : null, probability: kind === 'contrast' ? number('probability', .01) : null,
    };
}

/** What the form says otherwise than when it was opened; of the rule all, since a query has one. */
function changes() {
    const now = said(), other = Object.keys(now).filter(key => JSON.stringify(now[key]) !== JSON.stringify(begun[key]));
    return Object.fromEntries(Object.entries(now).filter(([key]) => other.includes(key) || (rules.includes(key) && other.some(k => rules.includes(k)))));
}

/** The query as it was given, with what the form says otherwise: to be tried, or added under an id of its own. */
function described() {
    const { id: _, expires: _until, enabled: _on, ...rest } = standing ?? {};
    return Object.fromEntries(Object.entries({ ...rest, ...changes() }).filter(([, value]) => value != null));
}

function change() {
    fits();
    const query = described(), isAny = query.text || query.images?.length, asked = isAny && !lacking() ? query : null;
    // One that stands as it is here is asked about by its id, with its group and what was learnt for it.
    const stands = id && !Object.keys(changes()).length ? id : '';
    trial.ask(asked, stands);
    past.ask(asked, stands);
}

/** The number that the rule needs and that is not there; null if it is. */
function lacking() {
    return $('.rule input', room.element)?.value === '' ? /** @type {HTMLInputElement} */ ($('.rule input', room.element)) : null;
}

/** Takes a threshold from the past: the rule is then a score. @param {number} threshold */
function useThreshold(threshold) {
    const choice = $('[name=rule][value=score]', room.element);
    if (!choice) return;
    choice.checked = true;
    ruleHelp();
    $('[name=threshold]', room.element).value = String(threshold);
    change();
}

/** Says how many streams the patterns select. */
function fits() {
    const place = $('.fits', room.element);
    if (!place) return;
    const names = selected({ streams: said().streams });
    place.textContent = !state.streams.length ? 'There is no stream yet.'
        : `Fits ${names.length} of ${state.streams.length}${names.length ? ': ' + names.slice(0, 5).join(', ') + (names.length > 5 ? '…' : '') : '. Names with * and ?, label:NAME, NAME/REGION, and ! to leave out.'}`;
}

async function save() {
    const mine = turn, query = described(), sent = said(), wrong = $('.arm .error', room.element), button = $('button.arm', room.element);
    const say = (/** @type {string} */ text) => { wrong.hidden = !text; wrong.replaceChildren(...(text ? [icon('warn'), h('span', text)] : [])); };
    if (!button || button.disabled) return;
    if (!query.text && !query.images?.length) { say('Say first what to watch for.'); $('textarea', room.element).focus(); return; }
    if (lacking()) { say('Write the number of the rule, or take another rule.'); lacking()?.focus(); return; }
    say('');
    button.disabled = true;
    try {
        const done = id ? await ask('PATCH', '/queries/' + encodeURIComponent(id), changes()) : await ask('POST', '/queries', query);
        await refreshQueries();
        const cut = done.truncated ? ' The text was longer than the model reads; its end was left out.' : '';
        toast((done.change === 'unchanged' ? 'It stands already.' : `Watching for it on ${plural(selected(done.query).length, 'stream')}. Its next match shows on the wall.`) + cut);
        if (mine !== turn) return;
        if (!id) { location.hash = '#queries/' + done.query.id; return; }
        const found = await given(id);
        if (mine !== turn) return;
        [standing, begun] = [found, sent];
        change();
    } catch (error) {
        say(sentence(error));
    } finally {
        button.disabled = false;
    }
}

function remove() {
    const wrong = problem(), gone = id;
    const close = dialog('Remove this query?', [h('p', `“${words(standing)}” is not watched for any more, and its open events end. Past events stay.`), wrong.element],
        [h('button.btn', { type: 'button', onclick: () => close() }, 'Keep it'), h('button.btn.primary', { type: 'submit' }, 'Remove')], async () => {
            try {
                const { returns } = await ask('DELETE', '/queries/' + encodeURIComponent(gone));
                await refreshQueries();
                close();
                toast(returns ? 'Removed. The configuration has it, so it is back after the next start.' : 'Removed.');
                location.hash = '#queries/new';
            } catch (error) {
                wrong.say(sentence(error));
            }
        });
}

addEventListener('keydown', e => { if (e.key === 'Enter' && e.ctrlKey && room.element.isConnected) save(); });
