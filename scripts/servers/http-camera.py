#!/usr/bin/python3
"""A camera on loopback that sends MPEG-TS over HTTP as time goes by, its length untold: prints READY and its port.

`http-camera.py FILM.ts`: the film is played once from the first request on, for all that ask, each from where it is then.
--way says how a body without a length ends: `close` or `chunked`. --seconds ends each answer after that long; --speed is how
fast the sender's clock runs. GET /sent tells the seconds of film that have been sent.
"""
import argparse
import http.server
import time

parser = argparse.ArgumentParser()
parser.add_argument("film")
parser.add_argument("--way", choices=["close", "chunked"], default="close")
parser.add_argument("--seconds", type=float, default=1e9)
parser.add_argument("--speed", type=float, default=1)
options = parser.parse_args()


def timeline(film):
    """Where in the film each keyframe begins, with its tables before it, and where each picture ends: times and places."""
    pictures, keyframes = [], []
    tables = 0
    for at in range(0, len(film) - 187, 188):
        packet = film[at:at + 188]
        start = 4 + (packet[4] + 1 if packet[3] & 0x20 else 0)
        if not packet[1] & 0x40:
            continue
        if packet[start:start + 3] != b"\0\0\1":
            tables = at if (packet[1] & 0x1F, packet[2]) == (0, 0) else tables
            continue
        p = packet[start + 9:start + 14]
        stamp = ((p[0] >> 1 & 7) << 30 | p[1] << 22 | p[2] >> 1 << 15 | p[3] << 7 | p[4] >> 1) / 90_000
        pictures.append((stamp, at))
        if packet[3] & 0x20 and packet[4] and packet[5] & 0x40:
            keyframes.append((stamp, tables))
    first = pictures[0][0]
    return [(t - first, at) for t, at in pictures], [(t - first, at) for t, at in keyframes]


with open(options.film, "rb") as file:
    film = file.read()
pictures, keyframes = timeline(film)
began = []
sent = [0.0]


def now():
    return (time.monotonic() - began[0]) * options.speed


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.close_connection = True
        if self.path == "/sent":
            body = str(sent[0]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            return self.wfile.write(body)
        if not began:
            began.append(time.monotonic())
        self.send_response(200)
        self.send_header("Content-Type", "video/mp2t")
        if options.way == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        end = now() + options.seconds * options.speed
        at = max((place for stamp, place in keyframes if stamp <= now()), default=0)
        while now() < end:
            due = [(stamp, place) for stamp, place in pictures if stamp <= now()]
            if due and due[-1][1] > at:
                self.send(film[at:due[-1][1]])
                at, sent[0] = due[-1][1], due[-1][0]
            time.sleep(0.02)
        if options.way == "chunked":
            self.wfile.write(b"0\r\n\r\n")

    def send(self, part):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if options.way == "chunked" else part)
        self.wfile.flush()


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"READY {server.server_port}", flush=True)
server.serve_forever()
