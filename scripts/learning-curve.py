#!/usr/bin/env python3
"""Held-out recall by how many clips a head was trained on: the table and the plot of docs/LEARNING.md.

Makes clips of the shapes world, trains every head on each number of them from each seed (the text tower learns with it,
the image tower is frozen, the head begins anew), and measures R@1 on other clips. What is there already is not made
again, so that an interrupted run goes on.

  scripts/learning-curve.py --work DIR [--model Models/shapes] [--sizes 64 256 1024 4096] [--seeds 1 2 3] [--output docs]
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

HEADS = ["mean", "lstm", "transformer", "tight"]
COLOURS = {"mean": "#555555", "lstm": "#1f5fbf", "transformer": "#1f8f4f", "tight": "#bf5f1f"}


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def clips(a, name, seed, count):
    folder = os.path.join(a.work, name)
    manifest = os.path.join(folder, "manifest.jsonl")
    whole = os.path.exists(manifest) and sum(1 for _ in open(manifest)) == count
    if not whole:
        print(f"{count} clips of seed {seed}", flush=True)
        run(a.watchword, "world", "clips", "--seed", seed, "--count", count, "--full", "--size", "128x96", "--output", folder)
    return manifest


def part(a, manifest, count):
    """The first clips of a manifest."""
    path = manifest.replace("manifest", f"first-{count}")
    with open(manifest) as f, open(path, "w") as out:
        out.writelines(line for line, _ in zip(f, range(count)))
    return path


def measure(a, head, size, seed, pairs, held):
    model = os.path.join(a.work, f"{head}-{size}-{seed}")
    result = model + ".json"
    if not os.path.exists(result):
        epochs = max(1, round(a.steps[a.sizes.index(size)] * a.batch / size))
        run(a.watchword, "train", "--model", a.model, "--manifest", part(a, pairs, size), "--cache", os.path.join(a.work, "cache"),
            "--head", head, "--fresh", "--layers", 2, "--learn", "text", "--frozen-layers", -1, "--batch", a.batch, "--epochs", epochs,
            "--learning-rate", a.rate, "--tower-factor", a.tower, "--seed", seed, "--threads", a.threads, "--force", "--output", model)
        found = json.loads(run(a.watchword, "eval", "--model", model, "--manifest", held, "--cache", os.path.join(a.work, "cache"),
                               "--head", head, "--json"))
        with open(result, "w") as f:
            json.dump(found["results"][0]["text_to_video"]["metrics"], f)
    with open(result) as f:
        recall = json.load(f)["R1"]
    print(f"{head}, {size} clips, seed {seed}: R@1 {recall:.1f}", flush=True)
    return recall


def table(a, found):
    lines = ["| clips | " + " | ".join(HEADS) + " |", "| --- |" + " --- |" * len(HEADS)]
    for size in a.sizes:
        cells = []
        for head in HEADS:
            values = found[head][size]
            cells.append(f"{statistics.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})")
        lines.append(f"| {size} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def plot(a, found):
    width, height, left, top, bottom, right = 640, 360, 56, 24, 48, 110
    most = max(max(v) for sizes in found.values() for v in sizes.values())
    most = max(10, -(-most // 10) * 10)
    x = lambda i: left + (width - left - right) * i / max(1, len(a.sizes) - 1)
    y = lambda v: height - bottom - (height - top - bottom) * v / most
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>']
    for v in range(0, int(most) + 1, 10):
        out.append(f'<line x1="{left}" x2="{width - right}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="#ddd"/>'
                   f'<text x="{left - 8}" y="{y(v) + 4:.1f}" text-anchor="end">{v}</text>')
    for i, size in enumerate(a.sizes):
        out.append(f'<text x="{x(i):.1f}" y="{height - bottom + 20}" text-anchor="middle">{size}</text>')
    out.append(f'<text x="{(left + width - right) / 2:.0f}" y="{height - 8}" text-anchor="middle">clips trained on</text>'
               f'<text x="{left}" y="{top - 8}">R@1 on held-out clips, %: mean of {len(a.seeds)} seeds, least to most</text>')
    ends = []
    for head in HEADS:
        means = [statistics.mean(found[head][s]) for s in a.sizes]
        points = " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in enumerate(means))
        out.append(f'<polyline fill="none" stroke="{COLOURS[head]}" stroke-width="2" points="{points}"/>')
        for i, s in enumerate(a.sizes):
            low, high = min(found[head][s]), max(found[head][s])
            out.append(f'<line x1="{x(i):.1f}" x2="{x(i):.1f}" y1="{y(low):.1f}" y2="{y(high):.1f}" stroke="{COLOURS[head]}"/>'
                       f'<circle cx="{x(i):.1f}" cy="{y(means[i]):.1f}" r="3" fill="{COLOURS[head]}"/>')
        ends.append([y(means[-1]) + 4, head])
    ends.sort()
    for i in range(1, len(ends)):
        ends[i][0] = max(ends[i][0], ends[i - 1][0] + 14)
    for at, head in ends:
        out.append(f'<text x="{width - right + 8}" y="{at:.1f}" fill="{COLOURS[head]}">{head}</text>')
    return "\n".join(out) + "\n</svg>\n"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--work", required=True)
    ap.add_argument("--model", default="Models/shapes")
    ap.add_argument("--watchword", default=".build/release/watchword")
    ap.add_argument("--sizes", type=int, nargs="+", default=[64, 256, 1024, 4096])
    ap.add_argument("--steps", type=int, nargs="+", default=[100, 200, 400, 800], help="steps of each size")
    ap.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    ap.add_argument("--held", type=int, default=300)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--rate", type=float, default=1e-3)
    ap.add_argument("--tower", type=float, default=0.1)
    ap.add_argument("--threads", type=int, default=1, help="more are slower on a loaded machine")
    ap.add_argument("--output")
    a = ap.parse_args()
    if len(a.steps) != len(a.sizes):
        ap.error("--steps needs one number for each of --sizes")
    os.makedirs(a.work, exist_ok=True)
    pairs, held = clips(a, "pairs", 1001, max(a.sizes)), clips(a, "held", 1002, a.held)
    found = {head: {size: [] for size in a.sizes} for head in HEADS}
    for size in a.sizes:
        for head in HEADS:
            for seed in a.seeds:
                found[head][size].append(measure(a, head, size, seed, pairs, held))
    print(table(a, found))
    if a.output:
        with open(os.path.join(a.output, "learning-curve.svg"), "w") as f:
            f.write(plot(a, found))
        with open(os.path.join(a.output, "learning-curve.md"), "w") as f:
            f.write(table(a, found))


if __name__ == "__main__":
    main()
