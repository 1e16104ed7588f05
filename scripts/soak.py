#!/usr/bin/python3
"""A daemon with many streams whose cameras fail at random, for a long time: does it grow, and does it miss anything?

    scripts/soak.py [--minutes 60] [--streams 8] [--healthy 2] [--queries 1000] [--every 30] [--seed 1] [--json]
                    [--build .build/release] [--sanitizer thread|address]

Every --every seconds one to three cameras get a fault of scripts/servers/cameras.py for 5 to 25 s; the first --healthy never do. A
subscriber checks that numbers have no gaps; what the healthy streams tell is compared with what `watchword watch` finds in
their film. RSS, threads and file descriptors are sampled; a line through each, after a warm-up of a quarter of the time, has
a slope and its standard error. The same seed gives the same faults. Exits with 1 if anything is not as it should be.
"""
import argparse
import collections
import glob
import itertools
import json
import math
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime

import zmq

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--minutes", type=float, default=60)
parser.add_argument("--streams", type=int, default=8)
parser.add_argument("--healthy", type=int, default=2)
parser.add_argument("--queries", type=int, default=1000)
parser.add_argument("--every", type=float, default=30, help="seconds between faults")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--build", help="where watchword and watchwordd are")
parser.add_argument("--sanitizer", choices=["thread", "address"], help="count reports of a build made with --sanitize")
parser.add_argument("--json", action="store_true")
options = parser.parse_args()
if not 1 <= options.healthy < options.streams:
    parser.error("some streams must be healthy, and some not")
build = options.build or f"{root}/.build-{options.sanitizer}/debug" if options.sanitizer else options.build or f"{root}/.build/release"
videos = f"{root}/Tests/Fixtures/videos"
FILM, SECONDS = f"{videos}/lobby.mp4", 27
TRUE = {"circle": "a blue circle", "square": "a green square", "ring": "a blue ring"}
FAULTS = ["gone", "frozen", "mute", "stall", "sdp", "noise", "unframed", "nal", "loss", "clock", "audio", "size", "codec"]
FPS = 4
# The daemon's own: see docs/RELIABILITY.md.
CONNECT, STALL, FIRST, MOST, STABLE = 10, 10, 1, 30, 30
# Seconds without new faults at the end.
QUIET = 75
chance = random.Random(options.seed)


def say(*words):
    print(*words, file=sys.stderr if options.json else sys.stdout, flush=True)


class Lines:
    """A program that answers each line with one."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.process.stdout.readline()

    def ask(self, *words):
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        said = self.process.stdout.readline().rstrip("\n")
        if not said.startswith("OK"):
            sys.exit(f"soak: cameras.py says \"{said}\" to {words}")
        return said[3:]


class Control:
    """The daemon's control socket."""

    def __init__(self, context, endpoint):
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.RCVTIMEO, 120_000)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(endpoint)

    def ask(self, operation, **args):
        self.socket.send(json.dumps({"v": 1, "id": "1", "op": operation, "args": args}).encode())
        answer = json.loads(self.socket.recv_multipart()[-1])
        if not answer["ok"]:
            raise RuntimeError(f"{operation}: {answer['error']['message']}")
        return answer["result"]


