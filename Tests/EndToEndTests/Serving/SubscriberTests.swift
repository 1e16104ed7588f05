import Foundation
import Journal
import Messaging
import TestSupport
import Testing
import WireFormat

@Suite("Subscribers", .serialized)
struct SubscriberTests {
    /// A subscriber that reads all the time, and at the end prints how many of 10,000 messages it missed.
    private static let steady = """
        import sys, zmq
        s = zmq.Context().socket(zmq.SUB); s.setsockopt(zmq.SUBSCRIBE, b"match."); s.setsockopt(zmq.RCVHWM, 0)
        s.connect(sys.argv[1]); s.setsockopt(zmq.RCVTIMEO, 60000); holes = 0
        last = int(s.recv_multipart()[1]); print("reading", flush=True)
        for i in range(10000):
            seq = int(s.recv_multipart()[1]); holes += seq != last + 1; last = seq
        print(holes)
        """

    /// A subscriber that pauses twice, requests missing messages, and prints whether it has all.
    private static let stopping = """
        import json, sys, zmq
        c = zmq.Context(); s = c.socket(zmq.SUB); s.setsockopt(zmq.SUBSCRIBE, b"match.s1."); s.setsockopt(zmq.RCVHWM, 20)
        s.setsockopt(zmq.RCVTIMEO, 60000); s.connect(sys.argv[1])
        r = c.socket(zmq.DEALER); r.setsockopt(zmq.RCVTIMEO, 60000); r.connect(sys.argv[2])
        def ask(since):
            args = {"since": since, "limit": 10000, "topic": "match.s1."}
            r.send(json.dumps({"v": 1, "id": "1", "op": "events.replay", "args": args}).encode())
            return [e["body"]["seq"] for e in json.loads(r.recv_multipart()[-1])["result"]]
        got = [int(s.recv_multipart()[1])]; gaps = 0; stops = 0
        while gaps < 2:
            topic, seq, body = s.recv_multipart(); seq = int(seq)
            if seq <= got[-1]: continue
            if json.loads(body)["prev"] != got[-1]:
                gaps += 1
                got += [n for n in ask(got[-1]) if n < seq]
            got.append(seq)
            if stops < 2 and stops <= gaps and len(got) > 50:
                stops += 1; print("stopped", flush=True); sys.stdin.readline()
        print(stops, got == [n for n in ask(got[0] - 1) if n <= got[-1]], flush=True)
        """

    @Test("one that stops reading loses what it may, asks for its gap and gets all of it; others lose nothing by it")
    func stopped() async throws {
        let place = try Place()
        let command = place.producer(lanes: 3, pause: 0)
        let producer = try Program(command[0], Array(command.dropFirst()))
        try #require(try await until { await place.seq() > 0 })
        // Reads on, with room for what comes while the machine is busy elsewhere, and loses nothing: it never has to
        // ask.
        let other = try Program("/usr/bin/python3", ["-c", Self.steady, place.publish])
        #expect(try await other.line() == "reading")
        // Sees its gaps by `prev` alone, on the one topic that it has subscribed to.
        let stopped = try Program(
            "/usr/bin/python3", ["-c", Self.stopping, place.publish, place.control], hasInput: true)
        for _ in 0..<2 {
            #expect(try await stopped.line() == "stopped")
            // More than its queue, the publisher's for it and the socket between them hold.
            let seq = await place.seq()
            #expect(try await until { await place.seq() > seq + 6000 })
            stopped.say("go on")
        }
        let said = try await stopped.rest()
        #expect(said == "2 True\n", "\(said)")
        #expect(try await other.line() == "0")
        withExtendedLifetime(producer) {}
    }

