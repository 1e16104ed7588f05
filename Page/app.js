// Beginning and rooms: signs in, reads what there is, and shows the room that the address names.
import { $, dialog, h, icon, toast } from './dom.js';
import { ask, sentence, session } from './api.js';
import { keep, leave, look, tryNow } from './live.js';
import { forget as forgetClips } from './clip.js';
import { changed, forgetAll, load, may, onChange, openEvents, refresh, state } from './state.js';
import { health } from './health.js';
import { login } from './login.js';
import { room as wall } from './wall.js';
import { room as focus } from './focus.js';
import { room as events } from './events.js';
import { room as queries } from './queries.js';
import { room as streams } from './streams.js';
import { room as search } from './search.js';
import { room as notifiers } from './notifiers.js';

/** @type {{ name: string, title: string, element: HTMLElement, show: Function, hide: Function, update: Function, key: Function, escape?: Function }[]} */
const rooms = [wall, events, search, queries, streams, notifiers, focus];
const poll = 3000;
/** @type {any} */
let room = null;
let polling = 0, countdown = 0;

document.querySelectorAll('[data-i]').forEach(e => e.prepend(icon(/** @type {HTMLElement} */ (e).dataset.i ?? '')));

async function begin() {
    try {
        state.session = await ask('GET', '/session');
        await load();
    } catch (error) {
        if (/** @type {any} */ (error).status === 401) return login(begin);
        $('#main').replaceChildren(h('section.view.on', h('div.nothing', h('h1', sentence(error)), h('p', 'It is tried again in five seconds.'),
            h('button.btn', { onclick: begin }, 'Try now'))));
        clearTimeout(polling);
        polling = setTimeout(begin, 5000);
        return;
    }
    $('#top').hidden = false;
    const { name, role, token, until } = /** @type {any} */ (state.session);
    $('#whotext').replaceChildren(h('b', name ?? 'This machine'), h('br'), h('span.muted', `role ${role}`
        + (until ? `, until ${new Date(until).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })}` : '')));
    $('#who').textContent = (name ?? 'W').charAt(0).toUpperCase();
    $('#signout').hidden = !token;
    room = null;
    show();
    keep();
    clearTimeout(polling);
    polling = setTimeout(count, poll);
}

/** Reads streams and counters every few seconds while somebody looks. */
async function count() {
    if (!document.hidden && state.link.state === 'live') await refresh().catch(() => {});
    if (room) polling = setTimeout(count, poll);
}

/** The session is over: everything that was shown goes, and nothing that was read can be shown again. @param {string} [why] */
function end(why) {
    leave();
    clearTimeout(polling);
    room?.hide();
    room = null;
    $('#dialog').close();
    forgetAll();
    forgetClips();
    for (const one of rooms) one.element.replaceChildren();
    login(begin, why);
}
session.addEventListener('ended', () => { if (room) end('The session has ended. Sign in again.'); });

function show() {
    if (!state.session) return;
    // A dialog is of the room that opened it.
    $('#dialog').close();
    look([]);
    const [name, ...rest] = location.hash.slice(1).split('/').map(part => { try { return decodeURIComponent(part); } catch { return part; } });
    const next = rooms.find(r => r.name === name) ?? wall;
    room?.hide();
    room = next;
    next.element.classList.add('on');
    $('#main').replaceChildren(next.element);
    next.show(...rest);
    for (const link of document.querySelectorAll('.rooms a')) {
        const isHere = link.getAttribute('href') === '#' + (next === focus ? 'wall' : next.name);
        if (isHere) link.setAttribute('aria-current', 'page');
        else link.removeAttribute('aria-current');
    }
    document.title = next.title + ' · Watchword';
    scrollTo(0, 0);
    frame();
}
addEventListener('hashchange', show);

