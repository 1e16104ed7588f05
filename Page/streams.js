// Streams: add, change and remove them; what each is doing, and why.
import { $, clock, dialog, field, h, icon, plural, problem, toast } from './dom.js';
import { ask, sentence } from './api.js';
import { look, preview } from './live.js';
import { condition, may, rate, refresh, state } from './state.js';
import { isTaken, nameFor } from './wall.js';
import { tried } from './tried.js';

/** Streams whose rows are on the screen. @type {Set<string>} */
const visible = new Set();
const watcher = new IntersectionObserver(entries => {
    for (const { target, isIntersecting } of entries) {
        const name = /** @type {HTMLElement} */ (target).dataset.row ?? '';
        if (isIntersecting) visible.add(name);
        else visible.delete(name);
    }
    if (room.element.isConnected) look([...visible]);
});

export const room = {
    name: 'streams', title: 'Streams',
    /** @type {HTMLElement} */
    element: h('section.view'),
    /** @param {string} [which] 'add' opens the dialog */
    show(which) {
        this.element.replaceChildren(h('div.bar', h('h1', 'Streams'), h('p.sum'),
            may('control') && h('div.tools', h('button.btn.primary', { onclick: () => edit(null) }, icon('plus'), 'Add a stream'))),
        h('div.scroll', { tabindex: 0, role: 'group', 'aria-label': 'Streams' }, h('table.data', { id: 'streamtable' }, h('caption.vh', 'All streams and what each is doing'),
            h('thead', h('tr', ['Stream', 'State', 'Source'].map(t => h('th', { scope: 'col' }, t)),
                ['Scored fps', 'Behind', 'Left out', 'Reopened'].map(t => h('th.n', { scope: 'col' }, t)), h('th', { scope: 'col' }, h('span.vh', 'Actions')))),
            h('tbody'))), h('div.nothing', { hidden: true }));
        this.update('status');
        if (which === 'add' && may('control')) edit(null);
    },
    hide() {
        watcher.disconnect();
        visible.clear();
    },
    /** @param {string} what */
    update(what) {
        if (!['status', 'stream', 'link'].includes(what)) return;
        const bad = state.streams.filter(stream => condition(stream).isBad);
        const fps = state.streams.reduce((sum, s) => sum + (s.scored ?? 0), 0);
        $('.sum', this.element).textContent = `${plural(state.streams.length, 'stream')}, ${fps.toFixed(1)} frames a second scored, ${bad.length} in trouble`;
        const none = $('.nothing', this.element);
        none.hidden = state.streams.length > 0;
        $('.scroll', this.element).hidden = !none.hidden;
        if (!none.hidden) none.replaceChildren(h('h2', 'No stream yet'), h('p', may('control')
            ? 'Add a camera by its address, or a film, or the synthetic scene: shapes://7.' : 'Adding one takes the role control.'));
        rows([...bad, ...state.streams.filter(stream => !bad.includes(stream))]);
    },
    /** @param {KeyboardEvent} e */
    key(e) {
        if (e.key.toLowerCase() !== 'n' || !may('control')) return false;
        edit(null);
        return true;
    },
};

/** @param {any[]} streams */
function rows(streams) {
    const body = $('tbody', room.element), known = new Map([...body.children].map(row => [row.dataset.row, row]));
    const wanted = streams.flatMap(stream => {
        const row = known.get(stream.name) ?? h('tr', { 'data-row': stream.name });
        fill(row, stream);
        if (!known.has(stream.name)) watcher.observe(row);
        const { isBad, why, since } = condition(stream);
        if (!isBad) return [row];
        const reason = known.get('why ' + stream.name) ?? h('tr.reason', { 'data-row': 'why ' + stream.name });
        const text = `${why}. Since ${clock(since)}.`;
        if (reason.dataset.text !== text) {
            reason.dataset.text = text;
            reason.replaceChildren(h('td', { colspan: '8' }, h('div', h('p', text), may('control') && (stream.state === 'failed'
                ? h('button.btn', { onclick: () => again(stream) }, icon('retry'), 'Try again') : h('button.btn', { onclick: () => edit(stream) }, 'Change it')))));
        }
        return [row, reason];
    });
    for (const row of [...body.children]) {
        if (wanted.includes(row)) continue;
        watcher.unobserve(row);
        visible.delete(row.dataset.row);
        row.remove();
    }
    if (room.element.isConnected) look([...visible]);
    wanted.forEach((row, at) => { if (body.children[at] !== row) body.insertBefore(row, body.children[at] ?? null); });
}

/** @param {HTMLElement} row @param {any} stream */
function fill(row, stream) {
    const { icon: sign, word, isBad } = condition(stream), isPlaying = stream.state === 'playing';
    if (!row.children.length) {
        row.append(h('td', h('a.name', { href: '#focus/' + encodeURIComponent(stream.name) }, preview(stream.name, ''), stream.name)),
            h('td', h('span.state')), h('td.source'), ...['fps scored', 'behind', 'left out', 'reopened'].map(label => h('td.n', { 'data-l': label })),
            h('td.dots', may('control') && [h('button.btn.ghost', { 'aria-label': `Edit ${stream.name}`, onclick: () => edit(state.streams.find(s => s.name === stream.name)) }, 'Edit'),
                h('button.btn.ghost', { 'aria-label': `Remove ${stream.name}`, onclick: () => remove(state.streams.find(s => s.name === stream.name)) }, 'Remove')]));
    }
    const text = `${word}`, label = $('.state', row);
    label.className = 'state' + (isBad ? ' bad' : '');
    if (label.textContent !== text) label.replaceChildren(icon(sign), text);
    const numbers = [rate(stream), stream.live && isPlaying ? stream.lag.toFixed(1) + ' s' : '–',
        (stream.shed + stream.dropped).toLocaleString('en'), stream.restarts.toLocaleString('en')];
    $('.source', row).textContent = stream.uri;
    [...row.querySelectorAll('.n')].forEach((cell, at) => { cell.textContent = numbers[at]; });
}

