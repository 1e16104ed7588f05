#!/usr/bin/python3
"""A camera on loopback that has pictures, each to be asked for: `snapshot-server.py PICTURE... --log FILE`.

Prints READY and its port. Pictures are files; every request is a line of JSON in the log: path, headers, and which
connection. Names say how they behave; ends with standard input.
"""
import base64
import email.utils
import hashlib
import json
import pathlib
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

split = sys.argv.index("--log")
pictures = [open(path, "rb").read() for path in sys.argv[1:split]]
log_file = open(sys.argv[split + 1], "a", buffering=1)
lock = threading.Lock()
counts = {}
FILM = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/videos/lobby.mp4"
USER, PASSWORD = "cam", "p@ss:w/or#d%?&!"


def is_digest_right(header, method, path):
    if not header.startswith("Digest "):
        return False
    said = {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^",\s]+))', header)}
    one = hashlib.md5(f"{USER}:yard:{PASSWORD}".encode()).hexdigest()
    two = hashlib.md5(f"{method}:{path}".encode()).hexdigest()
    parts = [one, "once", said.get("nc"), said.get("cnonce"), said.get("qop"), two]
    return hashlib.md5(":".join(map(str, parts)).encode()).hexdigest() == said.get("response")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def picture(self, number, **headers):
        self.answer(200, pictures[number % len(pictures)], **{"Content_Type": "image/jpeg", **headers})

    def do_GET(self):
        name = self.path.split("?")[0].rsplit("/", 1)[-1].rsplit(".", 1)[0]
        with lock:
            number = counts[self.path] = counts.get(self.path, -1) + 1
            line = {"path": self.path, "connection": self.client_address[1], "headers": dict(self.headers)}
            log_file.write(json.dumps(line) + "\n")
        getattr(self, "get_" + name, self.get_unknown)(number)

    def get_unknown(self, number):
        self.answer(404)

    def get_changing(self, number):
        self.picture(number, ETag=f'"{number}"')

    def get_still(self, number):
        if self.headers.get("If-None-Match") == '"one"':
            return self.answer(304, ETag='"one"')
        self.picture(0, ETag='"one"')

    def get_dated(self, number):
        date = email.utils.formatdate(1_700_000_000, usegmt=True)
        if self.headers.get("If-Modified-Since") == date:
            return self.answer(304)
        self.picture(0, Last_Modified=date)

    def get_camera(self, number):
        self.picture(number)

    def get_basic(self, number):
        right = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != right:
            return self.answer(401, WWW_Authenticate='Basic realm="yard"')
        self.picture(number)

    def get_digest(self, number):
        if not is_digest_right(self.headers.get("Authorization", ""), "GET", self.path):
            return self.answer(401, WWW_Authenticate='Digest realm="yard", nonce="once", qop="auth", algorithm=MD5')
        self.picture(number)

    def get_busy(self, number):
        self.answer(503, Retry_After="7")

    def get_sometimes(self, number):
        """Of every three pictures the second is cut off."""
        if number % 3 != 1:
            return self.picture(number)
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(pictures[0])))
        self.end_headers()
        self.wfile.write(pictures[0][: len(pictures[0]) // 2])
        self.close_connection = True

    def get_cut(self, number):
        """Cut off within the camera, which does not know it."""
        half = pictures[0][: len(pictures[0]) // 2]
        self.answer(200, half, Content_Type="image/jpeg")

    def get_endless(self, number):
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                self.wfile.write(bytes(1 << 16))
        except OSError:
            pass

    def get_near(self, number):
        self.answer(302, Location="/still.jpg")

    def get_around(self, number):
        self.answer(302, Location="/around.jpg")

    def get_file(self, number):
        self.answer(302, Location="file:///etc/passwd")

    def get_inward(self, number):
        """To another address of this machine, by a port that is given behind the question mark."""
        self.answer(302, Location=f"http://127.0.0.2:{self.path.split('?')[1]}/still.jpg")

    def get_film(self, number):
        """A film that is named as a picture."""
        self.answer(200, FILM.read_bytes(), Content_Type="video/mp4")

    def get_stream(self, number):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                part = pictures[0]
                head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(part)}\r\n\r\n"
                self.wfile.write(head.encode() + part + b"\r\n")
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            pass


server = ThreadingHTTPServer(("", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print("READY", server.server_address[1], flush=True)
sys.stdin.read()
