#!/usr/bin/env python3
"""Held-out recall by how many clips a head was trained on, as a table and a plot.

Trains every head on each number of clips of the shapes world from each seed (the text tower learns with it, the image tower
is frozen, the head begins anew), from towers that never saw anything move, and measures R@1 on other clips.

  scripts/lab/learning-curve.py --work .build/curve --towers towers [--sizes 16 64 256 1024] [--output docs]
"""
import os
import statistics

import trials

HEADS = {"mean": "#555555", "lstm": "#1f5fbf", "transformer": "#1f8f4f", "tight": "#bf5f1f"}


def plot(labels, series, title, below):
    """An SVG of recalls: a line for each of `series`, which are (name, colour, [values of each label])."""
    width, height, left, top, bottom, right = 640, 360, 56, 24, 48, 110
    most = max(10, -(-max(max(v) for _, _, points in series for v in points) // 10) * 10)
    x = lambda i: left + (width - left - right) * i / max(1, len(labels) - 1)
    y = lambda v: height - bottom - (height - top - bottom) * v / most
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>']
    for v in range(0, int(most) + 1, 10):
        out.append(f'<line x1="{left}" x2="{width - right}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="#ddd"/>'
                   f'<text x="{left - 8}" y="{y(v) + 4:.1f}" text-anchor="end">{v}</text>')
    for i, label in enumerate(labels):
        out.append(f'<text x="{x(i):.1f}" y="{height - bottom + 20}" text-anchor="middle">{label}</text>')
    out.append(f'<text x="{(left + width - right) / 2:.0f}" y="{height - 8}" text-anchor="middle">{below}</text>'
               f'<text x="{left}" y="{top - 8}">{title}</text>')
    ends = []
    for name, colour, values in series:
        means = [statistics.mean(v) for v in values]
        points = " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in enumerate(means))
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>')
        for i, v in enumerate(values):
            out.append(f'<line x1="{x(i):.1f}" x2="{x(i):.1f}" y1="{y(min(v)):.1f}" y2="{y(max(v)):.1f}" stroke="{colour}"/>'
                       f'<circle cx="{x(i):.1f}" cy="{y(means[i]):.1f}" r="3" fill="{colour}"/>')
        ends.append([y(means[-1]) + 4, name, colour])
    ends.sort()
    for before, after in zip(ends, ends[1:]):
        after[0] = max(after[0], before[0] + 14)
    out += [f'<text x="{width - right + 8}" y="{at:.1f}" fill="{colour}">{name}</text>' for at, name, colour in ends]
    return "\n".join(out) + "\n</svg>\n"


def main():
    ap = trials.parser(__doc__)
    ap.add_argument("--sizes", type=int, nargs="+", default=[16, 64, 256, 1024])
    ap.add_argument("--steps", type=int, nargs="+", default=[50, 100, 200, 400], help="steps of each size")
    ap.add_argument("--output")
    a = ap.parse_args()
    if len(a.steps) != len(a.sizes):
        ap.error("--steps needs one number for each of --sizes")
    t = trials.Trials(a)
    pairs, held = t.clips("pairs", 1001, max(a.sizes)), t.clips("held", 1002, a.held)
    found = {size: {head: [] for head in HEADS} for size in a.sizes}
    for seed in a.seeds:
        for size, steps in zip(a.sizes, a.steps):
            for head in HEADS:
                model = t.train(f"{head}-{size}-{seed}", a.towers, pairs, size, head, steps, seed, fresh=True)
                found[size][head].append(t.recall(model, held, head))
                print(f"{head}, {size} clips, seed {seed}: R@1 {found[size][head][-1]:.1f}", flush=True)
    rows = trials.table("clips", list(HEADS), found.items())
    print(rows)
    if a.output:
        with open(os.path.join(a.output, "learning-curve.svg"), "w") as f:
            f.write(plot(
                a.sizes, [(head, colour, [found[size][head] for size in a.sizes]) for head, colour in HEADS.items()],
                f"R@1 on held-out clips, %: mean of {len(a.seeds)} seeds, least to most", "clips trained on"))


if __name__ == "__main__":
    main()
