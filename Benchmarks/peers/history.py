"""Times moment search: FAISS (flat, SQ8), sqlite-vec, LanceDB and Watchword in turns, and prints ratios.

Watchword writes a synthetic history and searches it for windows' scores. The peers search the same windows' embeddings, which
are written to a file: of length 1, float32, one a window, for the same texts. All return the ten best for one text and for many.
A round times each of them once, one after the other, in a process of its own; the median over the rounds is compared. In every
round each system's best window of each text is compared with that of Watchword's exact search, which must be the best by a plain
product of all rows in float64 too: else the run fails.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sections import replace_section

PEERS = ["faiss-flat", "faiss-sq8", "sqlite-vec", "lancedb"]
# How many times as fast as a peer a search for one text must be.
BOUNDS = {"sqlite-vec": 5, "faiss-flat": 2.5}
CHUNK = 50_000


def best_rows(rows, asked):
    """The best row of each text and its score, in float64."""
    import numpy as np
    best = [(-2.0, -1)] * len(asked)
    wide = asked.astype(np.float64)
    for start in range(0, len(rows), CHUNK):
        scores = rows[start:start + CHUNK].astype(np.float64) @ wide.T
        for text, place in enumerate(scores.argmax(axis=0)):
            best[text] = max(best[text], (float(scores[place, text]), start + int(place)))
    return best


def faiss_searcher(kind, rows, width, threads):
    import faiss
    faiss.omp_set_num_threads(threads)
    if kind == "faiss-flat":
        index = faiss.IndexFlatIP(width)
    else:
        index = faiss.IndexScalarQuantizer(width, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
        index.train(rows[:CHUNK])
    for start in range(0, len(rows), CHUNK):
        index.add(rows[start:start + CHUNK])
    return lambda asked: [int(best) for best in index.search(asked, 10)[1][:, 0]]


def sqlite_searcher(rows, width, folder):
    # Not every Python's own SQLite may load extensions.
    import apsw
    import sqlite_vec
    database = apsw.Connection(str(Path(folder) / "vectors.db"))
    database.enable_load_extension(True)
    database.load_extension(sqlite_vec.loadable_path())
    database.execute("pragma journal_mode = off")
    # The metric that a vec0 table has and that orders unit vectors as the dot product does.
    database.execute(f"create virtual table v using vec0(e float[{width}] distance_metric=cosine)")
    database.execute("begin")
    for start in range(0, len(rows), CHUNK):
        part = rows[start:start + CHUNK]
        database.executemany("insert into v(rowid, e) values (?, ?)",
                             ((start + i + 1, row.tobytes()) for i, row in enumerate(part)))
    database.execute("commit")
    find = "select rowid from v where e match ? and k = 10 order by distance"
    return lambda asked: [database.execute(find, (text.tobytes(),)).fetchall()[0][0] - 1 for text in asked]


def lance_searcher(rows, width, folder):
    import lancedb
    import pyarrow as pa
    schema = pa.schema([pa.field("vector", pa.list_(pa.float32(), width)), pa.field("row", pa.int64())])

    def batches():
        for start in range(0, len(rows), CHUNK):
            part = rows[start:start + CHUNK]
            values = pa.FixedSizeListArray.from_arrays(pa.array(part.ravel()), width)
            yield pa.record_batch([values, pa.array(range(start, start + len(part)))], schema=schema)

    table = lancedb.connect(folder).create_table("v", batches(), schema=schema)

    def search(asked):
        return [table.search(text).distance_type("dot").limit(10).to_list()[0]["row"] for text in asked]

    return search


def measure_peer(peer, options):
    """One process's results: milliseconds of a call by number of texts, and the best row of each text."""
    import numpy as np
    rows = np.memmap(options.rows, dtype=np.float32, mode="r").reshape(-1, options.width)
    texts = np.fromfile(f"{options.rows}.texts", dtype=np.float32).reshape(-1, options.width)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        if peer.startswith("faiss"):
            search = faiss_searcher(peer, rows, options.width, options.threads)
        else:
            search = (sqlite_searcher if peer == "sqlite-vec" else lance_searcher)(rows, options.width, folder)
        results = []
        for count in options.texts:
            asked = texts[:count]
            best = search(asked)
            times = []
            while len(times) < 3 or (sum(times) < options.seconds and len(times) < 50):
                start = time.perf_counter()
                search(asked)
                times.append(time.perf_counter() - start)
            results.append({"texts": count, "ms": statistics.median(times) * 1e3, "best": best})
    return {"results": results}


