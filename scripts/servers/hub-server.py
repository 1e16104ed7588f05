#!/usr/bin/python3
"""A hub on loopback that keeps one model and misbehaves as told, for tests: prints READY and the port, then serves until it
is killed. The endpoint is http://127.0.0.1:PORT/BEHAVIOUR; what was asked for is written to the log, one JSON object a line.

Behaviours, joined by "+": cut (the first answers to a file break off), cutalways, drip (as cutalways, but less), norange,
nolength (chunked), shortchunked, longlength, apilong, apishort, wrong (other bytes of the same length), notfound,
unauthorized, forbidden, busy (429 with Retry-After, then 503), down, later (Retry-After of a day), never (of a number
beyond counting), loop, redirect (to another host name), evil (names that leave the directory), change (the file changes after
the first answer), noifrange (and the validator is not looked at)."""
import argparse
import hashlib
import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--name", default="owner/shapes")
parser.add_argument("--log", required=True)
options = parser.parse_args()

lock = threading.Lock()
answers = {}  # how often a path was answered


def times(key):
    with lock:
        answers[key] = answers.get(key, 0) + 1
        return answers[key] - 1


def data_of(name, version=0):
    with open(os.path.join(options.model, name), "rb") as file:
        data = file.read()
    return bytes([data[0] ^ version]) + data[1:]


def listing(how):
    siblings = []
    for folder, _, files in sorted(os.walk(options.model)):
        for file in sorted(files):
            name = os.path.relpath(os.path.join(folder, file), options.model)
            # What will be there when the file has changed.
            data = data_of(name, 1 if "change" in how and name == "model.safetensors" else 0)
            size = len(data) + ("apilong" in how) - ("apishort" in how)
            entry = {"rfilename": name, "size": size, "blobId": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()}
            if name.endswith((".safetensors", ".bin")):
                entry["blobId"] = "0" * 40
                entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": size, "pointerSize": 134}
            siblings.append(entry)
    if "evil" in how:
        for name in ["../evil.json", "heads/../../evil.safetensors", "/tmp/evil.json", "heads/..", "config.json/../x", ""]:
            siblings.append({"rfilename": name, "size": 4, "blobId": "0" * 40})
    return {"id": options.name, "sha": "0" * 40, "siblings": siblings}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, body=b"", **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        with lock, open(options.log, "a") as log:
            headers = {name.lower(): value for name, value in self.headers.items()}
            print(json.dumps({"path": self.path, "headers": headers}), file=log, flush=True)
        _, how, path = self.path.split("/", 2)
        how = set(how.split("+"))
        for behaviour, code in [("notfound", 404), ("unauthorized", 401), ("forbidden", 403), ("down", 503)]:
            if behaviour in how:
                return self.answer(code)
        if "later" in how:
            return self.answer(429, Retry_After="86400")
        if "never" in how:
            return self.answer(429, Retry_After="9" * 400)
        if "loop" in how:
            return self.answer(302, Location=self.path)
        if "busy" in how:
            count = times(self.path)
            if count == 0:
                return self.answer(429, Retry_After="0")
            if count == 1:
                return self.answer(503)
        if path == f"api/models/{options.name}/revision/main?blobs=true":
            return self.answer(200, json.dumps(listing(how)).encode(), Content_Type="application/json")
        prefix = f"{options.name}/resolve/main/"
        name = path.split("?")[0].removeprefix(prefix)
        if not path.startswith(prefix) or not os.path.exists(os.path.join(options.model, name)):
            return self.answer(404)
        if "redirect" in how and self.headers["Host"].startswith("127.0.0.1"):
            port = self.server.server_port
            return self.answer(302, Location=f"http://localhost:{port}{self.path}?Signature=secret")
        self.file(how, name)

    def file(self, how, name):
        count = times(self.path)
        large = name == "model.safetensors"
        data = data_of(name, 1 if "change" in how and large and count > 0 else 0)
        if "wrong" in how and large:
            data = data[:-1] + bytes([data[-1] ^ 255])
        etag = '"' + hashlib.md5(data).hexdigest() + '"'
        start, wanted = 0, self.headers["Range"]
        valid = "noifrange" in how or self.headers["If-Range"] in (None, etag)
        if wanted and "norange" not in how and valid:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                return self.answer(416, Content_Range=f"bytes */{len(data)}")
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("ETag", etag)
        body = data[start:]
        if "nolength" in how or "shortchunked" in how:
            if "shortchunked" in how and large:
                body = body[: len(body) // 2]
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(body) + ("longlength" in how and large)))
        self.end_headers()
        cut = large and ("cutalways" in how or "drip" in how or ("cut" in how and count < 3))
        self.wfile.write(body[: 100_000 if "drip" in how else 1_500_000] if cut else body)
        if cut or ("longlength" in how and large):
            self.close_connection = True


signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"READY {server.server_port}", flush=True)
server.serve_forever()
