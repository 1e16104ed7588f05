"""Watches the benchmark's cameras with what one would write in Python, then with Watchword, and prints the ratio.

PyAV decodes every frame, libswscale resizes one a second, ONNX Runtime embeds it in int8 (ViT-B/32, random weights), numpy
scores the mean of its window against a thousand queries. CPU seconds a camera-second are compared: what a machine carries is
its cores over that. Both play the same clip from the same kind of server, in turns, each as many cameras as it surely carries.
With --largest, the largest number that each really carries is looked for as well, by the same rule: 97 of 100 frames that are
due are scored, and 99 of 100 of those within a second.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

from sections import replace_section

ROOT = Path(__file__).resolve().parents[2]
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
STAGES = ["decode", "scale", "encode", "score"]


def model(cache):
    """The int8 tower of `encoder.py`, made once."""
    plain, dynamic = cache / "tower-1.onnx", cache / "tower-1-int8.onnx"
    if not dynamic.exists():
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic
        from tower import onnx_tower
        cache.mkdir(parents=True, exist_ok=True)
        onnx.save(onnx_tower(1), plain)
        quantize_dynamic(plain, dynamic, weight_type=QuantType.QInt8, per_channel=True)
    return dynamic


class Camera(threading.Thread):
    """One stream, on a thread of its own, with its processor seconds by stage."""

    def __init__(self, uri, session, queries, fps, frames=12):
        super().__init__(daemon=True)
        self.uri, self.session, self.queries, self.fps = uri, session, queries, fps
        self.window = deque(maxlen=frames)
        self.spent = dict.fromkeys(STAGES, 0.0)
        self.scored, self.late = 0, 0

    def lap(self, stage):
        now = time.thread_time()
        self.spent[stage] += now - self.mark
        self.mark = now

    def run(self):
        import av
        import numpy as np

        mean, std = (np.array(x, np.float32).reshape(3, 1, 1) for x in (MEAN, STD))
        self.mark, due, began = time.thread_time(), 0.0, None
        with av.open(self.uri, options={"rtsp_transport": "tcp"}) as container:
            video = container.streams.video[0]
            for frame in container.decode(video):
                if frame.time is None:
                    continue
                began = began if began is not None else time.monotonic() - frame.time
                if frame.time < due:
                    continue
                due = (int(frame.time * self.fps) + 1) / self.fps
                self.lap("decode")
                scale = 224 / min(frame.width, frame.height)
                small = frame.reformat(
                    round(frame.width * scale), round(frame.height * scale), "rgb24", interpolation="BICUBIC")
                picture = small.to_ndarray()
                top, left = ((side - 224) // 2 for side in picture.shape[:2])
                picture = picture[top:top + 224, left:left + 224].transpose(2, 0, 1).astype(np.float32) / 255
                pixels = ((picture - mean) / std)[None]
                self.lap("scale")
                embedding = self.session.run(None, {"pixels": pixels})[0][0]
                self.window.append(embedding / np.linalg.norm(embedding))
                self.lap("encode")
                clip = np.mean(self.window, axis=0)
                scores = self.queries @ (clip / np.linalg.norm(clip))
                np.flatnonzero(scores > 0.3)
                self.lap("score")
                self.scored += 1
                self.late += time.monotonic() - began - frame.time > 1


def serve(scene="moving"):
    clip = subprocess.run([ROOT / "scripts/setup/bench-clip.sh", scene], check=True, capture_output=True, text=True).stdout
    server = subprocess.Popen(
        ["/usr/bin/python3", ROOT / "scripts/servers/rtsp-server.py", "--file", clip.strip(), "--loop", "--attached"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return server, server.stdout.readline().split()[1]


def measure_peer(options):
    """CPU seconds a camera-second of `options.streams` cameras, and milliseconds by stage."""
    import av  # noqa: F401  cameras need it: were it not there, they would only be silent
    import numpy as np
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1  # cameras are many
    session = onnxruntime.InferenceSession(str(model(options.cache)), settings, providers=["CPUExecutionProvider"])
    queries = np.random.default_rng(2).standard_normal((options.queries, 512), dtype=np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    server, uri = serve("still" if "--still" in options.ours else "moving")
    cameras = [Camera(uri, session, queries, options.fps) for _ in range(options.streams)]
    for camera in cameras:
        camera.start()
        time.sleep(0.13)
    time.sleep(options.warm_up)
    before = [dict(camera.spent, scored=camera.scored, late=camera.late) for camera in cameras]
    cpu, wall = time.process_time(), time.monotonic()
    time.sleep(options.seconds)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    total = {key: sum(dict(c.spent, scored=c.scored, late=c.late)[key] - b[key] for c, b in zip(cameras, before))
             for key in STAGES + ["scored", "late"]}
    server.kill()
    if not total["scored"]:
        sys.exit("Python has scored no frame: its cameras do not play")
    seconds = wall * options.streams
    return {
        "streams": options.streams, "seconds": wall, "scored": total["scored"], "late": total["late"],
        "cpu_s_per_stream_s": cpu / seconds, "by_stage_ms": {key: total[key] / seconds * 1e3 for key in STAGES}}


def measure_ours(options):
    command = [str(options.watchword), "bench", "streams", "--json", "--streams", str(options.our_streams)]
    command += ["--seconds", str(options.seconds), "--fps", str(options.fps), "--queries", str(options.queries)]
    found = subprocess.run(command + options.ours, check=True, capture_output=True, text=True).stdout
    return json.loads(found)["results"][-1]


def run_peer(options, streams=None):
    command = [sys.executable, __file__, "--one"] + sys.argv[1:]
    if streams:
        index = command.index("--") if "--" in command else len(command)
        command[index:index] = ["--streams", str(streams)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def largest_peer(options, cpu):
    """The largest number of cameras that Python carries, beginning where processor time `cpu` a camera-second would end."""
    def is_carried(streams):
        found = run_peer(options, streams)
        due = found["seconds"] * streams * options.fps
        carried = found["scored"] + streams >= 0.97 * due and found["late"] <= 0.01 * found["scored"]
        print(f"Python, {streams} cameras: {found['scored']} of {due:.0f} frames, {found['late']} late", file=sys.stderr)
        return carried

    streams = max(1, int(len(os.sched_getaffinity(0)) / cpu))
    if is_carried(streams):
        while is_carried(streams + 1):
            streams += 1
        return streams
    while streams > 1 and not is_carried(streams - 1):
        streams -= 1
    return streams - 1


def largest_ours(options):
    command = [str(options.watchword), "bench", "streams", "--json"]
    command += ["--seconds", str(options.seconds), "--fps", str(options.fps), "--queries", str(options.queries)]
    found = subprocess.run(command + options.ours, check=True, capture_output=True, text=True).stdout
    return max((result["streams"] for result in json.loads(found)["results"] if result["carried"]), default=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--watchword", type=Path, default=ROOT / ".build/release/watchword")
    parser.add_argument("--cache", type=Path, default=ROOT / ".build/peers")
    parser.add_argument("--streams", type=int, default=4, help="cameras that Python watches")
    parser.add_argument("--our-streams", type=int, default=24, help="cameras that Watchword watches")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--warm-up", type=float, default=5)
    parser.add_argument("--fps", type=float, default=1)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--results", type=Path, help="a Markdown file whose section is replaced")
    parser.add_argument("--largest", action="store_true", help="look for the largest numbers that are carried as well")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("ours", nargs="*", help="more options of `watchword bench streams`, after --")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure_peer(options)), flush=True)
        os._exit(0)  # cameras are still being decoded
    peers, ours = [], []
    for round_ in range(options.rounds):
        print(f"round {round_ + 1} of {options.rounds}", file=sys.stderr)
        peers.append(run_peer(options))
        ours.append(measure_ours(options))
    lines = [
        f"`Benchmarks/peers/streams.py`: {options.streams} cameras in Python and {options.our_streams} in Watchword, "
        f"1080p25 H.264, {options.fps:g} fps, "
        f"{options.queries} queries; medians of {options.rounds} rounds of {options.seconds:g} s; Watchword with "
        f"`{' '.join(options.ours) or 'its defaults'}`.", "",
        "| system | CPU s a camera-second | least | most | of it, ms: decode | scale | encode | score |",
        "|---|---|---|---|---|---|---|---|"]
    for name, found in (("Python", peers), ("Watchword", ours)):
        cpu = sorted(result["cpu_s_per_stream_s"] for result in found)
        stages = [statistics.median(result["by_stage_ms"][stage] for result in found) for stage in STAGES]
        lines.append(f"| {name} | {statistics.median(cpu):.4f} | {cpu[0]:.4f} | {cpu[-1]:.4f} | "
                     + " | ".join(f"{stage:.1f}" for stage in stages) + " |")
    ratios = sorted(p["cpu_s_per_stream_s"] / o["cpu_s_per_stream_s"] for p, o in zip(peers, ours))
    lines += ["", f"On the same cores Watchword watches {statistics.median(ratios):.2f} times as many "
              f"({ratios[0]:.2f} to {ratios[-1]:.2f}); at least 4 are wanted, and 6 with the gate on still pictures."]
    if options.largest:
        cpu = statistics.median(result["cpu_s_per_stream_s"] for result in peers)
        theirs, mine = largest_peer(options, cpu), largest_ours(options)
        lines.append(f"The largest number carried in the same run: {theirs} in Python, {mine} in Watchword"
                     + (f", {mine / theirs:.1f} times as many." if theirs else "."))
    text = "\n".join(lines) + "\n"
    print(text)
    if options.results:
        scene = "still, gated" if "--gate" in options.ours else "moving"
        replace_section(options.results, f"Cameras, beside Python ({scene})", text)


if __name__ == "__main__":
    main()
