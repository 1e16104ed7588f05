// Notifiers: receivers elsewhere, what each has of the events, and a test.
import { $, h, icon, keyed, lasting, plural, toast } from './dom.js';
import { ask, sentence } from './api.js';
import { may, refresh, state } from './state.js';

/** Words and signs of a notifier's state. @type {Record<string, { word: string, sign: string, isBad?: boolean }>} */
const states = {
    idle: { word: 'Idle', sign: 'ok' },
    sending: { word: 'Sending', sign: 'ok' },
    keeping: { word: 'Keeping a summary', sign: 'clock' },
    failing: { word: 'Failing', sign: 'retry', isBad: true },
    gone: { word: 'Given up: it wants no more', sign: 'warn', isBad: true },
    dead: { word: 'Given up: nothing arrived for three days', sign: 'warn', isBad: true },
};

/** Notifiers to which nothing can be delivered now. */
export const failing = () => (state.status?.notifiers ?? []).filter((/** @type {any} */ one) => states[one.state]?.isBad);

export const room = {
    name: 'notifiers', title: 'Notifiers',
    /** @type {HTMLElement} */
    element: h('section.view'),
    show() {
        this.element.replaceChildren(h('div.bar', h('h1', 'Notifiers'), h('p.sum')),
            h('div.scroll', { tabindex: 0, role: 'group', 'aria-label': 'Notifiers' }, h('table.data', { id: 'notifytable' }, h('caption.vh', 'All notifiers and how each is doing'),
                h('thead', h('tr', ['Notifier', 'State', 'Receiver'].map(t => h('th', { scope: 'col' }, t)),
                    ['Delivered', 'In summaries', 'Waiting', 'Oldest'].map(t => h('th.n', { scope: 'col' }, t)), h('th', { scope: 'col' }, h('span.vh', 'Actions')))),
                h('tbody'))),
            h('div.nothing', { hidden: true }, h('h2', 'No notifier yet'), h('p', 'The section notify of the configuration names them: a phone, a chat, a broker, a program.')));
        this.update('status');
    },
    hide() {},
    /** @param {string} what */
    update(what) {
        if (!['status', 'link'].includes(what)) return;
        const all = state.status?.notifiers ?? [];
        $('.sum', this.element).textContent = `${plural(all.length, 'notifier')}, ${failing().length} in trouble`;
        $('.scroll', this.element).hidden = !all.length;
        $('.nothing', this.element).hidden = all.length > 0;
        keyed($('tbody', this.element), all, one => one.name, make, fill);
    },
    key() { return false; },
};

/** @param {any} one */
function make(one) {
    return h('tr', h('td', h('b', one.name)), h('td', h('span.state'), h('p.muted', { hidden: true })), h('td.source'),
        ...['delivered', 'in summaries', 'waiting', 'oldest'].map(label => h('td.n', { 'data-l': label })),
        h('td.dots', may('operate') && [
            h('button.btn.ghost', { 'aria-label': `Test ${one.name}`, onclick: (/** @type {any} */ e) => act(e.currentTarget, one.name, 'test') }, 'Test'),
            h('button.btn.ghost.resume', { 'aria-label': `Resume ${one.name}`, hidden: true, onclick: (/** @type {any} */ e) => act(e.currentTarget, one.name, 'resume') }, 'Resume')]));
}

/** @param {HTMLElement} row @param {any} one */
function fill(row, one) {
    const { word, sign, isBad } = states[one.state] ?? { word: one.state, sign: 'warn', isBad: true };
    const label = $('.state', row), why = $('p', row);
    label.className = 'state' + (isBad ? ' bad' : '');
    if (label.textContent !== word) label.replaceChildren(icon(sign), word);
    why.hidden = !one.problem;
    why.textContent = one.problem ? sentence(one.problem) : '';
    $('.source', row).textContent = `${one.format}, ${one.host}`;
    const numbers = [one.delivered, one.summarised, one.waiting].map(n => n.toLocaleString('en'));
    [...row.querySelectorAll('.n')].forEach((cell, at) => { cell.textContent = numbers[at] ?? (one.oldest > 0 ? lasting(one.oldest) : '–'); });
    const resume = $('.resume', row);
    if (resume) resume.hidden = !isBad;
}

/** Sends a test message, or starts a notifier again. @param {HTMLButtonElement} button @param {string} name @param {'test' | 'resume'} what */
async function act(button, name, what) {
    button.disabled = true;
    try {
        await ask('POST', `/notifiers/${encodeURIComponent(name)}/${what}`);
        toast(what === 'test' ? `The receiver of ${name} took a test message.` : `${name} goes on from where it was.`);
        await refresh();
    } catch (error) {
        toast(sentence(error));
    } finally {
        button.disabled = false;
    }
}
