#!/usr/bin/python3
"""Runs the subscriber against a stand-in for the daemon that loses messages and changes its journal."""
import json
import queue
import threading

import zmq

import subscriber

PUBLISH, CONTROL = "inproc://events", "inproc://control"


class StandIn:
    """The two sockets of a daemon, with a journal that the check writes."""

    def __init__(self, context):
        self.lock, self.journal, self.branches, self.entries, self.newest = threading.Lock(), "A", [], [], 0
        self.publisher = context.socket(zmq.XPUB)
        self.publisher.bind(PUBLISH)
        router = context.socket(zmq.ROUTER)
        router.bind(CONTROL)
        threading.Thread(target=self.serve, args=[router], daemon=True).start()

    def serve(self, router):
        while True:
            peer, *_, text = router.recv_multipart()
            request = json.loads(text)
            with self.lock:
                reply = {"v": 1, "id": request["id"], **self.answer(request["op"], request["args"])}
            router.send_multipart([peer, json.dumps(reply).encode()])

    def answer(self, operation, arguments):
        if operation == "events.open":
            result = {"seq": self.newest, "journal": self.journal, "branches": self.branches, "events": []}
        elif arguments["journal"] != self.journal:
            return {"ok": False, "error": {"code": "other-journal", "message": "the numbers began anew"}}
        else:
            result = [entry for entry in self.entries if entry["body"]["seq"] > arguments["since"]]
            result = result[: arguments["limit"]]
        return {"ok": True, "result": result}

    def store(self, seq, topic="match.lobby.van", **more):
        with self.lock:
            body = {"v": 1, "seq": seq, "in": self.journal, **more}
            self.entries.append({"topic": topic, "body": body})
            self.newest = max(self.newest, seq)
        return topic, seq, body

    def publish(self, topic, seq, body):
        self.publisher.send_multipart([topic.encode(), str(seq).encode(), json.dumps(body).encode()])

    def beat(self):
        self.publish("heartbeat", self.newest, {"v": 1, "seq": self.newest, "journal": self.journal})


def main():
    context = zmq.Context()
    daemon, shown, errors = StandIn(context), queue.Queue(), []
    for seq in range(1, 4):
        daemon.store(seq)

    def run():
        try:
            subscriber.follow(context, PUBLISH, CONTROL, shown.put, last=1)
        except Exception as error:
            errors.append(error)
            shown.put(None)

    def expect(*wanted):
        """Exactly these come next; each is a journal's name and a number."""
        for journal, seq in wanted:
            body = shown.get(timeout=20)
            assert body is not None, errors
            assert (body["in"], body["seq"]) == (journal, seq), f"expected {journal} {seq}, found {body}"

    threading.Thread(target=run, daemon=True).start()
    daemon.publisher.recv()  # its subscription is there
    expect(("A", 2), ("A", 3))  # what came before, from the journal
    live = daemon.store(4)
    daemon.publish(*live)
    expect(("A", 4))
    daemon.store(5), daemon.store(6, topic="stream.lobby")  # never published: a gap, and one message that is no event
    daemon.publish(*daemon.store(7))
    daemon.publish(*live)  # an old one again
    expect(("A", 5), ("A", 7))
    daemon.store(8)
    daemon.beat()  # a heartbeat alone tells of the newest
    expect(("A", 8))
    daemon.store(10, topic="lost", first=9, last=10, reason="retention")
    daemon.publish(*daemon.store(11))
    expect(("A", 11))
    with daemon.lock:  # a restored copy, which agrees with A up to 7
        daemon.journal, daemon.branches = "B", [{"journal": "A", "seq": 7, "complete": False}]
        daemon.entries, daemon.newest = [entry for entry in daemon.entries if entry["body"]["seq"] <= 7], 7
    daemon.store(8), daemon.store(9)
    daemon.beat()
    expect(("B", 8), ("B", 9))
    with daemon.lock:  # the same journal, rewritten in place by an older copy
        daemon.entries, daemon.newest = [], 0
    daemon.store(1)
    daemon.beat()
    expect(("B", 1))
    for seq in range(2, 2503):  # more than two pages of a replay
        daemon.store(seq)
    daemon.beat()
    expect(*(("B", seq) for seq in range(2, 2503)))
    assert shown.empty()
    print("subscriber-python: each event once and in order, over gaps, a lost span and two other journals")


if __name__ == "__main__":
    main()
