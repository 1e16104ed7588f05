#!/usr/bin/python3
"""Sends the worst requests that there are to a daemon that runs: `worst-requests.py CONTROL URL PROBE BYTES TOKEN`.

PROBE is pool-probe.c's file; BYTES the size of what is large: 13,900,000 comes as near to the 16 MiB of a request as all
of them fit into. What is imported is eight times as large (128 MiB), or 60 MiB by HTTP. TOKEN is one of the web API's. Prints a line a request as JSON: which one, the longest
job of the cooperative pool meanwhile in milliseconds, the seconds until the answer, its bytes. At last how long health
took at most.
"""
import http.client, json, mmap, struct, sys, threading, time
from urllib.parse import quote, urlsplit

import zmq

control, url, probe, size, token = sys.argv[1], urlsplit(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5]
with open(probe, "r+b") as file:
    shared = mmap.mmap(file.fileno(), 24)
context = zmq.Context()

OPERATIONS = {  # name: method, path, arguments besides those of the path
    "query.add": ("POST", "/queries"), "query.update": ("PATCH", "/queries/q"),
    "query.import": ("POST", "/import"),
    "query.list": ("GET", "/queries"), "query.export": ("GET", "/export"), "query.get": ("GET", "/queries/{}"),
    "query.remove": ("DELETE", "/queries/{}"), "query.test": ("POST", "/test"),
    "query.explain": ("GET", "/queries/{}/explanation"), "query.recalibrate": ("POST", "/queries/{}/recalibration"),
    "query.reset": ("POST", "/queries/{}/reset"),
    "stream.add": ("POST", "/streams"), "stream.update": ("PATCH", "/streams/s"),
    "stream.list": ("GET", "/streams"), "stream.get": ("GET", "/streams/{}"),
    "stream.remove": ("DELETE", "/streams/{}"), "stream.reset": ("POST", "/streams/{}/reset"),
    "events.replay": ("GET", "/events"), "events.open": ("GET", "/events/open"),
    "events.mark": ("POST", "/events/{}/verdict"),
    "history.search": ("POST", "/search"), "query.backtest": ("POST", "/backtest"),
    "history.status": ("GET", "/history"), "history.remove": ("DELETE", "/history"),
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


def past(n):
    """Arguments about the history."""
    for key in ("from", "to", "sort", "verdict", "event"):
        for kind in ("letters", "marks", "uris", "stars", "digits"):
            yield key + " " + kind, {"text": "a", "stream": "*", key: strings(n)[kind]}
    for kind in ("letters", "marks", "stars", "dashes", "slashes"):
        yield "selector " + kind, {"stream": strings(n)[kind]}
    yield "stream stars", {"stream": "*a" * 80}
    yield "streams that select", {"text": "a", "streams": ["*a*b*c*d*e*f*g*h"] * 64}
    yield "all of it", {"text": "a", "limit": 1000, "threshold": -1, "alerts_per_day": 8640}


def imports(n):
    """Imports of `n` bytes, as JSON."""
    many = [f'{{"id":"i{i}","text":"a","threshold":0.5}}' for i in range(n // 46)]
    joined = ",".join(many)
    yield "twice the same", f'{{"queries":[{joined},{many[0]}]}}'
    yield "the last is wrong", f'{{"queries":[{joined},{{"{"k" * 1000}":1}}]}}'
    yield "all are wrong", '{"queries":[' + ",".join(['{"x":"y"}'] * (n // 10)) + "]}"
    yield "a long text", '{"queries":[{"text":"' + "a" * n + '"}]}'
    yield "marks", '{"queries":[{"id":"' + "e\u0301" * (n // 3) + '"}]}'
    yield "numbers", '{"queries":[' + "1," * (n // 2) + "1]}"
    yield "deep", '{"queries":' + "[" * (n // 2) + "]" * (n // 2) + "}"
    yield "many keys", '{"queries":[{' + ",".join(f'"k{i}":1' for i in range(n // 12)) + "}]}"
    yield "as many as may be", '{"queries":[' + ",".join(many[:2000]) + "]}"


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
        yield "stream.update", kind, json.dumps(args | {"name": "s"}, ensure_ascii=False)
    for kind, args in past(n):
        for operation in ("history.search", "query.backtest", "history.remove", "events.mark"):
            yield operation, kind, json.dumps(args, ensure_ascii=False)
    for kind, args in queries(n // 8):
        for operation in ("history.search", "query.backtest"):
            yield operation, kind, json.dumps(args, ensure_ascii=False)
    yield "query.import", "one with everything", json.dumps({"queries": [a for _, a in queries(n // 200)]})
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
    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + token}
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


def pages(n):
    """Requests that only HTTP has: sessions, the live stream, the event stream, headers."""
    body, long = {"Content-Type": "application/json"}, "a" * 7000
    for kind, text in strings(n).items():
        if kind in ("letters", "marks", "uris", "digits"):
            yield "session " + kind, "POST", "/session", json.dumps({"token": text}, ensure_ascii=False), body
    yield "session long key", "POST", "/session", json.dumps({"k" * n: 1}), body
    yield "session many keys", "POST", "/session", json.dumps({f"k{i}": 1 for i in range(n // 10)}), body
    yield "session deep", "POST", "/session", '{"token":' + "[" * (n // 2) + "]" * (n // 2) + "}", body
    yield "session right", "POST", "/session", json.dumps({"token": token}), body
    yield "session cookie", "GET", "/session", None, {"Cookie": "; ".join([f"a{i}=b" for i in range(1000)])}
    yield "session end", "DELETE", "/session", None, {"Cookie": "watchword=" + long}
    known = {"Authorization": "Bearer " + token}
    for key in ("streams", "queries", "since", "journal", "width"):
        for kind, value in (("letters", long), ("names", ",".join(str(i) for i in range(1400))), ("commas", "," * 7000),
                            ("digits", "9" * 7000), ("escapes", "%CC%81" * 1100)):
            yield f"live {key} {kind}", "GET", f"/live?{key}={value}", None, known
    for key in ("kind", "stream", "query", "since", "journal", "min_peak"):
        yield f"events {key}", "GET", f"/events/stream?{key}={long}", None, known
    yield "live keys", "GET", "/live?" + "&".join(f"a{i}=" for i in range(1000)), None, known
    yield "live", "GET", "/live?streams=*&since=0", None, known
    yield "metrics", "GET", "/../../metrics", None, known
    yield "document", "GET", "/openapi.json", None, known
    yield "snapshot", "GET", "/events/" + long + "/snapshot", None, known
    yield "path", "GET", "/a" * 3500, None, known


def visit(request):
    """Sends it, and reads the beginning of the answer, which may have no end."""
    method, path, body, headers = request
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=120)
    connection.request(method, "/api/v1" + path, body if body is None else body.encode(), headers)
    answer = connection.getresponse()
    text = answer.read1(4096)
    connection.close()
    return max(1, len(text)), answer.status < 400


thread = threading.Thread(target=probe_health)
thread.start()
try:
    for large, imported, (socket, send) in (
        (size, 8 * size, ("zmq", ask)), (min(size, 900_000), min(8 * size, 58_000_000), ("http", fetch))):
        for operation, kind, args in cases(large):
            report(socket, operation, kind, send, args)
        for kind, args in imports(imported):
            report(socket, "query.import", kind, send, args)
        report(socket, "query.list", "many queries", send, "{}")
    for kind, *request in pages(900_000):
        report("http", kind, "", lambda _, asked: visit(asked), request)
finally:
    health[1] = True
    thread.join()
print(json.dumps({"health": health[0], "jobs": struct.unpack("<Q", shared[8:16])[0]}), flush=True)
