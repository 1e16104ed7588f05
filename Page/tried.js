// A source that is tried before it is a stream: what plays, with its first picture, or why nothing does.
import { $, h, icon, lasting } from './dom.js';
import { ask, sentence } from './api.js';

/** A picture as the API writes it, as an address that an image takes. @param {string} base64 */
function address(base64) {
    const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
    return URL.createObjectURL(new Blob([bytes], { type: 'image/jpeg' }));
}

/** Tries sources, and shows what came of the last one, in the dialog that is opened next; closing it forgets that. */
export function tried() {
    const element = h('div.tried', { role: 'status', hidden: true });
    let turn = 0;
    const say = (/** @type {any[]} */ ...what) => {
        element.querySelectorAll('img').forEach(image => URL.revokeObjectURL(image.src));
        element.hidden = !what.length;
        element.replaceChildren(...what);
    };
    /** Forgets what was shown: it was of another address. */
    const clear = () => { turn += 1; say(); };
    const box = $('#dialog');
    box.addEventListener('close', function closed() {
        // The event of a dialog that was closed before comes late.
        if (box.open && box.contains(element)) return;
        box.removeEventListener('close', closed);
        clear();
    });
    return {
        element, clear,
        /** @param {object} source what a stream of it would be given as */
        async run(source) {
            const mine = ++turn;
            say(h('p.muted', icon('clock'), 'It is being opened; this takes ten seconds at most.'));
            try {
                const found = await ask('POST', '/sources/test', source);
                if (mine === turn) say(...shown(found));
            } catch (error) {
                if (mine === turn) say(h('p.error', icon('warn'), h('span', sentence(error))));
            }
        },
    };
}

/** @param {any} found what the daemon answers */
function shown(found) {
    if (!found.plays) return [h('p.error', icon('warn'), h('span', sentence(found.reason)))];
    const facts = [found.codec, `${found.width} × ${found.height}`, found.fps && `${Number(found.fps.toFixed(1))} frames a second`,
        found.live ? 'live' : 'a film with an end'].filter(Boolean).join(', ');
    const how = [`First picture after ${found.seconds < 1 ? found.seconds.toFixed(1) + ' s' : lasting(found.seconds)}`, found.decoder && `decoded by ${found.decoder}`].filter(Boolean).join(', ');
    return [h('img', { src: address(found.picture), alt: 'The first picture that came', width: 320, height: 180 }),
        h('div', h('p', icon('ok'), h('b', 'It plays.')), h('p', facts), h('p.muted', how + '.'))];
}
