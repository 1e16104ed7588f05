import Concurrency
import Foundation
import Logging
import Messaging
import SystemSupport
import TestSupport
import Testing
import WireFormat

/// The sockets of a guarded daemon with keys of each role; a request is answered with the caller's role.
private struct Guarded {
    let publisher: Publisher
    let server: ControlServer
    let gate: CurveGate
    let publish: String
    let control: String
    let serverKey: CurvePublicKey
    /// The keys: "both" and "ears" from older lists, "eyes" (view), "hands" (control), and the unlisted "stranger".
    let secrets: [String: CurveSecretKey]

    init() throws {
        let secret = try CurveSecretKey.make()
        serverKey = try secret.publicKey()
        secrets = try Dictionary(
            uniqueKeysWithValues: ["both", "ears", "eyes", "hands", "stranger"].map { ($0, try CurveSecretKey.make()) })
        gate = try CurveGate(
            secret: secret,
            clients: Self.list(
                secrets, ["both": "subscribe,control", "ears": "subscribe", "eyes": "view", "hands": "control"]),
            logger: Logger(label: "test"))
        let folder = FileManager.default.temporaryDirectory.appending(path: "ww-\(UUID().uuidString.prefix(8))").path
        (publish, control) = ("ipc://\(folder)/e", "ipc://\(folder)/c")
        publisher = try Publisher(binding: publish, gate: gate)
        server = try ControlServer(binding: control, gate: gate) { Data("\($1.role) ".utf8) + $0 }
    }

    static func list(_ secrets: [String: CurveSecretKey], _ roles: [String: String]) throws -> ClientList {
        try ClientList(
            roles.map { name, roles in "\(name) \(try #require(secrets[name]).publicKey().z85) \(roles)\n" }.joined())
    }

    func identity(_ name: String, server: CurvePublicKey? = nil) throws -> CurveIdentity {
        CurveIdentity(secret: try #require(secrets[name]), server: server ?? serverKey)
    }

    /// The answer to the named client's request, or the sentence that refuses it.
    func ask(_ name: String, server: CurvePublicKey? = nil) async throws -> String {
        let client = ControlClient(control, identity: try identity(name, server: server))
        return try await blocking {
            do {
                return String(decoding: try client.request(Data("hi".utf8), timeout: 30), as: UTF8.self)
            } catch {
                return "\((error as? MessagingError)?.isDenied ?? false ? "denied" : "failed"): \(error)"
            }
        }
    }
}

@Suite("CURVE", .serialized)
struct CurveTests {
    /// A client in another language: it listens for five messages, sends one request, and prints the results.
    private static let client = """
        import sys, zmq
        publish, control, server, public, secret = (a.encode() for a in sys.argv[1:6])
        def make(kind):
            s = zmq.Context.instance().socket(kind); s.linger = 0
            if server: s.curve_serverkey, s.curve_publickey, s.curve_secretkey = server, public, secret
            return s
        ears, hands = make(zmq.SUB), make(zmq.DEALER)
        ears.setsockopt(zmq.SUBSCRIBE, b""); ears.connect(publish.decode()); hands.connect(control.decode())
        hands.send(b"hi")
        print("heard" if ears.poll(int(sys.argv[6])) else "deaf", "answered" if hands.poll(int(sys.argv[7])) else "silent")
        """

    @Test("a client in another language hears and asks if its key is listed, and without a listed key gets nothing")
    func roles() async throws {
        // Those that hear nothing wait longest.
        let all = ["stranger", "plain", "both", "ears", "eyes", "hands"]
        try await together(all) { try await expectRole($0, ["stranger", "plain"].contains($0)) }
    }

