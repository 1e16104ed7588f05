// A score over time on a canvas: grey below its dashed threshold, the accent above it.

const style = () => getComputedStyle(document.documentElement);
const ink = (/** @type {string} */ name) => style().getPropertyValue('--' + name).trim();

/**
 * @typedef {{ at: number, value: number, threshold: number | null }} Point milliseconds since 1970
 * @typedef {{ points: Point[], events: { start: number, end: number }[], from: number, to: number, cursor: number | null,
 *   gap: number }} Lane `gap`: milliseconds without a point that are hatched
 */

/** Prepares a canvas for its size in device pixels. @param {HTMLCanvasElement} canvas */
function surface(canvas) {
    const box = canvas.getBoundingClientRect(), ratio = devicePixelRatio || 1;
    if (!box.width) return null;
    const width = Math.round(box.width * ratio), height = Math.round(box.height * ratio);
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, box.width, box.height);
    g.font = `${Math.round(parseFloat(style().fontSize) * .8)}px ${ink('sans')}`;
    g.textBaseline = 'middle';
    g.lineJoin = 'round';
    return { g, w: box.width, h: box.height };
}

/** @param {CanvasRenderingContext2D} g */
function hatch(g, /** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ w, /** @type {number} */ h) {
    if (w <= 0) return;
    g.save();
    g.beginPath();
    g.rect(x, y, w, h);
    g.clip();
    g.strokeStyle = ink('hatch');
    g.lineWidth = 1;
    g.beginPath();
    for (let i = -h; i < w; i += 5) {
        g.moveTo(x + i, y + h);
        g.lineTo(x + i + h, y);
    }
    g.stroke();
    g.restore();
}

/** The span of values to be shown: the threshold and what is around it. @param {Point[]} points */
function range(points) {
    const values = points.map(p => p.value).concat(points.flatMap(p => p.threshold ?? []));
    const low = Math.min(...values), high = Math.max(...values), room = Math.max((high - low) * .15, .01);
    return [low - room, high + room];
}

/** Runs of points without a gap. @param {Point[]} points @param {number} gap */
function runs(points, gap) {
    /** @type {Point[][]} */
    const found = [];
    for (const point of points) {
        const last = found.at(-1)?.at(-1);
        if (last && point.at - last.at <= gap) found.at(-1)?.push(point);
        else found.push([point]);
    }
    return found;
}

/** Paints a lane. @param {HTMLCanvasElement} canvas @param {Lane} lane */
export function paint(canvas, lane) {
    const made = surface(canvas);
    if (!made) return;
    const { g, w, h } = made, top = 4, bottom = h - 4;
    const x = (/** @type {number} */ at) => (at - lane.from) / (lane.to - lane.from) * w;
    g.fillStyle = ink('sunken');
    g.fillRect(0, top, w, bottom - top);
    const points = lane.points.filter(p => p.at >= lane.from && p.at <= lane.to);
    if (!points.length) { hatch(g, 0, top, w, bottom - top); return; }
    const [low, high] = range(points);
    const y = (/** @type {number} */ value) => bottom - 8 - (value - low) / (high - low) * (bottom - top - 12);
    const parts = runs(points, lane.gap);
    const ends = [{ start: lane.from, end: lane.from }, ...parts.map(p => ({ start: p[0].at, end: /** @type {Point} */ (p.at(-1)).at })), { start: lane.to }];
    for (let i = 1; i < ends.length; i++) {
        const from = /** @type {number} */ (ends[i - 1].end), to = /** @type {number} */ (ends[i].start);
        if (to - from > lane.gap) hatch(g, x(from), top, x(to) - x(from), bottom - top);
    }
    for (const part of parts) line(g, part, x, y, h);
    for (const { start, end } of lane.events) {
        if (end < lane.from || start > lane.to) continue;
        g.fillStyle = ink('accent');
        g.fillRect(Math.max(0, x(start)), bottom - 4, Math.max(3, x(Math.min(end, lane.to)) - Math.max(0, x(start))), 4);
    }
    if (lane.cursor != null) {
        g.fillStyle = ink('text');
        g.fillRect(Math.round(x(lane.cursor)), 0, 1, h);
    }
}