/** What stands around the room. */
function frame() {
    health();
    $('#notifiers').hidden = !state.status?.notifiers?.length && !may('control');
    const open = openEvents().length, count = $('#opencount');
    count.hidden = !open;
    count.textContent = String(open);
    count.setAttribute('aria-label', `${open} open`);
    const { link } = state, isLost = link.state === 'lost';
    $('#link').classList.toggle('lost', isLost);
    $('#link span').textContent = isLost ? 'Link lost' : link.state === 'live' ? 'Live' : 'Connecting';
    $('#banner').hidden = !isLost;
    clearInterval(countdown);
    if (isLost) banner();
}

/** Says when the connection was lost, and that watching goes on: once; only who sees it is told the seconds. */
function banner() {
    const { since = 0, next = 0, tries = 1, why = '' } = state.link, seconds = h('span', { 'aria-hidden': 'true' });
    const text = `The connection to Watchword was lost at ${new Date(since).toLocaleTimeString('en-GB')}.`;
    const rest = ` ${why} This page goes on trying. What happened after no. ${state.seq.toLocaleString('en')} will be filled in.`;
    const tick = () => { seconds.textContent = ` It tries again in ${Math.max(0, Math.ceil((next - Date.now()) / 1000))} s (try ${tries}).`; };
    const place = $('#bannertext'), last = place.querySelector('[aria-hidden]');
    if (place.dataset.text === text + rest && last) last.replaceWith(seconds);
    else place.replaceChildren(h('b', text), rest, seconds);
    place.dataset.text = text + rest;
    tick();
    countdown = setInterval(tick, 1000);
}
$('#trynow').onclick = tryNow;

let isDue = new Set();
onChange(what => {
    if (!room) return;
    // What comes at once is shown at once.
    if (!isDue.size) requestAnimationFrame(() => {
        const all = [...isDue];
        isDue = new Set();
        if (!room) return;
        for (const one of all) room.update(one);
        if (all.some(one => one !== 'scores')) frame();
    });
    isDue.add(what);
    if (what === 'stream') { clearTimeout(polling); polling = setTimeout(count, 300); }
});

// ---- Keyboard
const keys = [
    ['?', 'This list'], ['1–5', 'Wall, Events, Search, Queries, Streams'], ['/', 'Search the past'], ['← ↑ → ↓', 'Move on the wall, or along a curve'], ['Enter', 'Open the stream, or play the event’s clip'],
    ['Esc', 'Back to the wall'], ['J K', 'Next and previous event'], ['E', 'Explain the event'], ['R W', 'The event was right, or wrong'], ['N', 'New: a stream, a query, or one like the event’s'],
    ['Ctrl ↵', 'Add or save the query'],
];
const showKeys = () => {
    $('#whopop').hidePopover();
    const close = dialog('Keyboard', [h('dl.keys', keys.flatMap(([names, text]) => [h('dt', names.split(' ').map(k => h('kbd', k))), h('dd', text)]))],
        [h('button.btn', { type: 'button', onclick: () => close() }, 'Close')]);
};
$('#showkeys').onclick = showKeys;
$('#skip').onclick = (/** @type {Event} */ e) => { e.preventDefault(); $('#main').focus(); };
$('#signout').onclick = async () => {
    $('#whopop').hidePopover();
    await ask('DELETE', '/session').catch(error => toast(sentence(error)));
    end();
};
addEventListener('keydown', e => {
    if (e.ctrlKey || e.altKey || e.metaKey || $('#dialog').open || !room) return;
    const target = /** @type {HTMLElement} */ (e.target);
    const isTyping = target.matches('input:not([type=radio]), textarea, select');
    if (e.key === 'Escape') {
        if (isTyping) target.blur();
        else if (room !== wall && !$(':popover-open') && !room.escape?.()) location.hash = '#wall';
        return;
    }
    if (isTyping || (target.matches('input') && e.key.startsWith('Arrow'))) return;
    if (e.key === '?') showKeys();
    else if (e.key === '/') location.hash = '#search';
    else if (/^[1-5]$/.test(e.key)) location.hash = '#' + rooms[Number(e.key) - 1].name;
    else if (!room.key(e)) return;
    e.preventDefault();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => changed('scores'));
document.addEventListener('visibilitychange', () => { if (!document.hidden) { clearTimeout(polling); polling = setTimeout(count, 50); } });

begin();