class Subscriber:
    """Hears everything and checks the numbers; remembers states of streams and starts of the healthy ones' events."""

    def __init__(self, context, endpoint):
        self.socket = context.socket(zmq.SUB)
        self.socket.setsockopt(zmq.SUBSCRIBE, b"")
        self.socket.setsockopt(zmq.RCVHWM, 1_000_000)
        self.socket.connect(endpoint)
        self.last, self.gaps, self.unlinked, self.count = None, 0, 0, 0
        self.topics = {}
        self.states = collections.defaultdict(list)
        self.events = collections.defaultdict(dict)

    def hear(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not self.socket.poll(left * 1000):
                return
            topic, number, body = self.socket.recv_multipart()
            if topic == b"heartbeat":
                continue
            topic, number, body = topic.decode(), int(number), json.loads(body)
            self.count += 1
            self.gaps += self.last is not None and number != self.last + 1
            self.unlinked += self.last is not None and topic in self.topics and body["prev"] != self.topics[topic]
            self.last, self.topics[topic] = number, number
            kind, *names = topic.split(".")
            if kind == "stream":
                self.states[names[0]].append((moment(body["at"]), body["state"], body.get("reason")))
            elif kind == "match" and names[1] in TRUE:
                self.events[(names[0], names[1])][body["event"]] = (body["media"]["start"], body["media"]["end"])


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def queries():
    """As many sentences as were asked for, those that the film answers first."""
    yield from ({"id": id, "text": text, "head": "mean"} for id, text in TRUE.items())
    colours = "red green blue yellow orange purple black white pink brown".split()
    shapes = "circle square triangle star ring heart cross".split()
    does = ["", " appears", " disappears", " moves left", " moves right", " moves up", " blinks", " spins", " stays still"]
    sizes = ["a small", "a big", "a"]
    sentences = [f"{size} {colour} {shape}{do}" for do, size, shape, colour in itertools.product(does, sizes, shapes, colours)]
    for number in range(options.queries - len(TRUE)):
        # Few heads but the mean one, and thresholds that are not crossed all the time.
        head = "transformer" if number % 10 == 0 else "mean"
        yield {"id": f"q{number}", "text": sentences[number % len(sentences)], "head": head,
               "threshold": 0.3 + number // len(sentences) * 0.01}


def expected():
    """Spans of the events that are in one round of the film, as `watchword watch` finds them."""
    found = subprocess.run(
        [f"{build}/watchword", "watch", FILM, "--query", *TRUE.values(), "--head", "mean", "--json"],
        capture_output=True, text=True, check=True,
        env=environment | {"WATCHWORD_MODEL": f"{root}/Models/shapes", "WATCHWORD_PIPELINES": f"{root}/Pipelines"})
    ids = {text: id for id, text in TRUE.items()}
    ends = [message for message in map(json.loads, found.stdout.splitlines()) if message["phase"] == "end"]
    return [(ids[end["query"]["text"]], end["media"]["start"], end["media"]["end"]) for end in ends
            if end["media"]["end"] < SECONDS]


def sample(pid):
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return {"rss_mb": int(fields["VmRSS"].split()[0]) / 1024, "threads": int(fields["Threads"]),
            "fds": len(os.listdir(f"/proc/{pid}/fd"))}


def line(points):
    """The least-squares slope an hour of the minutes' means, and its standard error.

    Of minutes, since samples that follow each other are alike: an error from them would be too small.
    """
    minutes = collections.defaultdict(list)
    for at, value in points:
        minutes[at // 60].append((at, value))
    points = [tuple(map(statistics.fmean, zip(*minute))) for minute in minutes.values()]
    if len(points) < 3:
        return math.nan, math.nan
    times, values = zip(*((time / 3600, value) for time, value in points))
    slope, start = statistics.linear_regression(times, values)
    middle = statistics.fmean(times)
    rest = sum((value - start - slope * time) ** 2 for time, value in zip(times, values))
    return slope, math.sqrt(rest / (len(points) - 2) / sum((time - middle) ** 2 for time in times))


def recovery(states, healed):
    """From the camera's return to `playing`: seconds, and how many the pauses and limits allow; None if it never left.

    The pauses double from FIRST to MOST and begin anew after STABLE seconds of playing; at the return the stream may be in
    the middle of a pause, of an attempt that has to be given up first, or not have noticed anything yet.
    """
    failures, playing_since, pause_ends, state, since = 0, None, 0, None, 0
    for at, word, _ in states:
        if at > healed:
            break
        if word == "backing-off":
            if playing_since is not None and at - playing_since >= STABLE:
                failures = 0
            pause_ends = at + min(FIRST * 2 ** failures, MOST)
            failures += 1
        playing_since = at if word == "playing" else None if word in ("connecting", "backing-off") else playing_since
        state, since = word, at
    after = [(at, word) for at, word, _ in states if at > healed]
    back = next((at for at, word in after if word == "playing"), None)
    if state == "playing" and not any(word != "playing" for _, word in after):
        return None
    next_pause = min(FIRST * 2 ** failures, MOST)
    allowed = (max(0, pause_ends - healed) if state == "backing-off"
               else CONNECT - (healed - since) + next_pause if state == "connecting" else STALL + next_pause)
    return (back - healed if back is not None else math.inf), allowed


folder = tempfile.mkdtemp(prefix="ww-soak-")
cameras = Lines(["/usr/bin/python3", f"{root}/scripts/servers/cameras.py"])
names = [f"cam{number}" for number in range(options.streams)]
films = [f"{videos}/{name}.mp4" for name in ("dock", "gate", "hall", "yard", "ramp")]
config = {
    "model": f"{root}/Models/shapes", "head": "mean", "journal": f"{folder}/journal.sqlite", "publish": f"ipc://{folder}/e",
    "control": f"ipc://{folder}/c", "pipelines": f"{root}/Pipelines", "log": {"level": "error"},
    "streams": [], "queries": list(queries()),
}
for number, name in enumerate(names):
    film = FILM if number < options.healthy else films[number % len(films)]
    config["streams"].append({"name": name, "uri": cameras.ask("camera", name, film, SECONDS)})
for kind in ("size", "codec"):
    # Films are coded anew before, not while time is taken.
    for name in names[options.healthy:]:
        cameras.ask("fault", name, kind)
        cameras.ask("heal", name)
with open(f"{folder}/w.yaml", "w") as file:
    json.dump(config, file)
environment = dict(os.environ)
if options.sanitizer:
    reports = f"log_path={folder}/report exitcode=66"
    environment |= {"TSAN_OPTIONS": reports,
                    "ASAN_OPTIONS": f"suppressions={root}/scripts/sanitize/asan.supp detect_leaks=0 {reports}"}
truth = expected()
context = zmq.Context()
subscriber = Subscriber(context, config["publish"])
with open(f"{folder}/log", "w") as log:
    daemon = subprocess.Popen([f"{build}/watchwordd", "--config", f"{folder}/w.yaml"], env=environment, stderr=log)
control = Control(context, config["control"])
control.ask("status")
say(f"soak: {options.streams} streams, {options.healthy} of them healthy, {len(config['queries'])} queries, "
    f"{options.minutes:g} minutes, seed {options.seed}, in {folder}; {len(truth)} events a round of the film")

began, length = time.monotonic(), options.minutes * 60
samples, recoveries, pending, faults = [], [], {}, collections.Counter()
next_fault, next_sample, next_word = began + options.every, began, began + 60
status = None
while (now := time.monotonic()) < began + length and daemon.poll() is None:
    subscriber.hear(0.25)
    if now >= next_sample:
        next_sample += 5
        samples.append((now - began, sample(daemon.pid)))
    for name, (kind, until) in list(pending.items()):
        if now >= until:
            cameras.ask("heal", name)
            recoveries.append((name, kind, time.time()))
            del pending[name]
    # The last faults leave time to recover.
    if now >= next_fault and now < began + length - QUIET:
        next_fault += options.every
        for name in chance.sample(names[options.healthy:], min(chance.randint(1, 3), options.streams - options.healthy)):
            kind, lasts = chance.choice(FAULTS), chance.uniform(5, 25)
            if name not in pending:
                cameras.ask("fault", name, kind)
                faults[kind] += 1
                pending[name] = (kind, time.monotonic() + lasts)
    if now >= next_word:
        next_word += 60
        status = control.ask("status")
        latest = samples[-1][1]
        say(f"{(now - began) / 60:5.0f} min: {sum(faults.values())} faults, {subscriber.count} messages, "
            f"{subscriber.gaps} gaps, RSS {latest['rss_mb']:.0f} MB, {latest['threads']} threads, {latest['fds']} fds; "
            + " ".join(f"{stream['name']}:{stream['state']}" for stream in status["streams"]))

problems = []
if daemon.poll() is not None:
    problems.append(f"the daemon ended with {daemon.returncode}")
    status = status or {"streams": [], "failedBatches": 0, "rssMB": 0}
    ended, stopping = {}, 0
else:
    now = time.monotonic()
    status = control.ask("status")
    ended = {stream["name"]: stream for stream in status["streams"]}
    media = {name: control.ask("query.explain", id="circle", stream=name)[0].get("media") or {} for name in names}
    subscriber.hear(2)
    stopping = time.monotonic()
    daemon.send_signal(signal.SIGTERM)
    try:
        while daemon.poll() is None and time.monotonic() < stopping + 60:
            subscriber.hear(0.1)
        stopping = time.monotonic() - stopping
        subscriber.hear(1)
        if daemon.poll() != 0:
            problems.append(f"the daemon ended with {daemon.poll()} on SIGTERM")
    finally:
        if daemon.poll() is None:
            daemon.kill()
cameras.process.kill()

# What the healthy streams told.
missed = wanted = shed = lost = 0
for name in names[:options.healthy]:
    stream = ended.get(name)
    if stream is None:
        continue
    words = [word for _, word, _ in subscriber.states[name] if word != "connecting"]
    if words[:1] != ["playing"] or set(words) != {"playing"}:
        problems.append(f"{name}, which is healthy, was {', '.join(words)}")
    shed += stream["shed"] + stream["dropped"]
    seen = media[name].get("end", 0)
    # One frame every 1 / FPS of media time, from 0 on; the two were not asked for at one moment.
    lost += max(0, int(seen * FPS) + 1 - stream["sampled"] - FPS)
    for round in range(int(seen // SECONDS) + 1):
        for query, first, last in truth:
            first, last = first + round * SECONDS, last + round * SECONDS
            if last + 5 < seen:
                wanted += 1
                missed += not any(a < last and b > first for a, b in subscriber.events[(name, query)].values())

# How soon the others came back.
times = []
for name, kind, healed in recoveries:
    answer = recovery(subscriber.states[name], healed)
    later = [at for other, _, at in recoveries if other == name and at > healed]
    if answer is not None and not (later and healed + answer[0] > later[0] - 25):
        times.append((name, kind, *answer))
late = [(name, kind, took, allowed) for name, kind, took, allowed in times if took > allowed + 2]
unfinished = [name for name, stream in ended.items() if stream["state"] != "playing"]

# Without the end, when all streams play again: then there are more threads than on the average.
warm = [(at, values) for at, values in samples if length / 4 < at < length - QUIET]
slopes = {key: line([(at, values[key]) for at, values in warm]) for key in ("rss_mb", "threads", "fds")}
spread = {key: [values[key] for _, values in warm] for key in slopes}
count = len(glob.glob(f"{folder}/report.*"))
# Rises that noise does not explain: over two standard errors, and more than so much an hour.
for key, much in (("rss_mb", 10), ("threads", 1), ("fds", 1)):
    slope, error = slopes[key]
    if not options.sanitizer and slope - 2 * error > much:
        problems.append(f"{key} rises by {slope:.2f} an hour")
for number, what in ((subscriber.gaps, "gaps in seq"), (subscriber.unlinked, "wrong prev"), (count, "sanitizer reports")):
    if number:
        problems.append(f"{number} {what}")
# A build with a sanitizer is too slow for the rest: frames are shed, and whatever takes time takes longer.
if not options.sanitizer:
    for number, what in ((missed, "missed events"), (status["failedBatches"], "batches that were not scored")):
        if number:
            problems.append(f"{number} {what}")
    if shed or lost:
        problems.append(f"{shed} frames of healthy streams dropped, {lost} not sampled")
    problems += [f"{name} was back after {took:.1f} s from {kind}, {allowed:.1f} + 2 allowed" for name, kind, took, allowed in late]
problems += [f"{name} is not playing at the end" for name in unfinished]

took = sorted(entry[2] for entry in times)
report = {
    "soak": {"minutes": options.minutes, "streams": options.streams, "healthy": options.healthy,
             "queries": len(config["queries"]), "every_s": options.every, "seed": options.seed, "sanitizer": options.sanitizer},
    "faults": dict(faults), "messages": subscriber.count, "gaps": subscriber.gaps, "wrong_prev": subscriber.unlinked,
    "expected_events": wanted, "missed_events": missed, "healthy_dropped": shed, "healthy_not_sampled": lost,
    "recoveries": len(times), "recovery_s": {
        "median": statistics.median(took) if took else None, "max": max(took, default=None)},
    "over_backoff_plus_2s": len(late),
    "restarts": sum(stream["restarts"] for stream in ended.values()),
    "abandoned_pipelines": sum(stream["abandoned"] for stream in ended.values()),
    "growth_an_hour": {key: {"slope": slope, "standard_error": error, "least": min(spread[key], default=None),
                             "most": max(spread[key], default=None)} for key, (slope, error) in slopes.items()},
    "sigterm_s": stopping, "sanitizer_reports": count, "problems": problems, "folder": folder,
}
if options.json:
    print(json.dumps(report, indent=1))
else:
    rows = [
        ("faults", ", ".join(f"{kind} {number}" for kind, number in sorted(faults.items()))),
        ("messages; gaps in seq; wrong prev", f"{subscriber.count}; {subscriber.gaps}; {subscriber.unlinked}"),
        ("healthy streams: events expected; missed", f"{wanted}; {missed}"),
        ("healthy streams: frames dropped; not sampled", f"{shed}; {lost}"),
        ("returns; seconds to playing, median and most",
         f"{len(took)}; " + (f"{statistics.median(took):.1f}, {took[-1]:.1f}" if took else "-")),
        ("later than backoff + 2 s", str(len(late))),
        ("restarts; pipelines left behind", f"{report['restarts']}; {report['abandoned_pipelines']}"),
    ]
    for key, name in (("rss_mb", "RSS, MB"), ("threads", "threads"), ("fds", "file descriptors")):
        slope, error = slopes[key]
        rows.append((f"{name}: least to most; slope an hour ± standard error",
                     f"{min(spread[key], default=0):.0f} to {max(spread[key], default=0):.0f}; {slope:+.2f} ± {error:.2f}"))
    rows.append(("SIGTERM to the end, seconds", f"{stopping:.1f}"))
    if options.sanitizer:
        rows.append(("sanitizer reports", str(count)))
    width = max(len(name) for name, _ in rows)
    print()
    for name, value in rows:
        print(f"| {name.ljust(width)} | {value}")
    print("\n" + ("as it should be" if not problems else "\n".join(f"PROBLEM: {problem}" for problem in problems)))
sys.exit(1 if problems else 0)
