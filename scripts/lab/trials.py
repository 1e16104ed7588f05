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
            print(f"{count} clips of seed {seed}", file=sys.stderr, flush=True)
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
