"""Times the ViT-B/32 image tower of PyTorch, ONNX Runtime, OpenVINO and Watchword in turns, and prints ratios.

Every system computes the same shapes with the same number of threads. A round times each of them once, one after the
other, in a process of its own: so none meets another's sleeping or spinning threads, and whatever else the machine does
meets all alike. The median over the rounds is compared; its spread is the fastest and the slowest round.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from sections import replace_section

PEERS = ["torch-f32", "torch-bf16", "ort-f32", "ort-int8", "openvino-f32", "openvino-bf16", "openvino-int8"]
OURS = ["f32", "bf16", "int8"]
# What must be how many times as fast as what, at the largest batch.
BOUNDS = [
    ("watchword-int8", "openvino-int8", 1.15), ("watchword-int8", "ort-int8", 1.6),
    ("watchword-bf16", "openvino-bf16", 1.15), ("watchword-f32", "ort-f32", 1.15),
]


def prepare(cache, batch):
    """Writes what the peers load: the ONNX graph, its dynamic int8, and OpenVINO's static int8."""
    import numpy as np
    import onnx
    from tower import SIDE, onnx_tower

    plain, dynamic, static = (cache / f"tower-{batch}{suffix}" for suffix in (".onnx", "-int8.onnx", "-int8.xml"))
    if not plain.exists():
        onnx.save(onnx_tower(batch), plain)
    if not dynamic.exists():
        from onnxruntime.quantization import QuantType, quantize_dynamic
        quantize_dynamic(plain, dynamic, weight_type=QuantType.QInt8, per_channel=True)
    if not static.exists():
        import nncf
        import openvino
        rng = np.random.default_rng(3)
        pictures = [rng.standard_normal((batch, 3, SIDE, SIDE), dtype=np.float32) for _ in range(8)]
        quantised = nncf.quantize(
            openvino.Core().read_model(plain), nncf.Dataset(pictures), subset_size=len(pictures),
            model_type=nncf.ModelType.TRANSFORMER)
        openvino.save_model(quantised, static)


def runner(peer, cache, batch, threads):
    """A function that embeds one batch."""
    import numpy as np
    from tower import SIDE, torch_tower

    pixels = np.random.default_rng(1).standard_normal((batch, 3, SIDE, SIDE), dtype=np.float32)
    system, precision = peer.split("-")
    if system == "torch":
        import torch
        torch.set_num_threads(threads)
        model, x = torch_tower(), torch.from_numpy(pixels)
        if precision == "bf16":
            model, x = model.to(torch.bfloat16), x.to(torch.bfloat16)

        def run():
            with torch.inference_mode():
                model(x)
        return run
    if system == "ort":
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        suffix = "-int8" if precision == "int8" else ""
        session = onnxruntime.InferenceSession(
            str(cache / f"tower-{batch}{suffix}.onnx"), options, providers=["CPUExecutionProvider"])
        return lambda: session.run(None, {"pixels": pixels})
    import openvino
    path = cache / (f"tower-{batch}-int8.xml" if precision == "int8" else f"tower-{batch}.onnx")
    # What int8 leaves in floating point may be bfloat16: OpenVINO's own default.
    hint = {"f32": {"INFERENCE_PRECISION_HINT": "f32"}, "bf16": {"INFERENCE_PRECISION_HINT": "bf16"}, "int8": {}}
    compiled = openvino.Core().compile_model(
        str(path), "CPU",
        {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", **hint[precision]})
    request = compiled.create_infer_request()
    return lambda: request.infer({0: pixels})


def measure_peer(peer, cache, batch, threads, seconds):
    """Milliseconds a picture, the median batch of one run."""
    run = runner(peer, cache, batch, threads)
    for _ in range(3):
        run()
    times, began = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times) / batch * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--watchword", type=Path, default=Path(".build/release/watchword"))
    parser.add_argument("--cache", type=Path, default=Path(".build/peers"))
    parser.add_argument("--batch", type=int, nargs="+", default=[8, 1])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each system in each round")
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS)
    parser.add_argument("--results", type=Path, help="a Markdown file whose section is replaced")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    if options.one:
        return print(measure_peer(options.one, options.cache, options.batch[0], options.threads, options.seconds))

    for batch in options.batch:
        print(f"preparing the graphs of batch {batch}", file=sys.stderr)
        prepare(options.cache, batch)
    times, shares, products = {}, {}, {}
    for round_ in range(options.rounds):
        for batch in options.batch:
            print(f"round {round_ + 1} of {options.rounds}, batch {batch}", file=sys.stderr)
            for peer in options.peers:
                command = [sys.executable, __file__, "--one", peer, "--batch", str(batch)]
                command += ["--threads", str(options.threads), "--seconds", str(options.seconds)]
                command += ["--cache", str(options.cache)]
                times.setdefault((peer, batch), []).append(
                    float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]))
            for precision in OURS:
                command = [str(options.watchword), "bench", "encoder", "--json", "--precision", precision]
                command += ["--batch", str(batch), "--threads", str(options.threads)]
                command += ["--rounds", str(max(1, round(options.seconds / 0.25)))]
                found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                result = found["results"][0]
                times.setdefault((f"watchword-{precision}", batch), []).append(result["ms_per_image"])
                shares.setdefault((f"watchword-{precision}", batch), []).append(result["matmul_share"])
                products.setdefault((precision, batch), []).append(
                    (result["ms_per_image"] * result["matmul_share"], result["plain_products_ms"]))
    report(options, times, shares, products)


def report(options, times, shares, products):
    lines = [
        f"`make bench-peers`: ViT-B/32 image tower, random weights, {options.threads} threads, "
        f"{options.rounds} rounds; milliseconds a picture.", "",
        "| system | batch | median | fastest | slowest | of it in products |", "|---|---|---|---|---|---|"]
    for (name, batch), found in sorted(times.items(), key=lambda item: (-item[0][1], item[0][0])):
        share = shares.get((name, batch))
        lines.append(
            f"| {name} | {batch} | {statistics.median(found):.2f} | {min(found):.2f} | {max(found):.2f} | "
            + (f"{statistics.median(share) * 100:.0f} %" if share else "") + " |")
    lines += ["", "| ratio of medians | found | of each round | wanted |", "|---|---|---|---|"]
    large, small = max(options.batch), min(options.batch)
    for ours, peer, bound in BOUNDS:
        if (peer, large) not in times:
            continue
        ratio = statistics.median(times[peer, large]) / statistics.median(times[ours, large])
        each = sorted(b / a for a, b in zip(times[ours, large], times[peer, large]))
        lines.append(
            f"| {ours} over {peer}, batch {large} | {ratio:.2f} | {each[0]:.2f} to {each[-1]:.2f} | "
            f"at least {bound} |")
    if large != small:
        for precision in OURS:
            name = f"watchword-{precision}"
            ratio = statistics.median(times[name, small]) / statistics.median(times[name, large])
            lines.append(f"| {name}, batch {small} over batch {large} | {ratio:.2f} | | at most 1.25 |")
    lines += ["", "| products alone | batch | Watchword's, with biases and curves | oneDNN's plain | ratio |",
              "|---|---|---|---|---|"]
    for (precision, batch), found in products.items():
        ours, plain = (statistics.median(side) for side in zip(*found))
        lines.append(f"| {precision} | {batch} | {ours:.2f} | {plain:.2f} | {plain / ours:.2f} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if options.results:
        replace_section(options.results, "Encoder, beside its peers", text)


if __name__ == "__main__":
    main()
