import Foundation
import Messaging
import TestSupport
import Testing
import WireFormat

/// The number of connections to each socket in turn: 2,000, in `make drills` 40,000, or `WATCHWORD_CONNECTIONS`.
private let inTurn = ProcessInfo.processInfo.environment["WATCHWORD_CONNECTIONS"].flatMap { Int($0) } ?? 2_000
/// The number of simultaneous connections to each socket.
private let atOnce = max(200, inTurn / 40)

@Suite("Connections", .serialized)
struct ConnectionTests {
    /// A program that opens connections of every bad kind.
    ///
    /// They are silent, send half a greeting, garbage, a handshake that stops, or a whole one and then garbage. The
    /// held ones are all open at once; the program reports that, and waits for a word.
    private static let crowd = """
        import os, random, socket, struct, sys
        endpoint, turns, held = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
        greeting = b"\\xff" + bytes(8) + b"\\x7f\\x03\\x00" + b"NULL".ljust(20, b"\\0") + bytes(32)
        ready = b"\\x05READY\\x0bSocket-Type\\x00\\x00\\x00\\x06DEALER"
        ready = b"\\x04" + bytes([len(ready)]) + ready
        huge = b"\\x02" + struct.pack(">Q", 1 << 62)
        random.seed(7)
        def kinds():
            while True:
                yield b""
                yield greeting[:random.randrange(1, 64)]
                yield random.randbytes(random.randrange(1, 300))
                yield greeting
                yield greeting + ready[:random.randrange(1, len(ready))]
                yield greeting + b"\\x04\\x06\\x05HELLO"
                yield greeting + ready + huge
                yield greeting + ready + b"\\x01\\x00\\x00" + bytes([200]) + random.randbytes(200)
                yield greeting + ready + b"\\x04\\x05\\x04PING" + random.randbytes(50)
                yield greeting.replace(b"NULL\\0", b"CURVE") + random.randbytes(200)
        def open_one():
            if endpoint.startswith("ipc://"):
                s = socket.socket(socket.AF_UNIX); s.connect(endpoint[6:]); s.settimeout(60)
            else:
                host, port = endpoint[6:].rsplit(":", 1)
                s = socket.create_connection((host, int(port)), 60)
            return s
        kind, open_ones = kinds(), []
        for i in range(held):
            s = open_one(); open_ones.append(s)
            try: s.sendall(next(kind))
            except OSError: pass
        print("held"); sys.stdin.readline()
        for s in open_ones: s.close()
        for i in range(turns):
            s = open_one()
            try: s.sendall(next(kind))
            except OSError: pass
            s.close()
        print("done")
        """

    private struct Use: CustomStringConvertible {
        let descriptors: Int
        let threads: Int
        let megabytes: Double
        var description: String { "\(descriptors) descriptors, \(threads) threads, \(megabytes) MB" }

        init(_ process: Int32) throws {
            descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count
            let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
            func value(_ key: String) -> Int {
                status.split(separator: "\n").first { $0.hasPrefix(key) }
                    .flatMap { $0.split(whereSeparator: \.isWhitespace).dropFirst().first }.flatMap { Int($0) } ?? -1
            }
            threads = value("Threads:")
            megabytes = Double(value("VmRSS:")) / 1024
        }
    }

    /// Starts one such program for each socket.
    private static func crowds(_ daemon: Guest, turns: Int) throws -> [Program] {
        try [daemon.publish, daemon.control].map { endpoint in
            try Program("/usr/bin/python3", ["-uc", crowd, endpoint, "\(turns)", "\(atOnce)"], hasInput: true)
        }
    }

    @Test(
        "a crowd at both sockets keeps nobody out, and nothing of it stays",
        arguments: ["ipc", "tcp", "ipc with CURVE", "tcp with CURVE"])
    func crowd(_ kind: String) async throws {
        let place = try Place()
        let daemon = try await Guest(place, kind)
        _ = try await daemon.ask("status")
        for _ in 0..<20 { #expect(try await daemon.ask("status").ok) }
        let first = try Use(daemon.process.identifier)
        // The allocator keeps what the first crowd took: memory is compared with what it is after that.
        for crowd in try Self.crowds(daemon, turns: 0) {
            crowd.say("go")
            _ = try await crowd.rest()
        }
        #expect(try await until { try Use(daemon.process.identifier).descriptors <= first.descriptors + 2 })
        let before = try Use(daemon.process.identifier)
        let crowds = try Self.crowds(daemon, turns: inTurn)
        for crowd in crowds { #expect(try await crowd.line() == "held") }
        // Those that have said nothing wrong yet are let stay a while.
        #expect(try await until { try Use(daemon.process.identifier).descriptors > before.descriptors + atOnce / 4 })
        #expect(try await daemon.ask("status").ok, "while all are there at once")
        for crowd in crowds { crowd.say("go") }
        var served = 0
        while crowds.contains(where: \.isRunning) {
            #expect(try await daemon.ask("status").ok, "while others come and go")
            served += 1
            // Less often than one peer may ask.
            try await Task.sleep(for: .milliseconds(10))
        }
        for crowd in crowds { #expect(try await crowd.rest() == "done\n") }
        #expect(served > 0)
        let isOver = try await until {
            let now = try Use(daemon.process.identifier)
            return now.descriptors <= before.descriptors + 2 && now.threads <= before.threads + 2
                && now.megabytes < before.megabytes + 10
        }
        let after = try Use(daemon.process.identifier)
        #expect(isOver, "before: \(before); now: \(after)")
        print("connections, \(kind): before \(before); after \(after); \(served) requests served meanwhile")
        #expect(daemon.process.isRunning)
        withExtendedLifetime(place) {}
    }
}

/// A daemon without streams, and a client that it accepts.
private struct Guest {
    let process: Program
    let publish: String
    let control: String
    private let identity: CurveIdentity?

    init(_ place: Place, _ kind: String) async throws {
        let isLocal = kind.hasPrefix("ipc")
        publish = isLocal ? place.publish : "tcp://127.0.0.1:\(try freePort())"
        control = isLocal ? place.control : "tcp://127.0.0.1:\(try freePort())"
        var lines = [
            "model: \(Fixtures.shapes.path)", "head: mean", "publish: \(publish)", "control: \(control)",
            "pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)", "log: {level: error}",
            "queries: [{text: a blue circle}]",
        ]
        if kind.hasSuffix("CURVE") {
            let (server, client) = (try CurveSecretKey.make(), try CurveSecretKey.make())
            let key = place.folder.appending(path: "key").path
            _ = FileManager.default.createFile(
                atPath: key, contents: Data(server.z85.utf8), attributes: [.posixPermissions: 0o600])
            try "guest \(client.publicKey()) control\n".write(
                toFile: place.folder.appending(path: "clients").path, atomically: true, encoding: .utf8)
            lines.append("curve: {key: key, clients: clients}")
            identity = CurveIdentity(secret: client, server: try server.publicKey())
        } else {
            identity = nil
        }
        let config = place.folder.appending(path: "w.yaml")
        try lines.joined(separator: "\n").write(to: config, atomically: true, encoding: .utf8)
        process = try Program(Fixtures.plugins + "/watchwordd", ["--config", config.path])
        let guest = self
        try #require(try await until { (try? await guest.ask("status"))?.ok ?? false })
    }

    func ask(_ operation: String) async throws -> ControlReply {
        let client = ControlClient(control, identity: identity)
        return try await blocking {
            let request = try WireCoding.encode(ControlRequest(id: "1", op: operation, args: nil))
            return try WireCoding.decode(ControlReply.self, client.request(request, timeout: 60))
        }
    }
}
