// An explanation in words: what a query scores on a stream now, and why it has no event.
import { h, plural, score } from './dom.js';

/** @param {any} found an Explanation of the API */
export function told(found) {
    const value = found.probability ?? found.score, lines = [];
    if (value != null) {
        lines.push(h('p', h('b', score(value)), found.threshold == null ? ', no threshold yet'
            : `, threshold ${score(found.threshold)}: ${found.open ? 'an event is open' : value >= found.threshold ? 'it matches' : 'it stays quiet'}`));
        lines.push(meter(value, found.threshold));
    }
    if (found.heldBack) lines.push(h('p', `Held back: ${found.heldBack.message}.`));
    if (found.rank != null) lines.push(h('p.muted', `Rank ${found.rank} of the last hour’s ${plural(found.windows, 'window')} here.`));
    const background = found.overBackground;
    if (background?.state === 'learning') {
        lines.push(h('p.muted', `It learns its threshold: ${Math.round(background.progress * 100)} % of the first hour is done.`));
    } else if (background?.returnDays != null) {
        lines.push(h('p.muted', `By chance such a score comes once in ${background.returnDays.toFixed(1)} days.`));
    }
    if (found.contrasts?.length) {
        lines.push(h('table.data', h('caption.vh', 'Contrasts'), h('thead', h('tr', h('th', { scope: 'col' }, 'Contrast'),
            h('th.n', { scope: 'col' }, 'Score'), h('th.n', { scope: 'col' }, 'Likely'))),
        h('tbody', found.contrasts.map((/** @type {any} */ c) => h('tr', h('td', c.text), h('td.n', score(c.score)),
            h('td.n', `${Math.round(c.probability * 100)} %`))))));
    }
    return h('div.told', lines);
}

/** A score beside its threshold as a bar; the words beside it say the same. @param {number} value @param {number | null} threshold */
export function meter(value, threshold) {
    const top = Math.max(value, threshold ?? 0, .01) * 1.25;
    const bar = h('i', { class: threshold != null && value >= threshold ? 'hit' : '' }), mark = h('u');
    bar.style.width = `${Math.max(0, value) / top * 100}%`;
    if (threshold != null) mark.style.left = `${Math.max(0, threshold) / top * 100}%`;
    return h('div.load', { 'aria-hidden': 'true' }, bar, threshold != null && mark);
}
