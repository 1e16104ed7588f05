// A stream's coded video in the place of its previews, while one stream is looked at (Media Source Extensions).
import { h } from './dom.js';
import { movie } from './api.js';

/** Seconds behind which it jumps, that it keeps, and until it tries again at first and at most. */
const behind = 2, kept = 10, pauses = [1, 15];
/** Seconds behind from which it plays a little faster, and those at which it is near enough: it begins with a keyframe of the past. */
const late = .5, near = .3, faster = 1.15;

/**
 * Plays a stream's video in a figure until the result is called: its preview is shown before, and whenever none plays.
 * @param {HTMLElement} figure @param {string} stream @param {(why: string) => void} say tells why there is none, '' where there is
 */
export function playLive(figure, stream, say) {
    const video = h('video.coded', { muted: true, autoplay: true, playsInline: true, hidden: true, 'aria-label': `What ${stream} shows` });
    figure.prepend(video);
    let isOn = true, stop = () => {};
    (async () => {
        for (let pause = pauses[0]; isOn;) {
            if (document.hidden) await new Promise(resolve => document.addEventListener('visibilitychange', resolve, { once: true }));
            if (!isOn || !figure.isConnected) return;
            const began = Date.now();
            try {
                await once(video, stream, say, end => { stop = end; }, () => isOn && figure.isConnected);
            } catch (error) {
                if (error instanceof Unplayable) return say(error.message);
            }
            video.hidden = true;
            figure.classList.remove('coded');
            if (!isOn || !figure.isConnected) return;
            pause = Date.now() - began > 10_000 ? pauses[0] : Math.min(pause * 2, pauses[1]);
            await new Promise(resolve => setTimeout(resolve, pause * 1000));
        }
    })();
    return () => { isOn = false; stop(); video.remove(); };
}

/** What this browser does not play. */
class Unplayable extends Error {}

/**
 * Plays until the video ends.
 * @param {HTMLVideoElement} video @param {string} stream @param {(why: string) => void} say
 * @param {(end: () => void) => void} ends @param {() => boolean} isWanted
 */
async function once(video, stream, say, ends, isWanted) {
    const connection = new AbortController(), hide = () => { if (document.hidden) connection.abort(); };
    ends(() => connection.abort());
    document.addEventListener('visibilitychange', hide);
    let address = '';
    try {
        const answer = await fetch(movie(stream), { signal: connection.signal });
        if (!answer.ok || !answer.body) throw new Error('refused');
        const type = answer.headers.get('Content-Type') ?? '', name = /hvc1|hev1/.test(type) ? 'H.265' : 'its video';
        if (!('MediaSource' in window) || !MediaSource.isTypeSupported(type)) throw new Unplayable(`Previews: this browser does not play ${name}.`);
        const source = new MediaSource();
        address = video.src = URL.createObjectURL(source);
        await new Promise((resolve, reject) => {
            source.addEventListener('sourceopen', resolve, { once: true });
            connection.signal.addEventListener('abort', () => reject(new Error('ended')), { once: true });
        });
        const buffer = source.addSourceBuffer(type), reader = answer.body.getReader();
        while (isWanted()) {
            const { done, value } = await reader.read();
            if (done) throw new Error('ended');
            await changed(buffer, () => buffer.appendBuffer(/** @type {any} */ (value)));
            if (video.error) throw new Error('broken');
            await keepUp(video, buffer);
            if (video.hidden && video.readyState >= 3) {
                video.hidden = false;
                video.parentElement?.classList.add('coded');
                say('');
            }
        }
    } finally {
        connection.abort();
        document.removeEventListener('visibilitychange', hide);
        if (address) URL.revokeObjectURL(address);
        video.removeAttribute('src');
        video.load();
    }
}

/** Changes a buffer, which takes one change at a time. @param {SourceBuffer} buffer @param {() => void} change */
function changed(buffer, change) {
    const done = new Promise((resolve, reject) => {
        buffer.onupdateend = resolve;
        buffer.onerror = reject;
    });
    change();
    return done;
}

/** Jumps to what is newest where it is far behind, hurries where it is a little, and lets go of what is past. @param {HTMLVideoElement} video @param {SourceBuffer} buffer */
async function keepUp(video, buffer) {
    const ranges = buffer.buffered, last = ranges.length - 1;
    if (last < 0) return;
    const [start, end] = [ranges.start(last), ranges.end(last)];
    if (video.currentTime < start || end - video.currentTime > behind) video.currentTime = Math.max(start, end - 0.2);
    const lag = end - video.currentTime;
    if (lag > late) video.playbackRate = faster;
    else if (lag < near) video.playbackRate = 1;
    if (video.paused) video.play().catch(() => {});
    if (ranges.start(0) < video.currentTime - kept - 2) await changed(buffer, () => buffer.remove(0, video.currentTime - kept));
}
