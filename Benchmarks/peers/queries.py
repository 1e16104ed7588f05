"""Times the search for queries that windows reach: FAISS, numpy and Watchword in turns, and prints ratios.

All look in as many random embeddings of length 1 for those whose dot product with a window is at least the same threshold,
with the same number of threads. A round times each of them once, one after the other, in a process of its own, so that
whatever else the machine does meets all alike. The median over the rounds is compared; its spread is the fastest and the
slowest round. Watchword compares what it finds with float64, pair for pair, in every round.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from sections import replace_section

PEERS = ["faiss", "numpy"]
CHUNK = 50_000
# Queries, windows, and how many times as fast as FAISS it must be.
BOUNDS = [(1_000_000, 1, 2.5), (1_000_000, 64, 10)]
# Milliseconds a window of 10,000 queries, and GB of 1,000,000.
MILLISECONDS, GIGABYTES = 0.3, 3.2


def resident():
    """This process's resident memory in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def embeddings(rng, count, width):
    import numpy as np
    rows = rng.standard_normal((count, width), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def searcher(peer, options):
    """A function that finds the pairs of some windows and all queries."""
    import numpy as np
    rng, (count,) = np.random.default_rng(7), options.queries
    parts = (embeddings(rng, min(CHUNK, count - i), options.width) for i in range(0, count, CHUNK))
    if peer == "faiss":
        import faiss
        faiss.omp_set_num_threads(options.threads)
        index = faiss.IndexFlatIP(options.width)
        for part in parts:
            index.add(part)
        return lambda windows: index.range_search(windows, options.threshold)
    rows = np.empty((count, options.width), dtype=np.float32)
    for i, part in enumerate(parts):
        rows[i * CHUNK:i * CHUNK + len(part)] = part
    return lambda windows: np.nonzero(rows @ windows.T >= options.threshold)


def measure_peer(peer, options):
    """One process's results: milliseconds of the median call, and MB of the queries."""
    import numpy as np
    windows = embeddings(np.random.default_rng(8), max(options.windows), options.width)
    before = resident()
    search = searcher(peer, options)
    memory, results = resident() - before, []
    for count in options.windows:
        some = windows[:count]
        search(some)
        times, began = [], time.perf_counter()
        while len(times) < 3 or time.perf_counter() - began < options.seconds:
            start = time.perf_counter()
            search(some)
            times.append(time.perf_counter() - start)
            if time.perf_counter() - began > 5 * options.seconds:
                break
        results.append({"windows": count, "ms": statistics.median(times) * 1e3, "rss_mb": memory})
    return {"results": results}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--watchword", type=Path, default=Path(".build/release/watchword"))
    parser.add_argument("--queries", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--windows", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--threshold", type=float, default=0.22)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1, help="of each system and number of windows in each round")
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS)
    parser.add_argument("--results", type=Path, help="a Markdown file whose section is replaced")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return print(json.dumps(measure_peer(options.one, options)))

    threads = {f"{name}_NUM_THREADS": str(options.threads) for name in ("OMP", "OPENBLAS", "MKL")}
    environment = {**os.environ, **threads}
    found = {}
    for round_ in range(options.rounds):
        for count in options.queries:
            same = ["--queries", str(count), "--width", str(options.width), "--threshold", str(options.threshold)]
            same += ["--threads", str(options.threads), "--windows", *map(str, options.windows)]
            ours = [str(options.watchword), "bench", "queries", "--json", *same, "--rounds"]
            ours += [str(max(1, round(options.seconds / 0.2)))]
            commands = {"watchword": ours}
            for peer in options.peers:
                commands[peer] = [sys.executable, __file__, "--one", peer, "--seconds", str(options.seconds), *same]
            for name, command in commands.items():
                print(f"round {round_ + 1} of {options.rounds}, {count} queries, {name}", file=sys.stderr)
                output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
                for result in json.loads(output)["results"]:
                    found.setdefault((count, result["windows"], name), []).append(result)
    report(options, found)


def report(options, found):
    def times(key):
        return [result["ms"] for result in found[key]]

    lines = [
        f"`make bench-peers`: width {options.width}, threshold {options.threshold}, {options.threads} threads, "
        f"{options.rounds} rounds; milliseconds a call, and MB that the queries take. What Watchword found was what float64 "
        "finds, pair for pair.", "",
        "| queries | windows | system | median | fastest | slowest | MB |", "|---|---|---|---|---|---|---|"]
    for key in sorted(found, key=lambda key: (key[0], key[1], key[2])):
        ms, memory = times(key), statistics.median(result["rss_mb"] for result in found[key])
        lines.append(
            f"| {key[0]:,} | {key[1]} | {key[2]} | {statistics.median(ms):.3f} | {min(ms):.3f} | {max(ms):.3f} | "
            f"{memory:.0f} |")
    lines += ["", "| Watchword over | queries | windows | found | of each round | wanted |", "|---|---|---|---|---|---|"]
    for peer in options.peers:
        for count in options.queries:
            for windows in options.windows:
                ours, theirs = times((count, windows, "watchword")), times((count, windows, peer))
                each = sorted(b / a for a, b in zip(ours, theirs))
                bound = [b for q, w, b in BOUNDS if (q, w) == (count, windows) and peer == "faiss"]
                lines.append(
                    f"| {peer} | {count:,} | {windows} | {statistics.median(theirs) / statistics.median(ours):.1f} | "
                    f"{each[0]:.1f} to {each[-1]:.1f} | " + (f"at least {bound[0]}" if bound else "") + " |")
    lines.append("")
    for count, windows, name in sorted(found):
        if name == "watchword" and count == 10_000:
            each = statistics.median(times((count, windows, name))) / windows
            lines.append(f"10,000 queries, {windows} windows at once: {each:.3f} ms a window, wanted below {MILLISECONDS}.")
    for result in found.get((1_000_000, options.windows[0], "watchword"), [])[:1]:
        lines.append(f"1,000,000 queries: {result['rss_mb'] * 2**20 / 1e9:.2f} GB, wanted below {GIGABYTES}; "
                     f"adding one takes {result['add_us']:.1f} µs, removing one {result['remove_us']:.1f} µs.")
    text = "\n".join(lines) + "\n"
    print(text)
    if options.results:
        replace_section(options.results, "Standing queries, beside their peers", text)


if __name__ == "__main__":
    main()
