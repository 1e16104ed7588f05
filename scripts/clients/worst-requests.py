#!/usr/bin/python3
"""Sends the worst requests that there are to a daemon that runs: `worst-requests.py CONTROL URL PROBE BYTES`.

PROBE is pool-probe.c's file; BYTES the size of what is large. Prints a line a request as JSON: which one, the longest
job of the cooperative pool meanwhile in milliseconds, the seconds until the answer, its bytes. At last how long health
took at most.
"""
import http.client, json, mmap, struct, sys, threading, time
from urllib.parse import quote, urlsplit

import zmq

control, url, probe, size = sys.argv[1], urlsplit(sys.argv[2]), sys.argv[3], int(sys.argv[4])
with open(probe, "r+b") as file:
    shared = mmap.mmap(file.fileno(), 24)
context = zmq.Context()

OPERATIONS = {  # name: method, path, arguments besides those of the path
    "query.add": ("POST", "/queries"), "query.update": ("PATCH", "/queries/q"),
    "query.import": ("POST", "/import"),
    "query.list": ("GET", "/queries"), "query.export": ("GET", "/export"), "query.get": ("GET", "/queries/{}"),
    "query.remove": ("DELETE", "/queries/{}"), "query.test": ("POST", "/test"),
    "query.explain": ("GET", "/queries/{}/explanation"), "query.recalibrate": ("POST", "/queries/{}/recalibration"),
    "stream.add": ("POST", "/streams"), "stream.list": ("GET", "/streams"), "stream.get": ("GET", "/streams/{}"),
    "stream.remove": ("DELETE", "/streams/{}"), "events.replay": ("GET", "/events"),
    "events.open": ("GET", "/events/open"),
    "status": ("GET", "/status"), "heads.list": ("GET", "/heads"),
}


