#!/usr/bin/python3
"""A camera on loopback that sends MJPEG over HTTP: mjpeg-camera.py FOLDER_OF_JPEGS [PICTURES_A_SECOND]; prints READY PORT.

The path says which of the ways that cameras have: /std; /nolen (no Content-Length), /dash (dashes in the header's boundary),
/quoted, /noinitial (no boundary before the first part), /end (40 pictures, then the end), /auth and /digest (cam, p@ss:w/or#d%?&!),
/lf (line ends of LF alone), /extra (more headers), /closing (a closing boundary after each part), /chunked, /other (another
boundary than the header says), /noboundary (none in the header), /long and /short (wrong lengths), /padded (zeros behind each
picture), /status (a text part between pictures), /glued (no line end before boundaries), /text (no pictures at all). It ends
with standard input.
"""
import base64
import glob
import hashlib
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

pictures = [open(path, "rb").read() for path in sorted(glob.glob(sys.argv[1] + "/*.jpg"))]
rate = float(sys.argv[2]) if len(sys.argv) > 2 else 20
USER, PASSWORD = "cam", "p@ss:w/or#d%?&!"


def digest(text):
    return hashlib.md5(text.encode()).hexdigest()


class Camera(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *_):
        pass

    def is_welcome(self, path):
        said = self.headers.get("Authorization", "")
        if path == "/auth":
            return said == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if path == "/digest":
            told = dict(re.findall(r'(\w+)="?([^",]*)"?', said))
            middle = f"{told.get('nonce')}:{told.get('nc')}:{told.get('cnonce')}:{told.get('qop')}"
            right = digest(f"{digest(f'{USER}:x:{PASSWORD}')}:{middle}:{digest(f'GET:{self.path}')}")
            return said.startswith("Digest ") and told.get("response") == right
        return True

    def refuse(self, path):
        self.send_response(401)
        way = 'Basic realm="x"' if path == "/auth" else 'Digest realm="x", nonce="abc", qop="auth"'
        self.send_header("WWW-Authenticate", way)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send(self, data):
        if self.path == "/chunked":
            # Chunks that end where parts do not.
            for at in range(0, len(data), 1000):
                piece = data[at : at + 1000]
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        else:
            self.wfile.write(data)
        self.wfile.flush()

    def do_GET(self):
        path = self.path
        if not self.is_welcome(path):
            return self.refuse(path)
        if path == "/chunked":
            self.protocol_version = "HTTP/1.1"
        self.send_response(200)
        name = {"/dash": "--myboundary", "/quoted": '"myboundary"', "/other": "elsewhere"}.get(path, "myboundary")
        kind = "multipart/x-mixed-replace" + ("" if path == "/noboundary" else f"; boundary={name}")
        self.send_header("Content-Type", kind)
        if path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self.stream(path)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def stream(self, path):
        line = b"\n" if path == "/lf" else b"\r\n"
        start, sent = time.time(), 0
        while path != "/end" or sent < 40:
            picture = pictures[sent % len(pictures)]
            data = b"" if path == "/noinitial" and sent == 0 else b"--myboundary" + line
            if path == "/status" and sent % 2:
                data += b"Content-Type: text/plain" + line * 2 + b"temperature: 21 C" + line + b"--myboundary" + line
            if path == "/text":
                picture = b"it is dark"
            data += b"Content-Type: " + (b"text/plain" if path == "/text" else b"image/jpeg") + line
            if path == "/extra":
                data += b"X-Timestamp: 1700000000.123456" + line + b"X-Framerate: 20" + line
            if path == "/padded":
                picture += bytes(3000)
            length = len(picture) + {"/long": 700, "/short": -300}.get(path, 0)
            if path not in ("/nolen", "/glued"):
                data += b"Content-Length: %d" % length + line
            data += line + picture + (b"" if path == "/glued" else line)
            if path == "/closing":
                data += b"--myboundary--" + line
            self.send(data)
            sent += 1
            time.sleep(max(0, start + sent / rate - time.time()))


server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print("READY", server.server_address[1], flush=True)
sys.stdin.read()
os._exit(0)