def check(rows, width, results):
    """Ends the run where the exact search's best windows are not the best by a plain product."""
    import numpy as np
    texts = np.fromfile(f"{rows}.texts", dtype=np.float32).reshape(-1, width)
    embeddings = np.memmap(rows, dtype=np.float32, mode="r").reshape(-1, width)
    exact = best_rows(embeddings, texts)
    for result in results:
        if result["quick"]:
            continue
        for text, found in enumerate(result["best"]):
            score = float(embeddings[found].astype(np.float64) @ texts[text].astype(np.float64)) if found >= 0 else -2
            # Two windows whose scores are the same to float32 may change places.
            if exact[text][0] - score > 1e-6:
                sys.exit(f"text {text}: Watchword's best window is row {found} with {score}, the best is {exact[text]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--watchword", type=Path, default=Path(".build/release/watchword"))
    parser.add_argument("--cameras", type=int, default=40)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--texts", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2, help="of each system and number of texts in each round")
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS)
    parser.add_argument("--folder", type=Path, help="where the rows are written; a temporary one, if left out")
    parser.add_argument("--results", type=Path, help="a Markdown file whose section is replaced")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return print(json.dumps(measure_peer(options.one, options)))

    threads = {f"{name}_NUM_THREADS": str(options.threads) for name in ("OMP", "OPENBLAS", "MKL", "RAYON", "LANCE_CPU")}
    environment = {**os.environ, **threads}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        history, rows = Path(folder) / "history", Path(folder) / "rows.f32"
        numbers = list(map(str, options.texts))
        ours = [str(options.watchword), "bench", "history", "--json", "--cameras", str(options.cameras), "--hours",
                str(options.hours), "--width", str(options.width), "--threads", str(options.threads), "--texts",
                *numbers, "--directory", str(history)]
        subprocess.run([*ours, "--rounds", "1", "--export", str(rows)], check=True, env=environment,
                       stdout=subprocess.DEVNULL)
        found = {}
        for _ in range(options.rounds):
            commands = {"watchword": [*ours, "--rounds", "9"]}
            for peer in options.peers:
                commands[peer] = [sys.executable, __file__, "--one", peer, "--rows", str(rows), "--folder", folder,
                                  "--width", str(options.width), "--threads", str(options.threads), "--seconds",
                                  str(options.seconds), "--texts", *numbers]
            for system, command in commands.items():
                done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
                results = json.loads(done.stdout)["results"]
                if system == "watchword":
                    check(rows, options.width, results)
                    ours_best = {result["texts"]: result["best"] for result in results if not result["quick"]}
                for result in results:
                    name = system
                    if name == "watchword":
                        name = "watchword quick" if result["quick"] else name
                        result["ms"] = result["p50_ms"]
                    same = sum(a == b for a, b in zip(result["best"], ours_best[result["texts"]]))
                    result["same"] = same / result["texts"]
                    found.setdefault((result["texts"], name), []).append(result)
        count = rows.stat().st_size // 4 // options.width
    report(options, found, count)


def report(options, found, count):
    lines = [f"{count:,} windows of {options.cameras} cameras, width {options.width}, {options.threads} threads, the ten best "
             f"of each text; medians of {options.rounds} rounds, in milliseconds.", "",
             "| texts | system | ms | fastest–slowest | of Watchword's time | wanted | same best window |",
             "|---|---|---|---|---|---|---|"]
    for many in options.texts:
        own = statistics.median(result["ms"] for result in found[many, "watchword"])
        for name in [name for name in ["watchword", "watchword quick", *options.peers] if (many, name) in found]:
            times = sorted(result["ms"] for result in found[many, name])
            middle, same = statistics.median(times), min(result["same"] for result in found[many, name])
            bound = BOUNDS.get(name) if many == 1 else None
            lines.append(f"| {many} | {name} | {middle:.1f} | {times[0]:.1f}–{times[-1]:.1f} | {middle / own:.2f} | "
                         + (f"at least {bound}" if bound else "") + f" | {same:.0%} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if options.results:
        replace_section(options.results, "Searching a history, beside its peers", text)


if __name__ == "__main__":
    main()
