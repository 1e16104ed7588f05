#!/usr/bin/python3
"""Clients of the web API, as others write them: `web-client.py follow|live|many|raw|parse ...`."""
import http.client, json, resource, socket, struct, sys, time
from urllib.parse import urlsplit


def follow(url, count, last=""):
    """Reads an event stream as a browser does: comes back with Last-Event-ID. One line a message: number, kind, JSON."""
    seen, parts = 0, urlsplit(url)
    end = time.time() + 120
    while seen < count and time.time() < end:
        try:
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
            headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
            connection.request("GET", parts.path + ("?" + parts.query if parts.query else ""), headers=headers)
            answer = connection.getresponse()
            if answer.status != 200:
                print("status", answer.status, answer.read().decode(), flush=True)
                return
            event = {}
            for line in answer:
                line = line.decode().rstrip("\n")
                if line:
                    key, _, value = line.partition(":")
                    event[key] = value.removeprefix(" ")
                    continue
                if "data" in event:
                    last = event["id"]
                    assert json.loads(event["data"])["seq"] == int(last)
                    print(last, event["event"], event["data"], flush=True)
                    seen += 1
                    if seen == count:
                        return
                event = {}
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.1)


def width(jpeg):
    """The width that a JPEG file's frame header tells."""
    at = 2
    while jpeg[at] == 0xFF:
        kind, length = jpeg[at + 1], struct.unpack(">H", jpeg[at + 2:at + 4])[0]
        if kind in (0xC0, 0xC1, 0xC2):
            return struct.unpack(">H", jpeg[at + 7:at + 9])[0]
        at += 2 + length


def live(url, count, later=""):
    """Reads so many frames of the live stream; a line of JSON each. `later`: says that it is open, and waits for a line."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.request("GET", parts.path + "?" + parts.query)
    answer = connection.getresponse()
    if answer.status != 200:
        print("status", answer.status, answer.read().decode())
        return
    if later:
        print("open", flush=True)
        sys.stdin.readline()
    for _ in range(int(count)):
        kind, length = struct.unpack(">BI", answer.read(5))
        body = answer.read(length)
        name = ["alive", "hello", "message", "scores", "picture"][kind]
        if name == "picture":
            head = 1 + body[0]
            frame = {"stream": body[1:head].decode(), "at": struct.unpack(">Q", body[head:head + 8])[0], "width": width(body[head + 8:])}
        else:
            frame = {"body": json.loads(body)} if body else {}
        print(json.dumps({"kind": name} | frame), flush=True)


def request(connection, path="/healthz", more=""):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(4096)
        if not piece:
            return head
        head += piece
    return head


def many(host, port, at_once, in_turn):
    """So many connections at once, each answered twice while all are open; then so many one after the other."""
    address = (host, int(port))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, int(at_once) + 100), hard))
    connections = [socket.create_connection(address, timeout=60) for _ in range(int(at_once))]
    right = sum(b" 200 " in request(c) for _ in range(2) for c in connections)
    for connection in connections:
        connection.close()
    turns = 0
    for _ in range(int(in_turn)):
        with socket.create_connection(address, timeout=60) as connection:
            turns += b" 200 " in request(connection, more="Connection: close\r\n")
    print(json.dumps({"at_once": right, "in_turn": turns}))


def raw(host, port):
    """Reads requests as JSON strings (Latin-1), one a line; says what comes back until the connection is closed or silent."""
    for line in sys.stdin:
        with socket.create_connection((host, int(port)), timeout=15) as connection:
            answer, closed = b"", False
            try:
                connection.sendall(json.loads(line).encode("latin-1"))
                while True:
                    piece = connection.recv(65536)
                    if not piece:
                        closed = True
                        break
                    answer += piece
                    connection.settimeout(1.5)
            except (ConnectionError, BrokenPipeError):
                closed = True
            except TimeoutError:
                pass
        print(json.dumps({"answer": answer.decode("latin-1"), "closed": closed}), flush=True)


def parse():
    """Reads a page of metrics by Prometheus' own parser; prints its samples as JSON."""
    from prometheus_client.parser import text_string_to_metric_families

    families = list(text_string_to_metric_families(sys.stdin.read()))
    samples = [
        {"name": s.name, "labels": s.labels, "value": str(s.value), "type": f.type, "help": f.documentation}
        for f in families for s in f.samples
    ]
    print(json.dumps(samples))


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "follow":
        follow(arguments[0], int(arguments[1]), *arguments[2:])
    else:
        {"live": live, "many": many, "raw": raw, "parse": parse}[command](*arguments)
