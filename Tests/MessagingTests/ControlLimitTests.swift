import Foundation
import Messaging
import TestSupport
import Testing

@Suite("Limits of the control socket", .serialized)
struct ControlLimitTests {
    private func endpoint() -> String {
        "ipc://" + FileManager.default.temporaryDirectory.appending(path: "ww-\(UUID().uuidString.prefix(8))/c").path
    }

    @Test("a peer that asks too often is told so, and others are served")
    func rate() async throws {
        let endpoint = endpoint()
        var limits = ControlLimits()
        (limits.rate, limits.burst) = (0.001, 3)
        let server = try ControlServer(binding: endpoint, limits: limits) { _ in Data("answer".utf8) }
        defer { server.stop() }
        let client = try python(
            """
            import sys, zmq
            d = zmq.Context().socket(zmq.DEALER); d.setsockopt(zmq.RCVTIMEO, 60000); d.connect(sys.argv[1])
            for i in range(10): d.send(b"x")
            r = [d.recv() for i in range(10)]
            print(r.count(b"answer"), sum(b'"too-many-requests"' in x for x in r))
            """, endpoint)
        #expect(try await client.rest() == "3 7\n")
        let reply = try await blocking { try ControlClient(endpoint).request(Data("hi".utf8), timeout: 30) }
        #expect(reply == Data("answer".utf8))
    }

    @Test("while as many requests are worked on as may be, more are answered busy")
    func busy() async throws {
        let endpoint = endpoint()
        var limits = ControlLimits()
        limits.inFlight = 2
        let (gate, open) = AsyncStream<Void>.makeStream()
        let server = try ControlServer(binding: endpoint, limits: limits) { _ in
            for await _ in gate {}
            return Data("late".utf8)
        }
        defer { server.stop() }
        let client = try Program(
            "/usr/bin/python3",
            [
                "-uc",
                """
                import sys, zmq
                d = zmq.Context().socket(zmq.DEALER); d.setsockopt(zmq.RCVTIMEO, 60000); d.connect(sys.argv[1])
                for i in range(5): d.send(b"x")
                print(sum(b'"busy"' in d.recv() for i in range(3)))
                print(d.recv(), d.recv())
                """, endpoint,
            ])
        #expect(try await client.line() == "3")
        open.finish()
        #expect(try await client.line() == "b'late' b'late'")
    }

    @Test("a request larger than may be ends its connection, and is never read")
    func size() async throws {
        let endpoint = endpoint()
        var limits = ControlLimits()
        (limits.request, limits.importRequest) = (1 << 20, 1 << 20)
        let server = try ControlServer(binding: endpoint, limits: limits) { Data("\($0.count)".utf8) }
        defer { server.stop() }
        let client = ControlClient(endpoint)
        let fits = try await blocking { try client.request(Data(count: 1 << 20), timeout: 30) }
        #expect(fits == Data("1048576".utf8))
        await #expect {
            try await blocking { try client.request(Data(count: 1 << 20 + 1), timeout: 30) }
        } throws: {
            "\($0)".contains("closed the connection")
        }
    }

    @Test("messages of wrong parts hold nothing up")
    func parts() async throws {
        let endpoint = endpoint()
        let server = try ControlServer(binding: endpoint) { Data("got ".utf8) + $0 }
        defer { server.stop() }
        let client = try python(
            """
            import sys, zmq
            d = zmq.Context().socket(zmq.DEALER); d.setsockopt(zmq.RCVTIMEO, 60000); d.connect(sys.argv[1])
            d.send_multipart([b""]); print(d.recv_multipart())
            d.send_multipart([b"", b"", b""]); print(d.recv_multipart())
            d.send_multipart([b"%d" % i for i in range(1000)]); print(len(d.recv_multipart()))
            d.send_multipart([b"x" * 1000, b"", b"end"]); print(d.recv_multipart()[1:])
            s = zmq.Context().socket(zmq.SUB); s.connect(sys.argv[1])
            p = zmq.Context().socket(zmq.PUSH); p.linger = 0; p.connect(sys.argv[1])
            d.send(b"still"); print(d.recv())
            """, endpoint)
        #expect(
            try await client.rest() == "[b'got ']\n[b'', b'', b'got ']\n15\n[b'', b'got end']\nb'got still'\n")
    }
}