    private func expectRole(_ name: String, _ isStranger: Bool) async throws {
        let expected = isStranger ? "deaf silent" : "heard answered"
        let guarded = try Guarded()
        defer { guarded.server.stop() }
        let secret = guarded.secrets[name]
        // What is to come is waited for as long as it takes; what is not to come, for two seconds.
        let waits = expected.split(separator: " ").map { ["heard", "answered"].contains($0) ? "60000" : "2000" }
        let client = try python(
            Self.client, guarded.publish, guarded.control, secret == nil ? "" : guarded.serverKey.z85,
            try secret?.publicKey().z85 ?? "", secret?.z85 ?? "", waits[0], waits[1])
        var seq: Int64 = 0
        while client.isRunning {
            seq += 1
            guarded.publisher.publish(topic: "match.lobby.q", seq: seq, body: Data("{}".utf8))
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try await client.rest() == "\(expected)\n", "\(name)")
        let denied = guarded.gate.denied
        switch name {
        case "both", "ears", "eyes", "hands": #expect(denied.isEmpty, "\(name): \(denied)")
        case "stranger": #expect(denied["unlisted key"] ?? 0 > 0, "\(denied)")
        default:
            // It hangs up when it has read our greeting: why, is known only where its own was read before.
            #expect((denied["no CURVE"] ?? 0) + (denied["handshake broken off"] ?? 0) > 0, "\(denied)")
        }
    }

    /// A greeting in ZMTP's bytes that refuses CURVE, and waits to be disconnected.
    private static let greeting = """
        import socket, sys
        for place in sys.argv[1:]:
            s = socket.socket(socket.AF_UNIX); s.settimeout(60); s.connect(place)
            s.sendall(b"\\xff" + bytes(8) + b"\\x7f\\x03\\x01" + b"NULL".ljust(20, b"\\0") + bytes(32))
            while s.recv(64): pass
            print("turned away")
        """

    @Test("whoever says that it does without CURVE is turned away from both sockets, and counted as that")
    func noCurve() async throws {
        let guarded = try Guarded()
        defer { guarded.server.stop() }
        let client = try python(
            Self.greeting, String(guarded.publish.dropFirst(6)), String(guarded.control.dropFirst(6)))
        #expect(try await client.rest() == "turned away\nturned away\n")
        // It is counted by a thread of its own, which may come after that.
        let gate = guarded.gate
        #expect(try await until { gate.denied["no CURVE"] == 2 }, "\(gate.denied)")
    }

