#!/usr/bin/python3
"""Prints every event of a Watchword daemon once and in order, one JSON object a line.

    subscriber.py [--state FILE] [--since SEQ] [--publish ENDPOINT] [--control ENDPOINT]

A message that is missing live is fetched from the journal before anything newer is printed. --state keeps the last number
and the journal's name, so that a restart continues where it stopped. Needs pyzmq (Debian: python3-zmq).
"""
import argparse
import json
import os
import sys
import time

import zmq

PAGE = 1000  # messages of one replay
SILENCE = 25  # seconds without even a heartbeat, which comes every 10, after which the journal is asked


class Refused(Exception):
    """The daemon refused a request; `code` is for programs."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]


class Control:
    """The daemon's control socket: one request, one reply."""

    def __init__(self, context, endpoint):
        self.context, self.endpoint, self.number, self.socket = context, endpoint, 0, None

    def ask(self, operation, **arguments):
        """The result; waits for a daemon that is away or busy."""
        while True:
            try:
                return self.try_once(operation, arguments)
            except zmq.Again:
                say(f"{self.endpoint} does not answer; trying again")
            except Refused as refusal:
                if refusal.code not in ("busy", "too-many-requests", "timeout"):
                    raise
            time.sleep(1)

    def try_once(self, operation, arguments):
        if self.socket is None:
            self.socket = self.context.socket(zmq.DEALER)
            self.socket.setsockopt(zmq.LINGER, 0)
            self.socket.setsockopt(zmq.SNDTIMEO, 10_000)
            self.socket.setsockopt(zmq.RCVTIMEO, 10_000)
            self.socket.connect(self.endpoint)
        self.number += 1
        request = {"v": 1, "id": str(self.number), "op": operation, "args": arguments}
        try:
            self.socket.send(json.dumps(request).encode())
            reply = json.loads(self.socket.recv_multipart()[-1])
        except zmq.Again:
            self.socket.close()  # a late answer would be taken for the next one
            self.socket = None
            raise
        if not reply["ok"]:
            raise Refused(reply["error"])
        return reply["result"]


class Follower:
    """Knows the last number that was printed, and fills every gap before it goes on."""

    def __init__(self, control, show, last=None, journal=None, changed=lambda follower: None):
        self.control, self.show, self.changed = control, show, changed
        now = control.ask("events.open")
        self.last = now["seq"] if last is None else last
        self.journal = journal or now["journal"]
        if journal is None and self.last > now["seq"]:
            sys.exit(f"subscriber: there is no message {self.last} yet; the newest is {now['seq']}")
        self.check()

    def take(self, topic, seq, body):
        """One live message. The socket is subscribed to all topics: only then is a hole in `seq` a loss."""
        if topic == "heartbeat":
            if body["journal"] != self.journal or body["seq"] < self.last:
                self.check()
            elif body["seq"] > self.last:
                self.fill(body["seq"])
            return
        if seq > self.last + 1:
            self.fill(seq - 1)
        if seq > self.last:  # else the journal has given it already
            self.tell(topic, seq, body)

    def check(self):
        """Finds out whether the daemon has the same journal as before, and shows what is new in it."""
        now = self.control.ask("events.open")
        if now["journal"] != self.journal:
            self.move(now)
        elif now["seq"] < self.last:  # an older copy of the file took its place, unnoticed by the daemon
            say("the journal has gone back; its messages are shown from the beginning")
            self.last = 0
        self.fill(now["seq"])

    def fill(self, seq):
        """Shows what the journal has after the last message, up to number `seq`."""
        while self.last < seq:
            try:
                page = self.control.ask("events.replay", since=self.last, limit=PAGE, journal=self.journal)
            except Refused as refusal:
                if refusal.code != "other-journal":
                    raise
                now = self.control.ask("events.open")
                self.move(now)
                seq = now["seq"]
                continue
            for entry in page:
                self.tell(entry["topic"], entry["body"]["seq"], entry["body"])
            if len(page) < PAGE:
                self.last = max(self.last, seq)

    def move(self, now):
        """The daemon has another journal, after a restore: goes back to the last number that both have."""
        common = [branch["seq"] for branch in now["branches"] if branch["journal"] == self.journal]
        self.last = min(self.last, common[-1] if common else 0)
        self.journal = now["journal"]
        say(f"the daemon has another journal than before; both agree up to number {self.last}")

    def tell(self, topic, seq, body):
        if topic == "lost":
            say(f"messages {body['first']} to {body['last']} are gone: {body['reason']}")
        elif topic.startswith("match."):
            self.show(body)
        self.last = seq
        self.changed(self)


def say(sentence):
    print(f"subscriber: {sentence}", file=sys.stderr, flush=True)


def follow(context, publish, control, show, last=None, journal=None, changed=lambda follower: None):
    """Subscribes first, then asks for what came before: nothing can fall in between. Never returns."""
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.SUBSCRIBE, b"")
    socket.connect(publish)
    follower = Follower(Control(context, control), show, last, journal, changed)
    while True:
        if socket.poll(SILENCE * 1000):
            topic, seq, body = socket.recv_multipart()
            follower.take(topic.decode(), int(seq), json.loads(body))
        else:
            follower.check()


def endpoint(name):
    """The socket of the user's own daemon if there is one, else of the machine's."""
    own = f"/tmp/watchword-{os.geteuid()}/{name}.sock"
    return "ipc://" + (own if os.path.exists(own) else f"/run/watchword/{name}.sock")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--publish", default=os.environ.get("WATCHWORD_PUBLISH") or endpoint("events"))
    parser.add_argument("--control", default=os.environ.get("WATCHWORD_CONTROL") or endpoint("control"))
    parser.add_argument("--since", type=int, help="begin after this number; 0 is the beginning of the journal")
    parser.add_argument("--state", help="a file that keeps the place")
    options = parser.parse_args()
    last, journal = options.since, None
    if options.state and os.path.exists(options.state):
        with open(options.state, encoding="utf-8") as file:
            state = json.load(file)
        last, journal = state["last"], state["journal"]

    def keep(follower):
        """Written after a message was printed: a crash between the two prints that message again, and loses none."""
        if options.state:
            with open(options.state + ".new", "w", encoding="utf-8") as file:
                json.dump({"last": follower.last, "journal": follower.journal}, file)
            os.replace(options.state + ".new", options.state)

    try:
        follow(zmq.Context(), options.publish, options.control, lambda event: print(json.dumps(event), flush=True),
               last, journal, keep)
    except KeyboardInterrupt:
        pass
    except Refused as refusal:
        sys.exit(f"subscriber: {refusal}")


if __name__ == "__main__":
    main()
