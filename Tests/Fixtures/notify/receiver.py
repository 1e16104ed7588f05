#!/usr/bin/env python3
"""A receiver of webhooks: checks each request by the libraries of Standard Webhooks and CloudEvents, and prints a line of
JSON for it. How it answers is read from a file for each request: ok, fail, hang, gone, redirect, or nopicture, which refuses
what is put. Of `plain` requests it checks nothing.

receiver.py PORT SECRET FILE [plain]
"""
import datetime
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from standardwebhooks import Webhook

port, secret, mode_file = int(sys.argv[1]), sys.argv[2], sys.argv[3]
plain = len(sys.argv) > 4
lock = threading.Lock()


def say(record):
    with lock:
        sys.stdout.write(json.dumps(record) + "\n")
        sys.stdout.flush()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_PUT(self):
        self.do_POST()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        with open(mode_file) as file:
            mode = file.read().strip()
        if mode == "hang":
            say({"mode": mode, "id": self.headers.get("webhook-id")})
            time.sleep(600)
            return
        status = {"ok": 204, "fail": 503, "gone": 410, "redirect": 302, "nopicture": 204}[mode]
        if mode == "nopicture" and self.command == "PUT":
            status = 400
        record = {"mode": mode, "path": self.path, "id": self.headers.get("webhook-id"), "at": time.time()}
        try:
            headers = dict(self.headers.items())
            record["method"] = self.command
            if plain and self.command == "PUT":
                record.update(title=self.headers.get("Title"), jpeg=body[:2] == b"\xff\xd8", bytes=len(body))
            elif plain:
                record["body"] = json.loads(body)
                record["authorization"] = self.headers.get("Authorization")
            else:
                Webhook(secret).verify(body, headers)
                event = from_structured_event(HTTPMessage(headers=headers, body=body))
                data = event.get_data()
                age = datetime.datetime.now(datetime.timezone.utc) - event.get_time()
                record.update(
                    event=event.get_id(), type=event.get_type(), source=event.get_source(), subject=event.get_subject(),
                    data=data, age=age.total_seconds())
        except Exception as error:  # what a receiver would refuse
            record["error"] = f"{type(error).__name__}: {error}"
            status = 400
        say(record)
        self.send_response(status)
        if mode == "redirect":
            self.send_header("Location", f"http://127.0.0.1:{port}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()


server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
say({"ready": True})
server.serve_forever()