/** A run's curve, once grey and once in the accent above the threshold, and the threshold. */
function line(/** @type {CanvasRenderingContext2D} */ g, /** @type {Point[]} */ part, /** @type {(n: number) => number} */ x,
    /** @type {(n: number) => number} */ y, /** @type {number} */ h) {
    const path = () => {
        g.beginPath();
        part.forEach((p, i) => (i ? g.lineTo(x(p.at), y(p.value)) : g.moveTo(x(p.at), y(p.value))));
        if (part.length === 1) g.lineTo(x(part[0].at) + 1, y(part[0].value));
    };
    path();
    g.strokeStyle = ink('score');
    g.lineWidth = 1.25;
    g.stroke();
    const known = part.filter(p => p.threshold != null);
    if (!known.length) return;
    const steps = () => known.forEach((p, i) => {
        const at = y(/** @type {number} */ (p.threshold));
        if (i) g.lineTo(x(p.at), y(/** @type {number} */ (known[i - 1].threshold)));
        g.lineTo(x(p.at), at);
    });
    g.save();
    g.beginPath();
    g.moveTo(x(known[0].at), 0);
    steps();
    g.lineTo(x(known[known.length - 1].at), 0);
    g.clip();
    path();
    g.strokeStyle = ink('accent');
    g.lineWidth = 2;
    g.stroke();
    g.lineTo(x(part[part.length - 1].at), h);
    g.lineTo(x(part[0].at), h);
    g.fillStyle = ink('accent');
    g.globalAlpha = .25;
    g.fill();
    g.restore();
    g.beginPath();
    g.moveTo(x(known[0].at), y(/** @type {number} */ (known[0].threshold)));
    steps();
    g.strokeStyle = ink('text');
    g.lineWidth = 1;
    g.setLineDash([4, 3]);
    g.stroke();
    g.setLineDash([]);
}

/** Times under the lanes. @param {HTMLCanvasElement} canvas @param {number} from @param {number} to */
export function axis(canvas, from, to) {
    const made = surface(canvas);
    if (!made) return;
    const { g, w, h } = made, steps = [10, 15, 30, 60, 120, 300, 600, 900, 1800].map(s => s * 1000);
    const step = steps.find(s => (to - from) / s * 64 <= w) ?? 3_600_000;
    g.fillStyle = ink('muted');
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
        const x = (at - from) / (to - from) * w, date = new Date(at);
        const text = date.toLocaleTimeString('en-GB', step < 60_000 ? {} : { hour: '2-digit', minute: '2-digit' });
        if (x < 28 || x > w - 28) continue;
        g.textAlign = 'center';
        g.fillText(text, x, h / 2);
    }
}

/**
 * Paints a strip: alerts as marks, and hatched where nothing was watched.
 * @param {HTMLCanvasElement} canvas
 * @param {{ from: number, to: number, alerts: number[][], gaps: number[][] }} of spans in milliseconds since 1970
 */
export function strip(canvas, of) {
    const made = surface(canvas);
    if (!made) return;
    const { g, w, h } = made, x = (/** @type {number} */ at) => (at - of.from) / Math.max(of.to - of.from, 1) * w;
    g.fillStyle = ink('sunken');
    g.fillRect(0, 0, w, h);
    for (const [from, to] of of.gaps) hatch(g, Math.max(0, x(from)), 0, Math.min(w, x(to)) - Math.max(0, x(from)), h);
    g.fillStyle = ink('accent');
    for (const [from, to] of of.alerts) g.fillRect(Math.min(x(from), w - 3), 2, Math.max(3, x(to) - x(from)), h - 4);
}

/**
 * Paints counts as bars, as tall as their logarithms, in the accent from the threshold on.
 * @param {HTMLCanvasElement} canvas @param {number[]} counts @param {number | null} threshold its place, 0 to 1
 */
export function bars(canvas, counts, threshold) {
    const made = surface(canvas);
    if (!made) return;
    const { g, w, h } = made, most = Math.log(Math.max(...counts, 1) + 1), width = w / counts.length;
    g.fillStyle = ink('sunken');
    g.fillRect(0, 0, w, h);
    counts.forEach((count, at) => {
        const height = count ? Math.max(2, Math.log(count + 1) / most * (h - 6)) : 0;
        g.fillStyle = ink(threshold != null && (at + .5) / counts.length >= threshold ? 'accent' : 'bars');
        g.fillRect(at * width, h - height, Math.max(1, width - 1), height);
    });
    if (threshold == null) return;
    const at = Math.min(Math.max(threshold, 0), 1) * w;
    g.strokeStyle = ink('text');
    g.setLineDash([4, 3]);
    g.beginPath();
    g.moveTo(at, 0);
    g.lineTo(at, h);
    g.stroke();
    g.setLineDash([]);
}
