// The chip that says how all is, and the reasons behind it.
import { $, clock, h, icon, plural } from './dom.js';
import { failing } from './notifiers.js';
import { condition, state } from './state.js';

/** Says how many streams are watched, and lists what is wrong and what is well. */
export function health() {
    const { status, streams, link } = state, chip = $('#health');
    chip.hidden = link.state === 'lost' || !status;
    if (!status) return;
    const all = checks(status, streams), isBad = all.some(c => c.isBad);
    const watching = streams.filter(s => s.state === 'playing' && !condition(s).isBad).length;
    chip.classList.toggle('bad', isBad);
    chip.replaceChildren(icon(isBad ? 'warn' : 'ok'), h('span', ...(streams.length ? ['Watching ', h('b', String(watching)), ' of ', h('b', String(streams.length))] : ['No stream yet'])));
    chip.setAttribute('aria-label', `${chip.textContent}; ${isBad ? 'something is wrong' : 'all is well'}`);
    $('#checks').replaceChildren(...all.map(c => h('li', { class: c.isBad ? 'bad' : '' }, icon(c.sign), h('b', c.name),
        h('span', c.text, c.link && [' ', h('a', { href: c.link }, 'Look at it')]))));
}

/**
 * @param {any} status @param {any[]} streams
 * @returns {{ name: string, sign: string, isBad: boolean, text: string, link?: string }[]}
 */
function checks(status, streams) {
    const playing = streams.filter(s => s.state === 'playing'), journal = status.journal;
    const late = Math.max(0, ...playing.map(s => s.lag)), shedding = playing.filter(s => s.effectiveFps < s.fps * .95);
    const blind = streams.filter(s => s.state === 'playing' && s.picture !== 'good');
    const away = streams.filter(s => !['playing', 'connecting', 'ended'].includes(s.state));
    const scored = playing.reduce((sum, s) => sum + (s.scored ?? 0), 0);
    const found = [
        { name: 'Scoring', sign: 'ok', isBad: false, text: `${scored.toFixed(1)} frames a second; ${plural(status.waiting, 'frame')} waiting; the slowest stream is ${late.toFixed(1)} s behind` },
        journal.journaled ? { name: 'Journal', sign: 'ok', isBad: false, text: `writing; last number ${status.seq.toLocaleString('en')}` }
            : { name: 'Journal', sign: 'warn', isBad: true, text: `${journal.problem ?? 'events are not kept'}; ${plural(journal.backlog, 'message')} wait` },
        shedding.length ? { name: 'Shed', sign: 'warn', isBad: true, text: `there is too much to do: ${plural(shedding.length, 'stream')} scored less often than asked for`, link: '#streams' }
            : { name: 'Shed', sign: 'ok', isBad: false, text: 'every stream is scored as often as asked for' },
        ...blind.map(s => ({ name: 'Blind', sign: 'blind', isBad: true, text: `${s.name}: ${condition(s).why}`, link: '#focus/' + encodeURIComponent(s.name) })),
        ...away.map(s => ({ name: 'Away', sign: 'retry', isBad: true, text: `${s.name} since ${clock(s.since)}: ${condition(s).why}`, link: '#streams' })),
    ];
    for (const one of failing()) found.push({ name: 'Alerts', sign: 'retry', isBad: true, text: `${one.name}: ${one.problem ?? 'it is given up'}`, link: '#notifiers' });
    const learning = status.thresholds.learning, drifted = status.thresholds.drifted;
    if (learning) found.push({ name: 'Learning', sign: 'clock', isBad: false, text: `${plural(learning, 'threshold')} being learnt; nothing is told by them yet` });
    if (drifted) found.push({ name: 'Drifted', sign: 'warn', isBad: true, text: `${plural(drifted, 'threshold')} no longer fit`, link: '#queries' });
    return found.slice(0, 24);
}
