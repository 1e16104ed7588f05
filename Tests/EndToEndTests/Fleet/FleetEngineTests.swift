import Fleet
import Foundation
import TestSupport
import Testing
import WireFormat

@Suite("Daemons of a fleet and a real etcd that is full, compacted, or careful", .serialized)
struct FleetEngineTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "ww-\(UUID().uuidString.prefix(8))")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private func playing(_ count: Int) -> @Sendable (FleetStatus) -> Bool {
        { $0.streams.count { $0.state == "playing" } == count }
    }

    private func sampled(_ box: FleetBox) async throws -> Int64 {
        let all = try await box.place.ask("stream.list").result?.array ?? []
        return all.reduce(0) { $0 + ($1["sampled"]?.integer ?? 0) }
    }

    @Test("while its quota is used up, changes are refused with the reason, and watching goes on")
    func noSpace() async throws {
        let etcd = try await Etcd(in: folder)
        let box = try FleetBox("box-1", engine: etcd.members)
        #expect(try await box.comes { $0.state == "member" }, "\(box.log)")
        #expect(try await box.ask("stream.add", ["name": "a", "uri": "test://ball"]).ok)
        #expect(try await box.comes(playing(1)), "\(box.log)")
        let text = try etcd.control(["endpoint", "status", "-w", "json"])
        let id = try #require(text.firstMatch(of: /"member_id":(\d+)/)?.1)
        let alarm = "{\"action\":\"ACTIVATE\",\"memberID\":\"\(id)\",\"alarm\":\"NOSPACE\"}"
        try output(of: "curl", ["-sf", "-d", alarm, "\(etcd.members[0])/v3/maintenance/alarm"])
        #expect(try etcd.control(["alarm", "list"]).contains("NOSPACE"))

        let refused = try await box.ask("stream.add", ["name": "b", "uri": "test://ball"])
        #expect(refused.error?.code == "unavailable", "\(refused)")
        #expect(refused.error?.message.contains("its quota is used up (NOSPACE)") == true, "\(refused)")
        #expect(try await box.comes { $0.problem?.contains("its quota is used up (NOSPACE)") == true }, "\(box.log)")
        #expect(box.log.contains("its quota is used up (NOSPACE)"))
        let before = try await sampled(box)
        #expect(try await until { try await self.sampled(box) > before + 5 })
        #expect(try await box.status().streams.map(\.node) == ["box-1"])

        try etcd.control(["alarm", "disarm"])
        #expect(try await until { try await box.ask("stream.add", ["name": "b", "uri": "test://ball"]).ok })
        #expect(try await box.comes { self.playing(2)($0) && $0.problem == nil && $0.waiting == 0 }, "\(box.log)")
        #expect(try await box.program.terminate() == 0)
    }

    @Test("a node that was away while revisions were compacted reads all again")
    func compacted() async throws {
        let etcd = try await Etcd(in: folder)
        let boxes = try (1...2).map { try FleetBox("box-\($0)", engine: etcd.members) }
        for box in boxes { #expect(try await box.comes { $0.state == "member" && $0.nodes.count == 2 }, "\(box.log)") }
        #expect(try await boxes[0].ask("query.add", ["id": "old", "text": "a circle"]).ok)
        #expect(try await until { try await boxes[1].ask("query.get", ["id": "old"]).ok })
        boxes[1].program.send(SIGSTOP)
        #expect(try await boxes[0].comes { $0.nodes.count == 1 })
        #expect(try await boxes[0].ask("query.add", ["id": "new", "text": "a square"]).ok)
        #expect(try await boxes[0].ask("query.remove", ["id": "old"]).ok)
        let head = try etcd.control(["get", "ww/site/query/new", "-w", "json"])
        let revision = try #require(head.firstMatch(of: /"revision":(\d+)/)?.1)
        try etcd.control(["compaction", String(revision)])
        // Without this the changes would wait in the connection.
        etcd.killAll()
        try etcd.restart()
        #expect(try await until { (try? etcd.control(["endpoint", "health"])) != nil })
        boxes[1].program.send(SIGCONT)
        #expect(try await until { try await boxes[1].ask("query.get", ["id": "new"]).ok }, "\(boxes[1].log)")
        #expect(try await until { try await !boxes[1].ask("query.get", ["id": "old"]).ok }, "\(boxes[1].log)")
        #expect(try await boxes[1].comes { $0.state == "member" && $0.nodes.count == 2 }, "\(boxes[1].log)")
        for box in boxes { #expect(try await box.program.terminate() == 0) }
    }

    @Test("with TLS, certificates and a role, a fleet runs; an expired certificate and a foreign authority are named")
    func secure() async throws {
        let etcd = try await SecureEtcd(folder)
        let box = try FleetBox("box-1", engine: [etcd.member], more: etcd.lines("node"))
        #expect(try await box.comes { $0.state == "member" }, "\(box.log)")
        #expect(try await box.ask("stream.add", ["name": "a", "uri": "test://ball"]).ok)
        #expect(try await box.comes { self.playing(1)($0) && $0.waiting == 0 && $0.head > 0 }, "\(box.log)")
        #expect(try etcd.control(["put", "ww/other/x", "1"], user: "site").contains("permission denied"))

        let wrongs = [
            ("box-2", etcd.lines("old"), "this node's certificate"),
            ("box-3", etcd.lines("node", authority: "other.pem"), "its certificate is not trusted"),
            ("box-4", ["tls: {ca: \(etcd.path("ca.pem"))}"], "this node's certificate"),
        ]
        for (name, lines, sentence) in wrongs {
            let wrong = try FleetBox(name, engine: [etcd.member], more: lines)
            #expect(try await wrong.comes { $0.problem?.contains(sentence) == true }, "\(name): \(wrong.log)")
            #expect(try await until { wrong.log.contains(sentence) }, "\(name): \(wrong.log)")
            print("\(name):", try await wrong.status().problem ?? "")
            #expect(try await wrong.program.terminate() == 0)
        }
        #expect(try await box.status().nodes.map(\.name) == ["box-1"])
        #expect(try await box.program.terminate() == 0)
    }

    @Test("a clock that is a day ahead is named by both nodes until it is right, and streams are watched all the same")
    func clocks() async throws {
        let etcd = try await Etcd(in: folder)
        let place = try Place()
        let clock = try WallClock(place)
        try clock.set(86_400)
        let box = try FleetBox("box-1", engine: etcd.members)
        #expect(try await box.comes { $0.state == "member" }, "\(box.log)")
        let ahead = try FleetBox("box-2", engine: etcd.members, at: place, within: clock.within)
        for one in [box, ahead] { #expect(try await one.comes { $0.nodes.count == 2 && $0.state == "member" }) }
        for index in 0..<4 { #expect(try await box.ask("stream.add", ["name": "s\(index)", "uri": "test://ball"]).ok) }
        #expect(try await box.comes(playing(4)), "\([box, ahead].map(\.log))")
        #expect(try await box.comes { $0.problems.contains { $0.contains("the clock of box-2 is 86") } }, "\(box.log)")
        #expect(try await ahead.comes { $0.problems.contains { $0.contains("s behind this node's") } }, "\(ahead.log)")
        #expect(box.log.contains("s ahead of this node's: set the wrong one right"))
        try clock.set(0)
        #expect(try await box.comes { $0.problems.isEmpty }, "\(box.log)")
        #expect(box.log.contains("the clock of box-2 shows this node's time again"))
        for one in [box, ahead] { #expect(try await one.program.terminate() == 0) }
    }

    @Test("a fleet of another model or schema is refused by one sentence")
    func others() async throws {
        let etcd = try await Etcd(in: folder)
        let meta = "{\"identity\":\"x\",\"schema\":1,\"model\":\"ViT-X 0123\"}"
        try etcd.control(["put", "ww/site/meta", meta])
        let box = try FleetBox("box-1", engine: etcd.members)
        #expect(
            try await box.comes {
                $0.state == "refused"
                    && $0.problem?.hasPrefix("the fleet's model is ViT-X 0123, this node has ") == true
            }, "\(box.log)")
        #expect(box.log.contains("the fleet's model is ViT-X 0123"))
        try etcd.control(["put", "ww/site/meta", meta.replacing("\"schema\":1", with: "\"schema\":2")])
        #expect(try await box.comes { $0.problem == "the fleet has schema 2, this version knows 1" }, "\(box.log)")
        #expect(box.log.contains("the fleet has schema 2, this version knows 1"))
        #expect(try await box.program.terminate() == 0)
    }
}

/// A real member of etcd with TLS, client certificates, passwords, and a role for the fleet `site`.
private struct SecureEtcd {
    let member: String
    private let folder: URL
    private let program: Program

    func path(_ name: String) -> String { folder.appending(path: name).path }

    /// The lines of `fleet:` for a node with this certificate.
    func lines(_ name: String, authority: String = "ca.pem") -> [String] {
        [
            "tls: {ca: \(path(authority)), certificate: \(path(name + ".pem")), key: \(path(name + ".key"))}",
            "password: \(path("password"))",
        ]
    }

    init(_ folder: URL) async throws {
        self.folder = folder
        func openssl(_ arguments: String) throws {
            try output(of: "sh", ["-c", "cd '\(folder.path)' && openssl \(arguments) 2>/dev/null"])
        }
        let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /O=fleet"
        for name in ["ca", "other"] {
            try openssl("req -x509 \(new) -days 2 -keyout \(name).key -out \(name).pem")
        }
        try "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n".write(
            to: folder.appending(path: "uses"), atomically: true, encoding: .utf8)
        // etcd's gateway refuses client certificates with a common name; the gateway's own is the server's.
        for (name, days) in [("server", 2), ("node", 2), ("old", 0)] {
            try openssl("req \(new) -keyout \(name).key -out \(name).csr")
            try openssl(
                "x509 -req -days \(days) -in \(name).csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile uses "
                    + "-out \(name).pem")
        }
        try "secret\n".write(to: folder.appending(path: "password"), atomically: true, encoding: .utf8)
        for name in ["password", "node.key", "old.key"] {
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600], ofItemAtPath: folder.appending(path: name).path)
        }
        let (client, peer) = (try freePort(), try freePort())
        member = "https://127.0.0.1:\(client)"
        let all = [
            "--data-dir", "data", "--listen-client-urls", member, "--advertise-client-urls", member,
            "--listen-peer-urls", "http://127.0.0.1:\(peer)", "--initial-advertise-peer-urls",
            "http://127.0.0.1:\(peer)", "--initial-cluster", "default=http://127.0.0.1:\(peer)", "--trusted-ca-file",
            "ca.pem", "--cert-file", "server.pem", "--key-file", "server.key", "--client-cert-auth", "--logger", "zap",
            "--log-outputs", "etcd.log",
        ]
        let etcd = Fixtures.repository.appending(path: ".build/etcd/usr/bin/etcd").path
        program = try Program(
            "/bin/sh", ["-c", "cd \"$0\" && exec \"$@\" >/dev/null 2>&1", folder.path, etcd] + all)
        let started = self
        guard try await until({ try started.control(["endpoint", "health"]).contains("is healthy") }) else {
            throw ProgramError(description: "etcd does not answer; its log is in \(folder.path)")
        }
        for command in [
            "role add site", "role grant-permission site readwrite ww/site/ --prefix", "user add site:secret",
            "user grant-role site site", "user add root:secret", "user grant-role root root", "auth enable",
        ] { _ = try control(command.split(separator: " ").map { String($0) }) }
    }

    /// Runs etcdctl; what it prints, errors too.
    func control(_ arguments: [String], user: String? = nil) throws -> String {
        let files = ["--cacert", path("ca.pem"), "--cert", path("node.pem"), "--key", path("node.key")]
        let who = user.map { ["--user", "\($0):secret"] } ?? []
        let ctl = Fixtures.repository.appending(path: ".build/etcd/usr/bin/etcdctl").path
        let all = [ctl, "--endpoints", member] + files + who + arguments
        return String(decoding: try output(of: "sh", ["-c", "\"$0\" \"$@\" 2>&1; true"] + all), as: UTF8.self)
    }
}
