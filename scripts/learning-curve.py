#!/usr/bin/env python3
"""Held-out recall by how many clips a head was trained on, as a table and a plot.

Trains every head on each number of clips of the shapes world from each seed (the text tower learns with it, the image tower
is frozen, the head begins anew), from towers that never saw anything move, and measures R@1 on other clips.

  scripts/learning-curve.py --work .build/curve --towers towers [--sizes 16 64 256 1024] [--output docs]
"""
import os

import trials

HEADS = {"mean": "#555555", "lstm": "#1f5fbf", "transformer": "#1f8f4f", "tight": "#bf5f1f"}


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
            f.write(trials.plot(
                a.sizes, [(head, colour, [found[size][head] for size in a.sizes]) for head, colour in HEADS.items()],
                f"R@1 on held-out clips, %: mean of {len(a.seeds)} seeds, least to most", "clips trained on"))


if __name__ == "__main__":
    main()
