"""Trainings on clips of the shapes world and what they find in other clips; for learning-curve.py and post-pretraining.py.

What a work directory has already is not made again, so that an interrupted run goes on.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def parser(description):
    ap = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--work", required=True, help="where clips, embeddings and trained models are kept")
    ap.add_argument("--towers", required=True, help="a model of `watchword train towers`, which saw pictures only")
    ap.add_argument("--watchword", default=".build/release/watchword")
    ap.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    ap.add_argument("--held", type=int, default=300, help="held-out clips")
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--rate", type=float, default=1e-3)
    ap.add_argument("--tower", type=float, default=0.1, help="the text tower's share of the rate")
    ap.add_argument("--threads", type=int, default=1, help="more are slower on a loaded machine")
    return ap


class Trials:
    def __init__(self, options):
        self.options = options
        self.cache = os.path.join(options.work, "cache")
        os.makedirs(options.work, exist_ok=True)

    def clips(self, name, seed, count):
        """Clips with full captions, no two the same; their manifest. More that are there already are left."""
        folder = os.path.join(self.options.work, name)
        manifest = os.path.join(folder, "manifest.jsonl")
        there = sum(1 for _ in open(manifest)) if os.path.exists(manifest) else 0
        if there < count:
            print(f"{count} clips of seed {seed}", flush=True)
            run(self.options.watchword, "world", "clips", "--seed", seed, "--count", count, "--full", "--size", "128x96",
                "--output", folder)
        return self.part(manifest, count)

    def part(self, manifest, count):
        """The first clips of a manifest."""
        path = os.path.join(os.path.dirname(manifest), f"first-{count}.jsonl")
        with open(manifest) as f:
            first = f.readlines()[:count]
        with open(path, "w") as out:
            out.writelines(first)
        return path

    def train(self, name, model, manifest, size, head, steps, seed, fresh):
        """A head and the text tower, trained on the first clips of a manifest; the image tower stays as it is."""
        o, output = self.options, os.path.join(self.options.work, name)
        if not os.path.exists(output):
            run(o.watchword, "train", "--model", model, "--manifest", self.part(manifest, size), "--cache", self.cache,
                "--head", head, "--layers", 2, "--learn", "text", "--frozen-layers", -1, "--batch", min(o.batch, size),
                "--epochs", max(1, round(steps * min(o.batch, size) / size)), "--learning-rate", o.rate,
                "--tower-factor", o.tower, "--seed", seed, "--threads", o.threads, "--force", "--output", output,
                *(["--fresh"] if fresh else []))
        return output

    def recall(self, model, manifest, head):
        """Text-to-video R@1, in percent."""
        of = os.path.basename(os.path.dirname(manifest))
        result = os.path.join(self.options.work, f"{os.path.basename(model)}.{of}.{head}.json")
        if not os.path.exists(result):
            found = json.loads(run(self.options.watchword, "eval", "--model", model, "--manifest", manifest, "--cache",
                                   self.cache, "--head", head, "--json"))
            with open(result, "w") as f:
                json.dump(found["results"][0]["text_to_video"]["metrics"], f)
        with open(result) as f:
            return json.load(f)["R1"]


def cell(values):
    return f"{statistics.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def table(first, names, rows):
    """Markdown: a row for each of `rows`, which are (label, {name: values})."""
    lines = [f"| {first} | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    lines += [f"| {label} | " + " | ".join(cell(found[name]) for name in names) + " |" for label, found in rows]
    return "\n".join(lines) + "\n"


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
