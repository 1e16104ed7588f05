import Foundation
import Messaging
import TestSupport
import Testing
import WireFormat

/// Runs a Python program with pyzmq; fails on a machine without pyzmq.
func python(_ program: String, _ arguments: String...) throws -> Program {
    try Program("/usr/bin/python3", ["-c", program] + arguments)
}

@Suite("Messaging", .serialized)
struct MessagingTests {
    private func endpoint() -> String {
        "ipc://" + FileManager.default.temporaryDirectory.appending(path: "ww-\(UUID().uuidString.prefix(8))/s").path
    }

    @Test("a subscriber in another language gets three parts, filtered by topic")
    func publishing() async throws {
        let endpoint = endpoint()
        let publisher = try Publisher(binding: endpoint)
        let client = try python(
            """
            import sys, zmq
            s = zmq.Context().socket(zmq.SUB); s.setsockopt(zmq.SUBSCRIBE, b"match."); s.setsockopt(zmq.RCVTIMEO, 60000)
            s.connect(sys.argv[1]); print(*[p.decode() for p in s.recv_multipart()], sep="|")
            """, endpoint)
        // A subscription takes a moment to arrive: publish until the client has had its message.
        var seq: Int64 = 0
        while client.isRunning, seq < 2000 {
            seq += 1
            publisher.publish(topic: "stream.lobby", seq: seq, body: Data("{}".utf8))
            publisher.publish(topic: "match.lobby.q", seq: seq, body: Data("{\"v\":1}".utf8))
            try await Task.sleep(for: .milliseconds(10))
        }
        let line = try await client.rest().trimmingCharacters(in: .newlines).split(separator: "|")
        #expect(line.count == 3 && line.first == "match.lobby.q" && line.last == "{\"v\":1}")
        #expect(line.count == 3 && Int64(line[1]) != nil)
    }

    @Test("a subscriber to a long prefix hears its other topics, and one that is far too long harms only itself")
    func longPrefixes() async throws {
        let endpoint = endpoint()
        let publisher = try Publisher(binding: endpoint)
        func client(_ bytes: Int) throws -> Program {
            try python(
                """
                import os, sys, zmq
                s = zmq.Context().socket(zmq.SUB); s.setsockopt(zmq.RCVTIMEO, 60000); s.setsockopt(zmq.SUBSCRIBE, b"match.")
                s.setsockopt(zmq.SUBSCRIBE, b"m" + b"x" * (int(sys.argv[2]) - 1)); s.connect(sys.argv[1])
                print(len([s.recv_multipart() for i in range(20)]), flush=True); os._exit(0)
                """, endpoint, "\(bytes)")
        }
        // Its connection is ended over and over again.
        let bad = try client(200_000)
        let good = try [5, 1500, 10_000, 65_000].map { try client($0) }
        var seq: Int64 = 0
        while good.contains(where: \.isRunning), seq < 4000 {
            seq += 1
            publisher.publish(topic: "match.lobby.q", seq: seq, body: Data("{}".utf8))
            try await Task.sleep(for: .milliseconds(10))
        }
        for client in good { #expect(try await client.rest() == "20\n") }
        #expect(bad.isRunning)
        bad.kill()
    }

    @Test("a prefix that no topic can begin with is refused by a sentence")
    func impossiblePrefixes() throws {
        let endpoint = endpoint()
        for prefix in [String(repeating: "x", count: 246), "match.\u{0}"] {
            #expect { try Subscriber(connecting: endpoint, prefixes: ["match.", prefix]) } throws: {
                "\($0)".contains("at most 245 bytes") && "\($0)".contains("\(prefix.utf8.count)")
            }
        }
        _ = try Subscriber(connecting: endpoint, prefixes: [String(repeating: "x", count: 245)])
    }

    @Test("a subscriber with the longest prefix hears what begins with it, and with its other prefixes")
    func longestPrefixes() async throws {
        let endpoint = endpoint()
        let publisher = try Publisher(binding: endpoint)
        let long = String(repeating: "x", count: Subscriber.longestPrefix)
        let subscriber = try Subscriber(connecting: endpoint, prefixes: [long, "match."])
        var heard: Set<String> = []
        for round in 0..<1000 where heard.count < 2 {
            for topic in [long, "match.lobby.q"] {
                publisher.publish(topic: topic, seq: Int64(round + 1), body: Data("{}".utf8))
            }
            while let message = try subscriber.next(milliseconds: 10) { heard.insert(message.topic) }
        }
        #expect(heard == [long, "match.lobby.q"])
    }

    @Test("REQ and DEALER clients in another language are answered, whatever they send")
    func control() async throws {
        let endpoint = endpoint()
        let server = try ControlServer(binding: endpoint) { Data("got ".utf8) + $0 }
        defer { server.stop() }
        let client = try python(
            """
            import sys, zmq
            c = zmq.Context()
            r = c.socket(zmq.REQ); r.setsockopt(zmq.RCVTIMEO, 60000); r.connect(sys.argv[1]); r.send(b"\\xff{"); print(r.recv())
            d = c.socket(zmq.DEALER); d.setsockopt(zmq.RCVTIMEO, 60000); d.connect(sys.argv[1]); d.send(b"x"); print(d.recv_multipart())
            for i in range(200): d.send_multipart([b"", b"%d" % i])
            print(len([d.recv_multipart() for i in range(200)]))
            """, endpoint)
        #expect(try await client.rest() == "b'got \\xff{'\n[b'got x']\n200\n")
        let reply = try await blocking { try ControlClient(endpoint).request(Data("hi".utf8), timeout: 20) }
        #expect(reply == Data("got hi".utf8))
    }

    @Test("an endpoint in use, beyond loopback, or without a daemon is one sentence that names it")
    func refused() throws {
        let endpoint = endpoint()
        let publisher = try Publisher(binding: endpoint)
        #expect { try Publisher(binding: endpoint) } throws: {
            "\($0)".contains("in use") && "\($0)".contains(endpoint)
        }
        publisher.publish(topic: "x", seq: 1, body: Data())
        #expect { try Publisher(binding: "tcp://0.0.0.0:5555") } throws: { "\($0)".contains("loopback") }
        #expect(throws: MessagingError.self) { try Publisher(binding: "udp://x") }
        #expect { try ControlClient(self.endpoint()).request(Data(), timeout: 0.2) } throws: {
            "\($0)".contains("is watchwordd running?")
        }
    }

    @Test("times on the wire have milliseconds and come back")
    func dates() throws {
        let date = Date(timeIntervalSince1970: 1_790_000_000.25)
        let data = try WireCoding.encode([date])
        #expect(String(decoding: data, as: UTF8.self) == "[\"2026-09-21T14:13:20.250Z\"]")
        #expect(try WireCoding.decode([Date].self, data) == [date])
        #expect(ULID.make().count == 26 && ULID.make() != ULID.make())
    }
}
