import Fleet
import Foundation
import Messaging
import TestSupport
import Testing
import WireFormat

@Suite("Several daemons as one fleet", .serialized)
struct FleetTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "ww-\(UUID().uuidString.prefix(8))")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private func arePlaying(_ count: Int) -> @Sendable (FleetStatus) -> Bool {
        { status in
            status.streams.count { $0.state == "playing" && $0.node == $0.planned } == count
        }
    }

    @Test("a killed node's cameras play elsewhere, and with the engine off watching goes on")
    func survives() async throws {
        let etcd = try await Etcd(members: 3, in: folder)
        let boxes = try (1...3).map { try FleetBox("box-\($0)", engine: etcd.members) }
        let lobby = Fixtures.videos.appending(path: "lobby.mp4").path
        let camera = try await RTSPServer(["--file", lobby, "--loop"])
        for box in boxes {
            #expect(try await box.comes { $0.state == "member" && $0.nodes.count == 3 }, "\(box.log)")
        }
        for index in 0..<6 {
            let reply = try await boxes[index % 3].ask("stream.add", ["name": "cam-\(index)", "uri": camera.uri])
            #expect(reply.ok, "\(reply)")
        }
        #expect(try await boxes[1].ask("query.add", ["id": "circle", "text": "a blue circle"]).ok)
        for box in boxes {
            #expect(try await until { try await box.ask("query.get", ["id": "circle"]).ok }, "\(box.log)")
        }
        #expect(try await boxes[0].comes(arePlaying(6)), "\(boxes.map(\.log))")

        let before = try await boxes[0].status()
        let victim = try #require(boxes.first { box in before.streams.contains { $0.node == box.name } })
        let rest = boxes.filter { $0 !== victim }
        victim.program.kill()
        #expect(
            try await rest[0].comes { status in
                self.arePlaying(6)(status) && !status.streams.contains { $0.node == victim.name }
            }, "\(rest.map(\.log))")
        let after = try await rest[0].status()
        for stream in after.streams {
            let old = try #require(before.streams.first { $0.name == stream.name })
            #expect(stream.epoch == (old.node == victim.name ? old.epoch + 1 : old.epoch), "\(stream.name)")
        }

        etcd.killAll()
        for box in rest { #expect(try await box.comes { $0.state == "cut-off" }) }
        let refused = try await rest[0].ask("stream.add", ["name": "more", "uri": camera.uri])
        #expect(refused.error?.code == "unavailable", "\(refused)")
        let sampled = try await sampled(rest)
        #expect(try await until { try await self.sampled(rest) >= sampled + 60 })
        try etcd.restart()
        for box in rest { #expect(try await box.comes { $0.state == "member" && $0.waiting == 0 }, "\(box.log)") }
        let healed = try await rest[0].status()
        #expect(healed.streams.map(\.node) == after.streams.map(\.node))
        #expect(healed.streams.map(\.epoch) == after.streams.map(\.epoch))

        let back = try FleetBox(victim.name, engine: etcd.members, at: victim.place)
        #expect(try await back.comes { $0.state == "member" && $0.waiting == 0 }, "\(back.log)")
        try await checkLog(etcd)
        for box in rest + [back] { #expect(try await box.program.terminate() == 0) }
    }

    private func sampled(_ boxes: [FleetBox]) async throws -> Int64 {
        var sum: Int64 = 0
        for box in boxes {
            let all = try await box.place.ask("stream.list").result?.array ?? []
            sum += all.reduce(0) { $0 + ($1["sampled"]?.integer ?? 0) }
        }
        return sum
    }

    /// Gapless, each node's messages once and in order, epochs of current messages never back.
    private func checkLog(_ etcd: Etcd) async throws {
        let log = try await readLog(etcd)
        #expect(log.count > 12)
        #expect(log.map(\.seq) == Array(1...Int64(log.count)))
        for (journal, messages) in Dictionary(grouping: log, by: \.journal) {
            let numbers = messages.map(\.n)
            #expect(numbers == Array(1...Int64(numbers.count)), "\(journal)")
        }
        for (stream, messages) in Dictionary(grouping: log.filter { !$0.isLate }, by: \.stream) where stream != nil {
            let epochs = messages.map(\.epoch)
            #expect(epochs == epochs.sorted(), "\(stream ?? "")")
        }
    }

    @Test("streams are drained and moved, labels are kept to, and changes hold on every node")
    func drains() async throws {
        let etcd = try await Etcd(in: folder)
        let boxes = [
            try FleetBox("box-1", engine: etcd.members, more: ["labels: [hall]"]),
            try FleetBox("box-2", engine: etcd.members),
        ]
        for box in boxes { #expect(try await box.comes { $0.state == "member" && $0.nodes.count == 2 }) }
        for index in 0..<4 {
            #expect(try await boxes[0].ask("stream.add", ["name": "s\(index)", "uri": "test://ball"]).ok)
        }
        let hall: JSONValue = .object([
            "name": .string("hall"), "uri": .string("test://ball"), "labels": .array([.string("at-hall")]),
        ])
        #expect(try await boxes[1].place.ask("stream.add", hall).ok)
        #expect(try await boxes[1].comes(arePlaying(5)), "\(boxes.map(\.log))")
        #expect(try await boxes[1].status().streams.first { $0.name == "hall" }?.node == "box-1")

        #expect(try await boxes[0].ask("fleet.drain", ["node": "box-2"]).ok)
        #expect(
            try await boxes[0].comes { status in
                self.arePlaying(5)(status) && status.streams.allSatisfy { $0.node == "box-1" }
            })
        let refused = try await boxes[0].ask("fleet.move", ["stream": "s0", "node": "box-2"])
        #expect(refused.error?.message == "node \"box-2\" is drained; undrain it first")
        #expect(try await boxes[1].ask("fleet.undrain", ["node": "box-2"]).ok)
        #expect(try await boxes[1].ask("fleet.move", ["stream": "s0", "node": "box-2"]).ok)
        #expect(
            try await boxes[0].comes { status in
                self.arePlaying(5)(status) && status.streams.first { $0.name == "s0" }?.node == "box-2"
            })
        let wrong = try await boxes[1].ask("fleet.move", ["stream": "hall", "node": "box-2"])
        #expect(wrong.error?.message == "node \"box-2\" lacks the labels or the credentials of \"hall\"")

        #expect(try await boxes[0].ask("query.add", ["id": "q", "text": "a circle"]).ok)
        #expect(try await until { try await boxes[1].ask("query.get", ["id": "q"]).ok })
        #expect(try await boxes[1].ask("query.remove", ["id": "q"]).ok)
        #expect(try await until { try await !boxes[0].ask("query.get", ["id": "q"]).ok })
        #expect(try await boxes[1].ask("stream.remove", ["name": "s0"]).ok)
        #expect(try await boxes[0].comes(arePlaying(4)))
        let secret = try await boxes[0].ask("stream.add", ["name": "x", "uri": "rtsp://a:b@127.0.0.1/x"])
        #expect(secret.error?.message.contains("expected no password in a fleet") == true, "\(secret)")
        try await checkLog(etcd)
        for box in boxes { #expect(try await box.program.terminate() == 0) }
    }

    @Test("a consumer of the fleet's log that is killed and changes nodes gets each number once")
    func consumers() async throws {
        let etcd = try await Etcd(in: folder)
        var boxes = try (1...3).map { try FleetBox("box-\($0)", engine: etcd.members) }
        for box in boxes { #expect(try await box.comes { $0.state == "member" && $0.nodes.count == 3 }, "\(box.log)") }
        let none = try await boxes[0].place.ask("events.replay", .object(["log": .string("moon")]))
        #expect(none.error?.code == "bad-argument", "\(none)")
        let fleetLog: JSONValue = .object(["log": .string("fleet")])
        let second = boxes[1]
        #expect(try await until { try await second.place.ask("events.open", fleetLog).ok })
        let follower = Following(second.place, since: 0, filter: .init(isOfFleet: true), publish: second.fleet)
        for threshold in [0.05, 0.1, 0.15, 0.2] {
            let query: JSONValue = .object([
                "id": .string("low-\(Int(threshold * 100))"), "text": .string("a blue circle"),
                "threshold": .number(threshold), "hysteresis": .number(0),
            ])
            #expect(try await boxes[0].place.ask("query.add", query).ok)
        }
        let camera = try await RTSPServer(["--file", try Films.eventful(), "--loop"])
        for index in 0..<4 {
            #expect(try await boxes[index % 3].ask("stream.add", ["name": "c\(index)", "uri": camera.uri]).ok)
        }
        #expect(try await boxes[0].comes(arePlaying(4)), "\(boxes.map(\.log))")

        var numbers: [Int64] = []
        for round in 0..<20 {
            if round == 8 {
                boxes[2].program.kill()
                let isOver = try await boxes[0].comes { status in
                    self.arePlaying(4)(status) && !status.streams.contains { $0.node == "box-3" }
                }
                #expect(isOver, "\(boxes.map(\.log))")
            }
            if round == 12 { boxes[2] = try FleetBox("box-3", engine: etcd.members, at: boxes[2].place) }
            let box = boxes[(8..<14).contains(round) ? round % 2 : round % 3]
            // Some of it is there already, and some comes while it is read.
            let head = try await boxes[0].status().head
            try await read(box, &numbers, atLeast: 3, beyond: head)
        }
        #expect(numbers == Array(1...Int64(numbers.count)))

        // By ZeroMQ, and by the engine's own keys, it is the same log.
        let log = try await readLog(etcd)
        let matches = log.filter { $0.topic.hasPrefix("match.") }
        #expect(try await until { follower.last >= matches.last?.seq ?? 0 }, "\(follower.failure ?? "")")
        let told = follower.messages.filter { $0.seq <= matches.last?.seq ?? 0 }
        #expect(told.map(\.seq) == matches.map(\.seq) && !told.isEmpty)
        #expect(Set(matches.map(\.node)).count > 1)
        for (message, one) in zip(told, matches) {
            let body = try WireCoding.decode(JSONValue.self, message.body)
            #expect(body["node"]?.string == one.node && body["event"] == one.body?["event"])
            #expect(body["epoch"]?.integer == one.epoch && (body["late"] == .bool(true)) == one.isLate)
        }
        try await follower.stop()
        try await checkLog(etcd)
        for box in boxes { #expect(try await box.program.terminate() == 0) }
    }

    /// Reads numbers of the log after those that are there, by server-sent events, until the client is killed.
    private func read(_ box: FleetBox, _ numbers: inout [Int64], atLeast count: Int, beyond head: Int64) async throws {
        let url = "http://127.0.0.1:\(box.port)/api/v1/events/stream?log=fleet&since=\(numbers.last ?? 0)"
        let again = ["--retry", "30", "--retry-delay", "1", "--retry-all-errors"]
        let client = try Program("/usr/bin/curl", again + ["-sN", url])
        let before = numbers.count
        while numbers.count < before + count || numbers.last ?? 0 <= head {
            let line = try await client.line()
            if line.hasPrefix("id: "), let number = Int64(line.dropFirst(4)) { numbers.append(number) }
            guard client.isRunning || !line.isEmpty else { break }
        }
        client.kill()
        #expect(numbers.count > before, "\(box.name)")
    }

    @Test("what is wrong is one sentence, and the others go on")
    func badInput() async throws {
        let etcd = try await Etcd(in: folder)
        let first = try FleetBox("box-1", engine: etcd.members)
        #expect(try await first.comes { $0.state == "member" })
        let twin = try FleetBox("box-1", engine: etcd.members)
        #expect(try await twin.comes { $0.problem?.hasPrefix("two nodes of one name: \"box-1\"") == true })
        let other = try FleetBox("box-2", engine: etcd.members, more: ["identity: elsewhere"])
        #expect(
            try await other.comes { $0.problem?.hasPrefix("wrong fleet identity: expected elsewhere, found") == true })
        for box in [twin, other] {
            #expect(box.log.contains(box === twin ? "two nodes of one name" : "wrong fleet identity"))
            #expect(try await box.status().state == "refused")
            #expect(try await box.program.terminate() == 0)
        }
        try etcd.control(["put", "ww/site/stream/bad", "{not json"])
        try etcd.control(["put", "ww/site/query/none", "[1]"])
        let engine = try EtcdClient(.init(members: etcd.members))
        _ = try await engine.commit(
            EngineTransaction(if: [], then: [.put("ww/site/stream/big", Data(repeating: 65, count: 1_000_000))]))
        await engine.close()
        #expect(try await first.comes { $0.problems.count == 3 })
        #expect(
            try await first.status().problems == [
                "ww/site/query/none: expected a JSON object",
                "ww/site/stream/bad: expected JSON, found \"{not json\"",
                "ww/site/stream/big: expected at most 256 KB, found 976 KB; it is left alone",
            ])
        #expect(try await first.ask("stream.add", ["name": "good", "uri": "test://ball"]).ok)
        #expect(try await first.comes(arePlaying(1)), "\(first.log)")
        #expect(try await first.program.terminate() == 0)

        for command in ["user add root:root", "user grant-role root root", "auth enable"] {
            try etcd.control(command.split(separator: " ").map { String($0) })
        }
        let file = folder.appending(path: "password")
        try "wrong".write(to: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        let stranger = try FleetBox("box-3", engine: etcd.members, more: ["password: \(file.path)"])
        #expect(
            try await stranger.comes { $0.problem?.hasSuffix("says: the user or the password is wrong") == true },
            "\(stranger.log)")
        #expect(stranger.log.contains("the user or the password is wrong"))
        #expect(try await stranger.program.terminate() == 0)
    }
}
