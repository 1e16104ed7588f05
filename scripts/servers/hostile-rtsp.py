#!/usr/bin/python3
"""An RTSP server on loopback that means harm, or is broken, by the path that is asked for: prints READY and its URI.

Whatever comes before the harm is as it should be: an H.264 film is described, set up and played. Ends with standard input.

    headers     an answer whose head never ends
    body        an answer of 4 GB
    description a description of 8 MB
    unauthorized every request is refused anew, each time by another number
    elsewhere   redirected to itself, without end
    framing     after a packet come random bytes
    half        a packet that says it has 60,000 bytes has 100, and nothing follows
    silent      nothing comes
    message     an answer without end among the packets
    early       packets come before the answer to PLAY, and go on
    asking      packets come once the client has answered a request
    ends        ten pictures come, then the end
"""
import itertools
import pathlib
import random
import socket
import struct
import sys
import threading
import time

SETS = (bytes.fromhex("6742c00bd90b8b"), bytes.fromhex("68ce3c80"))
SDP = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1
a=control:track
"""


def units(file):
    """The pictures of an H.264 file, each a list of its pieces."""
    data = pathlib.Path(file).read_bytes()
    pieces = [piece.rstrip(b"\0") for piece in data.split(b"\0\0\1")[1:]]
    unit = []
    for piece in pieces:
        if piece[0] & 31 in (1, 5, 7) and any(held[0] & 31 in (1, 5) for held in unit):
            yield unit
            unit = []
        unit.append(piece)
    yield unit


class Client(threading.Thread):
    def __init__(self, connection, film):
        super().__init__(daemon=True)
        self.connection, self.film, self.data, self.number = connection, film, b"", 0

    def request(self):
        while True:
            if self.data[:1] == b"$" and len(self.data) >= 4:
                size = 4 + int.from_bytes(self.data[2:4], "big")
                if len(self.data) >= size:
                    self.data = self.data[size:]
                    continue
            elif b"\r\n\r\n" in self.data:
                head, self.data = self.data.split(b"\r\n\r\n", 1)
                return head.decode(errors="replace").split("\r\n")
            more = self.connection.recv(65536)
            if not more:
                raise OSError("it has gone")
            self.data += more

    def answer(self, lines, status="200 OK", headers=(), body=""):
        sequence = next((line for line in lines if line.lower().startswith("cseq")), "CSeq: 0")
        head = [f"RTSP/1.0 {status}", sequence, *headers] + ([f"Content-Length: {len(body)}"] if body else [])
        self.connection.sendall(("\r\n".join(head) + "\r\n\r\n" + body).encode())

    def send(self, pieces):
        for place, piece in enumerate(pieces):
            mark = 0x80 if place == len(pieces) - 1 else 0
            parts = [piece] if len(piece) < 1400 else [
                bytes([piece[0] & 0xE0 | 28, piece[0] & 31 | (0x80 if at == 1 else 0) | (0x40 if at + 1300 >= len(piece) else 0)])
                + piece[at:at + 1300] for at in range(1, len(piece), 1300)]
            for part in parts:
                head = struct.pack(">BBHII", 0x80, 96 | (mark if part is parts[-1] else 0), self.number & 0xFFFF,
                                   self.stamp & 0xFFFFFFFF, 7)
                self.connection.sendall(b"$\0" + struct.pack(">H", len(head) + len(part)) + head + part)
                self.number += 1

    def pictures(self, count=None):
        start = time.time()
        for place, pieces in enumerate(itertools.islice(itertools.cycle(self.film), count)):
            self.stamp = 1000 + place * 3600
            self.send(pieces)
            time.sleep(max(0, start + place / 25 - time.time()))

    def run(self):
        try:
            self.serve()
        except OSError:
            pass
        self.connection.close()

    def serve(self):
        while True:
            lines = self.request()
            method, uri = lines[0].split(" ")[:2]
            kind = uri.split("/")[3] if uri.count("/") > 2 else ""
            if method == "OPTIONS":
                self.answer(lines, headers=["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"])
            elif method == "DESCRIBE":
                self.describe(lines, kind, uri)
            elif method == "SETUP":
                headers = ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"]
                self.answer(lines, headers=headers)
            elif method == "PLAY":
                return self.play(lines, kind)
            else:
                self.answer(lines)

    def describe(self, lines, kind, uri):
        if kind == "headers":
            self.connection.sendall(b"RTSP/1.0 200 OK\r\n")
            while True:
                self.connection.sendall(b"X-Header: something of some length\r\n" * 1000)
        if kind == "body":
            self.connection.sendall(b"RTSP/1.0 200 OK\r\nContent-Length: 4000000000\r\n\r\n")
            while True:
                self.connection.sendall(b"v=0\r\n" * 10_000)
        if kind == "unauthorized":
            return self.answer(lines, "401 Unauthorized", [f'WWW-Authenticate: Digest realm="r", nonce="{random.random()}", stale=TRUE'])
        if kind == "elsewhere":
            return self.answer(lines, "302 Found", [f"Location: {uri}"])
        more = "a=x:" + "y" * 1000 + "\n"
        body = SDP + (more * 8000 if kind == "description" else "")
        self.answer(lines, headers=["Content-Type: application/sdp", f"Content-Base: {uri}/"], body=body)

    def play(self, lines, kind):
        if kind == "early":
            self.stamp = 1000
            self.send(self.film[0])
        self.answer(lines)
        if kind == "asking":
            self.connection.sendall(b"OPTIONS * RTSP/1.0\r\nCSeq: 77\r\n\r\n")
            while not (said := self.request())[0].startswith("RTSP/1.0 200") or "CSeq: 77" not in said:
                pass
        if kind == "framing":
            self.stamp = 0
            self.send(self.film[0])
            self.connection.sendall(b"\xff" + random.Random(1).randbytes(10_000))
        if kind == "half":
            self.connection.sendall(b"$\0" + struct.pack(">H", 60_000) + b"\x80" * 100)
        if kind == "message":
            self.connection.sendall(b"RTSP/1.0 200 OK\r\n")
            while True:
                self.connection.sendall(b"X-Header: something of some length\r\n" * 1000)
        if kind in ("half", "silent", "framing"):
            time.sleep(3600)
        self.pictures(10 if kind == "ends" else None)


listener = socket.create_server(("127.0.0.1", 0))
film = list(units(sys.argv[1]))
print(f"READY rtsp://127.0.0.1:{listener.getsockname()[1]}", flush=True)


def accept():
    while True:
        Client(listener.accept()[0], film).start()


threading.Thread(target=accept, daemon=True).start()
sys.stdin.read()
