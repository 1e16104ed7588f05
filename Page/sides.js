// Pictures of the moments that lie nearest to a threshold on both sides: what it would tell, and what it would not.
import { clock, h, score, still } from './dom.js';
import { ask } from './api.js';
import { state } from './state.js';

const most = 4, looked = 200;
const keys = ['text', 'phrasings', 'images', 'prompts', 'frames', 'streams'];

/**
 * Lists of pictures, or nothing where the past says nothing of them: a probability is no score, and not every head's
 * windows are kept.
 * @param {any} query as it was backtested @param {number | null} threshold
 */
export async function sides(query, threshold) {
    if (threshold == null || query.probability != null || query.against?.length || !query.text) return '';
    const wanted = Object.fromEntries(keys.filter(key => query[key] != null).map(key => [key, query[key]]));
    let found;
    try {
        found = await ask('POST', '/search', { ...wanted, head: query.head ?? state.status?.head ?? 'mean', limit: looked });
    } catch {
        return '';
    }
    const seen = found.moments.filter((/** @type {any} */ m) => m.preview);
    const above = seen.filter((/** @type {any} */ m) => m.score >= threshold).slice(-most), below = seen.filter((/** @type {any} */ m) => m.score < threshold).slice(0, most);
    if (!above.length && !below.length) return '';
    return h('div.sides', side('Just above: these it tells', above), side('Just below: these it leaves', below));
}

/** @param {string} title @param {any[]} moments */
const side = (title, moments) => moments.length > 0 && [h('h3', title), h('ul', moments.map(m =>
    h('li', still(m.preview.slice(1)), h('span', h('b', score(m.score)), ` ${clock(m.peak)}, ${m.stream}`))))];
