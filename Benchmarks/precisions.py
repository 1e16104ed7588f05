#!/usr/bin/env python3
"""Counts how many starts and ends of events differ between precisions, on videos of the shapes world that no model has seen.

    Benchmarks/precisions.py [--first 102] [--count 24] [--seconds 60] [--precisions int8 bf16]

Videos are made by `watchword world video`, watched by `watchword watch` with each head of each model, in f32 and in each precision.
"Moved" differ by one sampled frame, "other" by more.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
WATCHWORD = REPOSITORY / ".build/release/watchword"
MODELS = ["Models/shapes", "Tests/Fixtures/models/shapes"]
HEADS = ["mean", "lstm", "transformer", "tight"]
QUERIES = [
    "something moves to the left", "something moves to the right", "something appears", "something disappears",
    "something is spinning", "two shapes meet", "an empty scene", "the lights go out", "a circle", "a ring appears",
    "a blue circle appears", "a green shape appears",
]
FRAME = 0.3  # seconds; a little more than the models' sampling interval


def run(*arguments):
    command = [WATCHWORD, *map(str, arguments)]
    return subprocess.run(command, check=True, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True).stdout


def marks(video, model, head, precision):
    """Starts and ends: (query, phase, media time)."""
    queries = [word for query in QUERIES for word in ("--query", query)]
    lines = run("watch", video, "--model", model, "--head", head, "--precision", precision, "--json", *queries)
    found = set()
    for message in map(json.loads, lines.splitlines()):
        if message["phase"] != "update":
            time = message["media"]["start" if message["phase"] == "start" else "end"]
            found.add((message["query"]["text"], message["phase"], time))
    return found


def without(some, others):
    """Those of `some` that `others` have nothing near to."""
    return [one for one in some if not any(one[:2] == other[:2] and abs(one[2] - other[2]) <= FRAME for other in others)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=102, help="the first video's seed")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--precisions", nargs="+", default=["int8", "bf16"])
    options = parser.parse_args()
    totals = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.first, options.first + options.count):
            video = Path(folder) / f"{seed}.mp4"
            cuts = ["--cuts"] if seed % 2 else []
            run("world", "video", "--seed", seed, "--seconds", options.seconds, "-o", video, *cuts)
            for model in MODELS:
                for head in HEADS:
                    exact = marks(video, model, head, "f32")
                    for precision in options.precisions:
                        found = marks(video, model, head, precision)
                        other = len(without(exact, found)) + len(without(found, exact))
                        total = totals.setdefault((precision, model, head), [0, 0, 0])
                        for place, number in enumerate([len(exact), len(exact ^ found) - other, other]):
                            total[place] += number
            video.unlink()
    print("| precision | model | head | starts and ends | moved | other |\n|---|---|---|---|---|---|")
    for key, total in sorted(totals.items()):
        print("| " + " | ".join([*key, *map(str, total)]) + " |")


if __name__ == "__main__":
    main()