def strings(n):
    """Long texts by what they are bad for."""
    marks = "".join(chr(0x300 + i % 2 * 23) for i in range(n // 2))
    return {
        "letters": "a" * n, "spaces": " " * n, "words": "a " * (n // 2), "marks": "a" + marks, "cjk": "一" * (n // 3),
        "uris": "://" * (n // 3), "secrets": "key=\"" * (n // 5), "braces": "{}" * (n // 2), "stars": "*a" * (n // 2),
        "entities": "&amp;" * (n // 5), "mojibake": "Ã" * (n // 2), "sigmas": "Σ\u0345" * (n // 4),
        "dashes": "mon-" * (n // 4), "slashes": "a/" * (n // 2), "digits": "9" * n,
        "data": "data:image/png;base64," + "A" * n,
        "emoji": "👩‍👩‍👧" * (n // 18), "flags": "🇦" * (n // 4),
    }


def queries(n):
    """Arguments that describe queries."""
    for kind, text in strings(n).items():
        yield "text " + kind, {"text": text, "threshold": 0.3}
    lists = ("streams", "tags", "phrasings", "prompts", "against", "images")
    for key in ("id", "head", "group", "expires", "confirm") + lists:
        for kind in ("letters", "marks", "uris", "stars", "data", "dashes"):
            yield key + " " + kind, {"text": "a", key: strings(n)[kind]}
    for key in lists:
        yield key + " many", {"text": "a", key: ["a"] * (n // 4)}
    yield "prompts whole", {"text": "a", "prompts": ["{}" + "b" * n]}
    yield "zone", {"text": "a", "active": {"zone": "a/" * (n // 2)}}
    yield "days", {"text": "a", "active": {"zone": "UTC", "days": ["mon"] * (n // 6)}}
    yield "hours", {"text": "a", "active": {"zone": "UTC", "hours": ["00:00-01:00"] * (n // 14)}}
    yield "active", {"text": "a", "active": [{"zone": "UTC"}] * (n // 15)}
    yield "metadata", {"text": "a", "metadata": {str(i): "x" for i in range(n // 12)}}
    yield "most there may be", {
        "id": "q", "text": "a" * 4096, "phrasings": ["e\u0301" * 2000] * 3, "against": ["é" * 4096] * 4,
        "prompts": ["&amp;" * 600 + "{}"] * 4, "metadata": {str(i): "ä" * 2000 for i in range(64)},
        "tags": ["t" * 128] * 64}


def streams(n):
    """Arguments that describe streams."""
    for key in ("name", "uri", "launch", "template", "decode", "credentials", "labels"):
        for kind in ("letters", "marks", "uris", "secrets"):
            yield key + " " + kind, {"name": "s", "uri": "file:///none", key: strings(n)[kind]}
    yield "labels many", {"name": "s", "uri": "x", "labels": ["a"] * (n // 4)}
    yield "regions many", {"name": "s", "uri": "x", "regions": {f"r{i}": [0, 0, 1, 1] for i in range(n // 20)}}
    yield "region long", {"name": "s", "uri": "x", "regions": {"r": [0] * (n // 2)}}


def anything(n):
    """Arguments that are wrong for every operation."""
    yield "long key", {"k" * n: 1}
    yield "long key of marks", {"e\u0301" * (n // 3): 1}
    yield "many keys", {f"k{i}": 1 for i in range(n // 10)}
    yield "many near keys", {f"thresho{i}": 1 for i in range(n // 14)}
    yield "many numbers", {"queries": [0] * (n // 2), "text": [0] * (n // 2)}
    names = ("id", "name", "stream", "topic", "query", "journal", "after")
    yield "long names", {k: "a" * n for k in names}
    yield "marked names", {k: "e\u0301" * (n // 30) for k in names}
    yield "large numbers", {k: 10**300 for k in ("since", "limit", "frames", "threshold", "priority")}


def cases(n):
    for operation in OPERATIONS:
        for kind, args in anything(n):
            yield operation, kind, json.dumps(args, ensure_ascii=False)
        yield operation, "deep", '{"text":' + "[" * (n // 2) + "]" * (n // 2) + "}"
        yield operation, "a number of megabytes", '{"since":' + "1" * n + "}"
    for kind, args in queries(n):
        yield "query.add", kind, json.dumps(args, ensure_ascii=False)
    for kind, args in queries(n // 8):
        for operation in ("query.test", "query.update"):
            given = args | {"id": "q"} if operation == "query.update" else args
            yield operation, kind, json.dumps(given, ensure_ascii=False)
    for kind, args in streams(n):
        yield "stream.add", kind, json.dumps(args, ensure_ascii=False)
    many = [{"id": f"i{i}", "text": "a", "threshold": 0.5} for i in range(n // 45)]
    yield "query.import", "twice the same", json.dumps({"queries": many + many[:1]})
    yield "query.import", "the last is wrong", json.dumps({"queries": many + [{"k" * 1000: 1}]})
    yield "query.import", "all are wrong", json.dumps({"queries": [{"x": "y"}] * (n // 12)})
    yield "query.import", "one with everything", json.dumps({"queries": [a for _, a in queries(n // 200)]})
    yield "query.import", "many", json.dumps({"queries": many[:2000]})
    for operation in ("query.list", "query.export", "events.replay", "events.open", "status", "stream.list"):
        yield operation, "many queries", "{}"


def ask(operation, args):
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(control)
    socket.send(b'{"v":1,"id":"1","op":"' + operation.encode() + b'","args":' + args.encode() + b"}")
    answer = socket.recv() if socket.poll(120_000) else b""
    socket.close()
    return len(answer), b'"ok":true' in answer


def fetch(operation, args):
    """The same by HTTP: in the body, or in the target as far as that goes."""
    method, path = OPERATIONS[operation]
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=120)
    body = None
    if method in ("POST", "PATCH"):
        limit = 60 << 20 if operation == "query.import" else 1 << 20
        body = args.encode()
        if len(body) > limit:
            return 0, None
    else:
        path += "?x=" + quote(args[:2000])
    headers = {"Content-Type": "application/json"}
    connection.request(method, "/api/v1" + path.replace("{}", quote(args[:2000], safe="")), body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return len(text), answer.status < 400


health = [0.0, False]


def probe_health():
    while not health[1]:
        began = time.time()
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=120)
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        connection.close()
        health[0] = max(health[0], time.time() - began)
        time.sleep(0.05)


def report(socket, operation, kind, send, args):
    shared[0:8] = struct.pack("<Q", 0)
    began = time.time()
    length, isDone = send(operation, args)
    if isDone is None:
        return
    # What it left behind is its, too.
    time.sleep(0.005)
    longest = struct.unpack("<Q", shared[0:8])[0] / 1e6
    told = {"case": f"{socket} {operation}: {kind}", "ms": longest, "seconds": time.time() - began}
    print(json.dumps(told | {"bytes": length, "done": isDone}), flush=True)


thread = threading.Thread(target=probe_health)
thread.start()
try:
    for large, (socket, send) in ((size, ("zmq", ask)), (min(size, 900_000), ("http", fetch))):
        for operation, kind, args in cases(large):
            report(socket, operation, kind, send, args)
finally:
    health[1] = True
    thread.join()
print(json.dumps({"health": health[0], "jobs": struct.unpack("<Q", shared[8:16])[0]}), flush=True)