    @Test("heartbeats say the newest number and have none of their own")
    func heartbeats() async throws {
        let place = try Place()
        let command = place.producer(lanes: 1, pause: 100)
        let producer = try Program(command[0], Array(command.dropFirst()))
        let client = try Program(
            "/usr/bin/python3",
            [
                "-c",
                """
                import json, sys, zmq
                s = zmq.Context().socket(zmq.SUB); s.setsockopt(zmq.SUBSCRIBE, b""); s.setsockopt(zmq.RCVTIMEO, 60000)
                s.connect(sys.argv[1]); last = None; beats = 0; right = True
                while beats < 5:
                    topic, seq, body = s.recv_multipart(); seq = int(seq); body = json.loads(body)
                    right &= body["seq"] == seq and body["v"] == 1
                    if topic == b"heartbeat":
                        beats += last is not None; right &= last in (None, seq) and body["journaled"]
                    else: right &= last in (None, seq - 1); last = seq
                print(right)
                """, place.publish,
            ])
        #expect(try await client.rest() == "True\n")
        withExtendedLifetime(producer) {}
    }

    @Test("a follower slower than what comes is told all of it, once and in order")
    func slow() async throws {
        let place = try Place()
        let command = place.producer(lanes: 4, pause: 1)
        let producer = try Program(command[0], Array(command.dropFirst()))
        try #require(try await until { await place.seq() > 0 })
        let slow = Following(place, queue: 10, slowly: true)
        let some = Following(place, filter: .init(query: "q", stream: "s2"))
        let none = Following(place, filter: .init(query: "other"))
        #expect(try await until { slow.messages.count > 2000 && some.messages.count > 500 })
        for following in [slow, some, none] { try await following.stop() }
        producer.kill()
        #expect(try await until { !producer.isRunning })
        let told = slow.messages.map(\.seq)
        #expect(told == Array(1...Int64(told.count)))
        let entries = try place.entries()
        let wanted = entries.filter { $0.stream == "s2" }.map(\.seq)
        #expect(some.messages.map(\.seq) == Array(wanted.prefix(some.messages.count)))
        #expect(none.all.isEmpty)
    }

    @Test("one who asks for the open events first knows the state after each message that follows")
    func open() async throws {
        let place = try Place()
        let command = place.producer(lanes: 6, pause: 5)
        let producer = try Program(command[0], Array(command.dropFirst()))
        try #require(try await until { await place.seq() > 100 })
        let following = Following(place, since: nil, open: true)
        #expect(try await until { following.messages.count > 300 })
        try await following.stop()
        producer.kill()
        #expect(try await until { !producer.isRunning })
        // An event that goes on is known: it was open, or has started since.
        var known: Set<String> = []
        var ended = 0
        for told in following.all {
            guard case .open(let wire) = told else {
                guard case .message(let wire) = told else { continue }
                let message = try WireCoding.decode(MatchMessage.self, wire.body)
                switch message.phase {
                case "start": #expect(known.insert(message.event).inserted)
                case "end":
                    #expect(known.remove(message.event) != nil)
                    ended += 1
                default: #expect(known.contains(message.event))
                }
                continue
            }
            let message = try WireCoding.decode(MatchMessage.self, wire.body)
            #expect(message.phase != "end" && known.insert(message.event).inserted)
        }
        #expect(ended > 20 && !known.isEmpty)
    }

    @Test("the command line prints what the journal has, goes on live, and waits for a daemon that starts again")
    func commandLine() async throws {
        let place = try Place()
        let command = place.producer(lanes: 2, pause: 10)
        let first = try Program(command[0], Array(command.dropFirst()))
        try #require(try await until { await place.seq() > 20 })
        let client = try Program(
            Fixtures.plugins + "/watchword",
            [
                "events", "--since", "5", "--follow", "--json", "--stream", "s1", "--publish", place.publish,
                "--control", place.control,
            ])
        var second: Program?
        var seqs: [Int64] = []
        for round in 0..<60 {
            if round == 30 {
                first.kill()
                #expect(try await until { !first.isRunning })
                second = try Program(command[0], Array(command.dropFirst()))
            }
            seqs.append(try WireCoding.decode(MatchMessage.self, Data(try await client.line().utf8)).seq)
        }
        client.kill()
        let last = try #require(second)
        last.kill()
        #expect(try await until { !last.isRunning })
        let wanted = try place.entries().filter { $0.seq > 5 && $0.stream == "s1" }.map(\.seq)
        #expect(seqs == Array(wanted.prefix(60)))
        let found = try await run("watchword", ["events", "--since", "0", "--control", place.control])
        #expect(found.code == 69 && found.err.contains("is watchwordd running?"))
    }
}
