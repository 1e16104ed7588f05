// Notifiers: receivers elsewhere, what each has of the events, and a test; those of clients are added and removed here.
import { $, dialog, field, h, icon, keyed, lasting, plural, problem, toast } from './dom.js';
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
        this.element.replaceChildren(h('div.bar', h('h1', 'Notifiers'), h('p.sum'),
            may('control') && h('div.tools', h('button.btn.primary', { onclick: add }, icon('plus'), 'Add a notifier'))),
            h('div.scroll', { tabindex: 0, role: 'group', 'aria-label': 'Notifiers' }, h('table.data', { id: 'notifytable' }, h('caption.vh', 'All notifiers and how each is doing'),
                h('thead', h('tr', ['Notifier', 'State', 'Receiver'].map(t => h('th', { scope: 'col' }, t)),
                    ['Delivered', 'In summaries', 'Waiting', 'Oldest'].map(t => h('th.n', { scope: 'col' }, t)), h('th', { scope: 'col' }, h('span.vh', 'Actions')))),
                h('tbody'))),
            h('div.nothing', { hidden: true }, h('h2', 'No notifier yet'), h('p', 'A phone, a chat, a broker, a program: named by the section notify of the configuration, or added here.')));
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
            h('button.btn.ghost.resume', { 'aria-label': `Resume ${one.name}`, hidden: true, onclick: (/** @type {any} */ e) => act(e.currentTarget, one.name, 'resume') }, 'Resume')],
        may('control') && one.source === 'socket' && h('button.btn.ghost', { 'aria-label': `Remove ${one.name}`, onclick: () => remove(one.name) }, 'Remove')));
}

/** @param {HTMLElement} row @param {any} one */
function fill(row, one) {
    const { word, sign, isBad } = states[one.state] ?? { word: one.state, sign: 'warn', isBad: true };
    const label = $('.state', row), why = $('p', row);
    label.className = 'state' + (isBad ? ' bad' : '');
    if (label.textContent !== word) label.replaceChildren(icon(sign), word);
    why.hidden = !one.problem;
    why.textContent = one.problem ? sentence(one.problem) : '';
    $('.source', row).textContent = `${one.format}, ${one.host}${one.source === 'socket' ? ', added by a client' : ''}`;
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

/** Adds a notifier. */
function add() {
    const wrong = problem();
    const format = h('label.field', h('span', 'Receiver'), h('select', { name: 'format' },
        [['ntfy', 'ntfy'], ['gotify', 'Gotify'], ['telegram', 'Telegram'], ['slack', 'Slack'], ['discord', 'Discord'], ['mqtt', 'MQTT broker'], ['cloudevents', 'a program, by CloudEvents']]
            .map(([value, text]) => h('option', { value }, text))));
    const url = field('url', 'Address', { type: 'text', placeholder: 'https://HOST/TOPIC' }, 'Private addresses are reached only if the configuration’s receivers names them.');
    const name = field('name', 'Name', { required: true, maxlength: 64 }, 'Letters, digits, hyphens.');
    const token = field('token', 'Token', {}, 'A name of the configuration’s credentials, if the receiver asks for one.');
    const chat = field('chat', 'Chat', {}, 'Telegram’s, else empty.');
    const submit = h('button.btn.primary', { type: 'submit' }, 'Add');
    const close = dialog('Add a notifier', [format, url, name, h('div.two', token, chat), wrong.element],
        [h('button.btn', { type: 'button', onclick: () => close() }, 'Cancel'), submit], async () => {
            const value = (/** @type {HTMLElement} */ one) => $('input', one).value.trim() || undefined;
            wrong.say();
            submit.disabled = true;
            try {
                const done = await ask('POST', '/notifiers', { name: value(name), format: $('select', format).value, url: value(url), token: value(token), chat: value(chat) });
                await refresh();
                close();
                toast(`${done.added} is told of what comes from now on. Test it.`);
            } catch (error) {
                wrong.say(sentence(error));
            } finally {
                submit.disabled = false;
            }
        });
    $('input', url).focus();
}

/** @param {string} name */
function remove(name) {
    const wrong = problem();
    const close = dialog(`Remove ${name}?`, [h('p', 'It is told of nothing any more. What waits for it is not sent.'), wrong.element],
        [h('button.btn', { type: 'button', onclick: () => close() }, 'Keep it'), h('button.btn.primary', { type: 'submit' }, 'Remove')], async () => {
            try {
                await ask('DELETE', '/notifiers/' + encodeURIComponent(name));
                await refresh();
                close();
                toast(`${name} is removed.`);
            } catch (error) {
                wrong.say(sentence(error));
            }
        });
}