/** A stream that failed for good is opened anew. @param {any} stream */
async function again(stream) {
    const path = '/streams/' + encodeURIComponent(stream.name);
    try {
        // What the configuration has is opened as it stands there; a change would make it a client's.
        await (stream.source === 'file' ? ask('POST', path + '/reset') : ask('PATCH', path, {}));
        await refresh();
    } catch (error) {
        toast(sentence(error));
    }
}

/** Adds a stream, or changes what is asked for; what the dialog does not show stays. @param {any} stream null: a new one */
function edit(stream) {
    const wrong = problem();
    const uri = field('uri', 'Address', { required: true, placeholder: stream ? stream.uri : 'rtsp://10.0.4.11/main', type: 'text' },
        stream ? 'Leave it empty to keep the address. A password in it is never shown.' : 'A camera, a film’s path, or anything GStreamer can open.');
    const name = field('name', 'Name', { required: true, maxlength: 64 }, 'Letters, digits, hyphens. Queries find it by this name.');
    const fps = field('fps', 'Score, frames a second', { type: 'number', step: '0.1', min: '0.1', max: '60', value: stream ? String(stream.fps) : '' },
        stream ? undefined : 'Empty: as the model was made for.');
    const credentials = field('credentials', 'Credentials', {}, 'A name of the configuration’s credentials, if the camera asks for a password.');
    const inputs = { uri: $('input', uri), name: $('input', name), fps: $('input', fps), credentials: $('input', credentials) };
    let isNamed = false;
    inputs.name.oninput = () => { isNamed = true; };
    const test = tried();
    inputs.uri.oninput = () => {
        test.clear();
        if (!stream && !isNamed) inputs.name.value = inputs.uri.value.trim() ? nameFor(inputs.uri.value.trim()) : '';
    };
    inputs.credentials.oninput = test.clear;
    const tryIt = async () => {
        const value = (/** @type {keyof typeof inputs} */ key) => inputs[key].value.trim();
        if (!stream && !value('uri')) { wrong.say('Write the address first.'); return inputs.uri.focus(); }
        wrong.say();
        trial.disabled = true;
        // What is left empty is the stream's own.
        await test.run({ ...stream && { like: stream.name }, ...value('uri') && { uri: value('uri') }, ...value('credentials') && { credentials: value('credentials') } });
        trial.disabled = false;
    };
    const trial = h('button.btn', { type: 'button', onclick: tryIt }, 'Test');
    const submit = h('button.btn.primary', { type: 'submit' }, stream ? 'Save' : 'Add');
    const overrides = stream?.source === 'file' && h('p.muted', 'The configuration has this stream. What is saved here stands in its place until it is reset.');
    const close = dialog(stream ? `Edit ${stream.name}` : 'Add a stream', [overrides, uri, !stream && name, h('div.two', fps, credentials), test.element, wrong.element].filter(Boolean),
        [trial, h('button.btn', { type: 'button', onclick: () => close() }, 'Cancel'), submit], async () => {
            const value = (/** @type {keyof typeof inputs} */ key) => inputs[key].value.trim();
            if (!stream && !value('uri')) { wrong.say('Write the address first.'); return inputs.uri.focus(); }
            if (!stream && isTaken(value('name'))) { wrong.say(`There is a stream ${value('name')} already. Take another name, or edit that one.`); return inputs.name.focus(); }
            // An emptied field of a stream that stands goes back to its default.
            const none = stream ? null : undefined;
            const given = { uri: value('uri') || undefined, fps: value('fps') ? Number(value('fps')) : none,
                credentials: value('credentials') || (stream ? undefined : none) };
            wrong.say();
            submit.disabled = true;
            try {
                const done = stream ? await ask('PATCH', '/streams/' + encodeURIComponent(stream.name), given)
                    : await ask('POST', '/streams', { name: value('name') || nameFor(value('uri')), ...given });
                await refresh();
                close();
                toast(done.change === 'unchanged' ? 'It is like that already.' : stream ? 'Changed; it is opened anew.' : `${done.added} is being opened.`);
            } catch (error) {
                wrong.say(sentence(error));
            } finally {
                submit.disabled = false;
            }
        });
    inputs.uri.focus();
}

/** @param {any} stream */
function remove(stream) {
    const wrong = problem(), shadows = stream.source === 'shadows-file';
    const close = dialog(`Remove ${stream.name}?`, [h('p', 'It is not watched any more, and what was learnt of it is forgotten. Its past events stay.'), wrong.element],
        [h('button.btn', { type: 'button', onclick: () => close() }, 'Keep it'), h('button.btn.primary', { type: 'submit' }, 'Remove')], async () => {
            try {
                const { returns } = await ask('DELETE', '/streams/' + encodeURIComponent(stream.name));
                await refresh();
                close();
                toast(returns || shadows ? 'Removed. The configuration has it, so it is back after the next start.' : `${stream.name} is removed.`);
            } catch (error) {
                wrong.say(sentence(error));
            }
        });
}