    @Test("our own client says in one sentence why it is not let in")
    func sentences() async throws {
        let guarded = try Guarded()
        defer { guarded.server.stop() }
        for (name, role) in [("both", "control"), ("ears", "view"), ("eyes", "view"), ("hands", "control")] {
            #expect(try await guarded.ask(name) == "\(role) hi")
        }
        #expect(
            try await guarded.ask("stranger")
                .hasPrefix("denied: the daemon at \(guarded.control) does not let this key in"))
        let other = try CurveSecretKey.make().publicKey()
        #expect(try await guarded.ask("both", server: other).contains("is --server-key its public key"))
        let plain = ControlClient(guarded.control)
        await #expect {
            try await blocking { try plain.request(Data("hi".utf8), timeout: 30) }
        } throws: {
            "\($0)".contains("speaks only CURVE; give --curve-key") && ($0 as? MessagingError)?.isDenied == true
        }
        let open = FileManager.default.temporaryDirectory.appending(path: "ww-\(UUID().uuidString.prefix(8))/c").path
        let server = try ControlServer(binding: "ipc://\(open)") { $0 }
        defer { server.stop() }
        let keyed = ControlClient("ipc://\(open)", identity: try guarded.identity("both"))
        await #expect {
            try await blocking { try keyed.request(Data("hi".utf8), timeout: 30) }
        } throws: {
            "\($0)".contains("not speak CURVE")
        }
        // One who follows is told, too, and does not wait for ever.
        let follower = EventFollower(
            publish: guarded.publish, control: guarded.control, identity: try guarded.identity("stranger"))
        await #expect {
            try await blocking { try follower.run(since: 0) { _ in } }
        } throws: {
            ($0 as? MessagingError)?.isDenied == true
        }
    }

    @Test("a key that is taken off the list is answered no more, on an open connection either, and a new one is")
    func reload() async throws {
        let guarded = try Guarded()
        defer { guarded.server.stop() }
        let secret = try #require(guarded.secrets["both"])
        let client = try Program(
            "/usr/bin/python3",
            [
                "-uc",
                """
                import sys, zmq
                s = zmq.Context().socket(zmq.DEALER); s.linger = 0
                s.curve_serverkey, s.curve_publickey, s.curve_secretkey = (a.encode() for a in sys.argv[2:5])
                s.connect(sys.argv[1])
                while True:
                    wait = int(sys.stdin.readline()); s.send(b"hi")
                    print(s.recv().decode() if s.poll(wait) else "silent")
                """, guarded.control, guarded.serverKey.z85, try secret.publicKey().z85, secret.z85,
            ], hasInput: true)
        client.say("60000")
        #expect(try await client.line() == "control hi")
        // On an open connection, too, a client may do no more than its role by now.
        guarded.gate.reload(try Guarded.list(guarded.secrets, ["both": "operate"]))
        client.say("60000")
        #expect(try await client.line() == "operate hi")
        guarded.gate.reload(try Guarded.list(guarded.secrets, ["stranger": "control"]))
        client.say("2000")
        #expect(try await client.line() == "silent")
        #expect(try await guarded.ask("stranger") == "control hi")
        #expect(try await guarded.ask("both").hasPrefix("denied"))
        #expect(guarded.gate.denied["both is no longer listed"] ?? 0 > 0)
    }

    @Test("a key is 40 letters of Z85 within 32 bytes, and its public half is that of ZeroMQ's own documents")
    func keys() throws {
        let secret = try CurveSecretKey(z85: "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs")
        #expect(try secret.publicKey().z85 == "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID")
        #expect(!"\(secret) \(String(reflecting: secret)) \([secret])".contains("D:)Q"))
        #expect(try CurveSecretKey.make() != CurveSecretKey.make())
        let good = String(repeating: "0", count: 40)
        #expect(try CurvePublicKey(z85: good).bytes == [UInt8](repeating: 0, count: 32))
        let (short, cut) = (String(good.dropLast()), String(good.dropLast(5)))
        let bad: [String] = [
            "", good + "0", short, short + "\"", short + "~", short + "ä", cut + "#####", cut + "%nSc1",
        ]
        for bad in bad {
            #expect(throws: CurveKeyError.self, "\(bad)") { try CurvePublicKey(z85: bad) }
        }
        #expect(try CurvePublicKey(z85: cut + "%nSc0").bytes.suffix(4) == [255, 255, 255, 255])
    }

    @Test("a list of clients says what is wrong by line")
    func lists() throws {
        let keys = try (0..<2).map { _ in try CurveSecretKey.make().publicKey() }
        let list = try ClientList("# who\n\nops \(keys[0]) subscribe,control\n  wall\t\(keys[1])  subscribe \r\n")
        #expect(list.count == 2 && list.client(keys[0])?.role == .control)
        #expect(list.client(keys[1])?.name == "wall" && list.client(keys[1])?.role == .view)
        for (words, role) in [
            ("view", Role.view), ("operate", .operate), ("control", .control), ("subscribe", .view),
            ("operate,view", .operate), ("subscribe,control", .control), ("view,operate,control", .control),
        ] {
            #expect(try ClientList("ops \(keys[0]) \(words)").client(keys[0])?.role == role)
        }
        let (one, two) = (keys[0].z85, keys[1].z85)
        let cases: [(String, Int, String)] = [
            ("ops \(one)", 1, "found 2 words"), ("\n../ops \(one) control", 2, "letters"),
            ("ops \(one.dropLast()) control", 1, "this has 39"), ("ops \(one) root", 1, "\"root\" is none of"),
            ("ops \(one) control,", 1, "none of view, operate, control"), ("ops \(one) View", 1, "none of"),
            ("a \(one) control\nb \(one) control", 2, "this key stands twice"),
            ("a \(one) control\na \(two) control", 2, "two of the name"),
        ]
        for (text, line, part) in cases {
            #expect {
                try ClientList(text)
            } throws: { error in
                guard let failure = error as? ClientList.Failure else { return false }
                return failure.line == line && failure.reason.contains(part)
            }
        }
    }

    @Test("a secret key that others can read is refused, and so is a file that is none")
    func files() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "key-\(UUID())").path
        let secret = try CurveSecretKey.make()
        try "# a key\n\(secret.z85)\n".write(toFile: path, atomically: true, encoding: .utf8)
        for (mode, allowed) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o644, false)] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            if allowed {
                #expect(try KeyFile.secret(path) == secret)
            } else {
                #expect { try KeyFile.secret(path) } throws: { ($0 as? CurveKeyError)?.kind == .exposed }
            }
        }
        // systemd's access lists show as the group's mode.
        try FileManager.default.setAttributes([.posixPermissions: 0o440], ofItemAtPath: path)
        let folder = FileManager.default.temporaryDirectory.path
        #expect(try KeyFile.secret(path, credentials: folder) == secret)
        #expect { try KeyFile.secret(path, credentials: nil) } throws: { ($0 as? CurveKeyError)?.kind == .exposed }
        #expect { try KeyFile.publicKey("/") } throws: { ($0 as? CurveKeyError)?.kind == .missing }
        #expect { try KeyFile.publicKey("/dev/zero") } throws: { ($0 as? CurveKeyError)?.kind == .missing }
        #expect { try KeyFile.publicKey("/nowhere") } throws: { ($0 as? CurveKeyError)?.kind == .missing }
        for text in ["", "\(secret.z85)\n\(secret.z85)\n", String(repeating: "a", count: 5000)] {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            #expect { try KeyFile.publicKey(path) } throws: { ($0 as? CurveKeyError)?.kind == .malformed }
        }
    }

    /// Source of the right values: RFC 32 (Z85), where # counts 84: 84 * 85^4 is more than four bytes hold.
    @Test("a line that begins with # is a comment, also if it is as long as a key")
    func comments() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "key-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let key = try CurveSecretKey.make().publicKey()
        let comment = "# the key of the gate, made in November."
        try #require(comment.utf8.count == 40)
        for line in [comment, String(repeating: "#", count: 40)] {
            try "\(line)\n\(key.z85)\n".write(toFile: path, atomically: true, encoding: .utf8)
            #expect(try KeyFile.publicKey(path) == key, "\(line)")
        }
        #expect(throws: CurveKeyError.self) { try CurvePublicKey(z85: "#0000" + String(repeating: "0", count: 35)) }
    }

    @Test(
        "without CURVE only loopback can be bound, however the address is written; with it, any",
        arguments: [
            ("tcp://127.0.0.1:5000", true), ("tcp://127.9.9.9:*", true), ("tcp://[::1]:5000", true),
            ("tcp://lo:5000", true),
            ("tcp://[::ffff:127.0.0.1]:5000", true), ("tcp://*:5000", false), ("tcp://0.0.0.0:5000", false),
            ("tcp://[::]:5000", false), ("tcp://192.168.1.2:5000", false), ("tcp://127.example.org:5000", false),
            ("tcp://[::ffff:10.0.0.1]:5000", false), ("tcp://eth0:5000", false), ("tcp://[fe80::1%lo]:5000", false),
            ("tcp://128.0.0.1:5000", false), ("tcp://:5000", false), ("tcp://127.1:5000", false),
        ])
    func endpoints(_ endpoint: String, _ isLoopback: Bool) throws {
        if isLoopback {
            try Endpoint.check(endpoint)
        } else {
            #expect { try Endpoint.check(endpoint) } throws: { "\($0)".contains("loopback") }
        }
        try Endpoint.check(endpoint, isGuarded: true)
    }

    @Test(
        "an endpoint that is none is refused, with CURVE too",
        arguments: [
            "", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://127.0.0.1:65536", "tcp://127.0.0.1:-1",
            "tcp://127.0.0.1:!", "udp://127.0.0.1:1", "ipc://", "ipc://@abstract", "ipc://*", "pgm://x:1",
        ])
    func badEndpoints(_ endpoint: String) {
        #expect(throws: MessagingError.self) { try Endpoint.check(endpoint, isGuarded: true) }
    }
}
