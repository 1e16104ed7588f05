// Requests to the daemon that served this page.

/** A refusal, or a connection that failed (status 0). */
export class Refused extends Error {
    /** @param {number} status @param {string} code @param {string} message */
    constructor(status, code, message) {
        super(message);
        this.status = status;
        this.code = code;
    }
}

/** Says so when the session has ended. */
export const session = new EventTarget();

/**
 * Asks, and returns the JSON that is answered.
 * @param {string} method @param {string} path below /api/v1 @param {any} [body]
 * @returns {Promise<any>}
 */
export async function ask(method, path, body) {
    const options = {
        method, headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
        body: body === undefined ? undefined : JSON.stringify(body),
    };
    let answer;
    try {
        answer = await fetch('api/v1' + path, options);
    } catch {
        throw new Refused(0, 'away', 'Watchword does not answer');
    }
    await refuse(answer, path !== '/session');
    return answer.json();
}

/**
 * Throws what an answer refuses.
 * @param {Response} answer @param {boolean} ends whether 401 means that the session has ended
 */
export async function refuse(answer, ends) {
    if (answer.ok) return;
    const said = await answer.json().catch(() => ({}));
    if (answer.status === 401 && ends) session.dispatchEvent(new Event('ended'));
    const { code = 'failed', message = `the request failed (${answer.status})` } = said.error ?? {};
    throw new Refused(answer.status, code, message);
}

/** A sentence from a refusal: a capital letter first, a full stop last. @param {any} error */
export function sentence(error) {
    const text = String(error?.message ?? error);
    // An address that it begins with stays as it is written.
    return (/^[a-z0-9+.-]+:\/\//.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1)) + (/[.?!]$/.test(text) ? '' : '.');
}

/** Path of the picture that the history has nearest to a time. @param {string} stream @param {string | number | Date} at */
export const picture = (stream, at) =>
    `api/v1/history/picture?stream=${encodeURIComponent(stream)}&at=${encodeURIComponent(new Date(at).toISOString())}`;

/** Path of an event's picture, another for each message, since its peak may move. @param {string} event @param {number} [seq] */
export const snapshot = (event, seq) =>
    `api/v1/events/${encodeURIComponent(event)}/snapshot` + (seq == null ? '' : `?seq=${seq}`);

/** Path of an event's clip. @param {string} event */
export const clip = event => `api/v1/events/${encodeURIComponent(event)}/clip`;

/** Path of a stream's video as it comes. @param {string} stream */
export const movie = stream => `api/v1/streams/${encodeURIComponent(stream)}/live.mp4`;
