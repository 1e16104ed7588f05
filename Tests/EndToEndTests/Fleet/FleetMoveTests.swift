import Fleet
import Foundation
import Journal
import Matching
import SystemSupport
import TestSupport
import Testing
import WireFormat

@Suite("Streams that move from one daemon to another", .serialized)
struct FleetMoveTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "ww-\(UUID().uuidString.prefix(8))")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    /// Whether so many streams play on the node.
    private func play(_ count: Int, on node: String) -> @Sendable (FleetStatus) -> Bool {
        { $0.streams.count { $0.state == "playing" && $0.node == node && $0.planned == node } == count }
    }

    /// A query that nearly every window matches, so that an event is open as long as its stream plays.
    private let always: JSONValue = .object([
        "id": .string("always"), "text": .string("a blue circle"), "threshold": .number(-1), "hysteresis": .number(0),
    ])

    @Test("a rolling upgrade: events that are open end as moved, none is lost, and they go on at the next node")
    func upgrades() async throws {
        let etcd = try await Etcd(in: folder)
        var boxes = try (1...2).map { try FleetBox("box-\($0)", engine: etcd.members) }
        for box in boxes { #expect(try await box.comes { $0.state == "member" && $0.nodes.count == 2 }, "\(box.log)") }
        #expect(try await boxes[0].ask("fleet.drain", ["node": "box-2"]).ok)
        #expect(try await boxes[0].place.ask("query.add", always).ok)
        let film = Fixtures.videos.appending(path: "lobby.mp4").path
        let camera = try await RTSPServer(["--file", film, "--loop"])
        for index in 0..<3 {
            #expect(try await boxes[0].ask("stream.add", ["name": "c\(index)", "uri": camera.uri]).ok)
        }
        #expect(try await boxes[0].comes(play(3, on: "box-1")), "\(boxes[0].log)")
        #expect(try await until { try await self.streams(etcd, "box-1", "start").count == 3 })

        #expect(try await boxes[1].ask("fleet.undrain", ["node": "box-2"]).ok)
        #expect(try await boxes[1].ask("fleet.drain", ["node": "box-1"]).ok)
        #expect(try await boxes[1].comes(play(3, on: "box-2")), "\(boxes.map(\.log))")
        #expect(try await boxes[1].status().nodes.first { $0.name == "box-1" }?.state == "drained")
        #expect(try await until { try await self.streams(etcd, "box-2", "start").count == 3 })
        #expect(try await boxes[0].program.terminate() == 0)
        boxes[0] = try FleetBox("box-1", engine: etcd.members, at: boxes[0].place)
        #expect(try await boxes[0].comes { $0.state == "member" && $0.waiting == 0 }, "\(boxes[0].log)")

        let log = try await readLog(etcd).filter { $0.topic.hasPrefix("match.") }
        let ends = log.filter { $0.node == "box-1" && $0.body?["phase"]?.string == "end" }
        let open = Set(log.filter { $0.node == "box-1" }.compactMap { $0.body?["event"]?.string })
            .subtracting(ends.compactMap { $0.body?["event"]?.string })
        #expect(open.isEmpty, "\(open)")
        #expect(log.allSatisfy { !$0.isLate })
        for stream in ["c0", "c1", "c2"] {
            let last = try #require(ends.last { $0.stream == stream })
            #expect(last.body?["reason"] == .string("moved"), "\(stream)")
            let first = try #require(log.first { $0.node == "box-2" && $0.stream == stream })
            #expect(last.seq < first.seq && last.epoch < first.epoch)
            print("\(stream): seconds between the frames of the two nodes:", gap(last.body, first.body))
        }
        for box in boxes { #expect(try await box.program.terminate() == 0) }
    }

    /// The streams of a node's events that have come so far, by what the fleet's log has of this phase.
    private func streams(_ etcd: Etcd, _ node: String, _ phase: String) async throws -> Set<String> {
        let log = try await readLog(etcd)
        return Set(log.filter { $0.node == node && $0.body?["phase"]?.string == phase }.compactMap(\.stream))
    }

    private func gap(_ end: JSONValue?, _ start: JSONValue?) -> Double {
        let dates = ISO8601DateFormatter()
        dates.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        let times = [end?["end"], start?["start"]].compactMap { $0?.string.flatMap(dates.date) }
        return times.count == 2 ? times[1].timeIntervalSince(times[0]) : .nan
    }

    @Test("a node that takes streams again gets some of those of the other, without being asked")
    func balances() async throws {
        let etcd = try await Etcd(in: folder)
        let quick = ["rebalance: {above: 2, after: 2, every: 6}"]
        let boxes = try (1...2).map { try FleetBox("box-\($0)", engine: etcd.members, more: quick) }
        for box in boxes { #expect(try await box.comes { $0.state == "member" && $0.nodes.count == 2 }, "\(box.log)") }
        #expect(try await boxes[0].ask("fleet.drain", ["node": "box-2"]).ok)
        let film = Fixtures.videos.appending(path: "lobby.mp4").path
        let camera = try await RTSPServer(["--file", film, "--loop"])
        for index in 0..<6 {
            #expect(try await boxes[0].ask("stream.add", ["name": "c\(index)", "uri": camera.uri]).ok)
        }
        #expect(try await boxes[0].comes(play(6, on: "box-1")), "\(boxes[0].log)")
        #expect(try await boxes[1].ask("fleet.undrain", ["node": "box-2"]).ok)
        #expect(
            try await boxes[1].comes { status in
                let counts = ["box-1", "box-2"].map { name in status.streams.count { $0.node == name } }
                return counts[1] >= 2 && counts[0] >= 2
            }, "\(boxes.map(\.log))")
        #expect(boxes.contains { $0.log.contains("the load is uneven: stream") })
        // Each stream has moved at most once: its second owner has it still.
        #expect(try await boxes[0].status().streams.allSatisfy { $0.epoch <= 2 })
        for box in boxes { #expect(try await box.program.terminate() == 0) }
    }

    @Test("what a node has learnt on a stream goes with it, when it is drained and when it dies")
    func learns() async throws {
        let etcd = try await Etcd(in: folder)
        let place = try Place()
        let before = try Self.pinned()
        do {
            let journal = try Journal(path: place.journal)
            try journal.save(calibrations: [
                SavedCalibration(query: "rare", stream: "c", json: try JSONEncoder().encode(before))
            ])
        }
        let query: JSONValue = .object([
            "id": .string("rare"), "text": .string("a blue circle"), "false_alerts_per_day": .number(1),
        ])
        let first = try FleetBox("box-1", engine: etcd.members, at: place)
        #expect(try await first.comes { $0.state == "member" }, "\(first.log)")
        #expect(try await first.place.ask("query.add", query).ok)
        #expect(try await first.ask("stream.add", ["name": "c", "uri": "test://ball"]).ok)
        #expect(try await first.comes(play(1, on: "box-1")), "\(first.log)")
        #expect(try await threshold(first) == before.threshold)

        let second = try FleetBox("box-2", engine: etcd.members)
        #expect(try await second.comes { $0.state == "member" && $0.nodes.count == 2 }, "\(second.log)")
        #expect(try await first.ask("fleet.drain", ["node": "box-1"]).ok)
        #expect(try await second.comes(play(1, on: "box-2")), "\(second.log)")
        #expect(try await threshold(second) == before.threshold, "\(second.log)")
        #expect(second.log.contains("thresholds go on as box-1 learnt them"))

        // A threshold that is set anew is in the fleet at once: the next node has it although this one is killed.
        #expect(try await first.ask("fleet.undrain", ["node": "box-1"]).ok)
        let moved = try await second.ask("query.recalibrate", ["id": "rare"])
        let set = try #require(moved.result?.array?.first?["threshold"]?.double)
        let key = FleetKeys("site").learn("c")
        let engine = try EtcdClient(.init(members: etcd.members))
        #expect(
            try await until {
                let all = try await engine.read(KeyRange(from: key, to: key + "\u{0}"), limit: 1, at: nil).values
                let text = all.first.flatMap { LearntRecord($0.value) }.map { String(decoding: $0.json, as: UTF8.self) }
                return text?.contains("\"version\":2") == true
            })
        await engine.close()
        second.program.kill()
        #expect(try await first.comes(play(1, on: "box-1")), "\(first.log)")
        let found = try #require(try await threshold(first))
        #expect(abs(found - Float(set)) < 1e-6, "\(first.log)")
        #expect(try await first.program.terminate() == 0)
    }

    /// What a query with a budget has learnt of an hour of scores, and ten minutes more.
    private static func pinned() throws -> Calibration {
        var calibration = Calibration(falseAlertsPerDay: 1)
        var random = SeededRandom(seed: 1)
        var time = Date().timeIntervalSince1970 - 20_000
        while calibration.pin == nil {
            time += 1
            _ = calibration.observe(Float(0.5 + 0.01 * random.normal()), at: time)
        }
        for _ in 0..<600 {
            time += 1
            _ = calibration.observe(Float(0.5 + 0.01 * random.normal()), at: time)
        }
        return calibration
    }

    private func threshold(_ box: FleetBox) async throws -> Float? {
        for _ in 0..<600 {
            let reply = try await box.ask("query.explain", ["id": "rare", "stream": "c"])
            if let found = reply.result?.array?.first?["threshold"]?.double { return Float(found) }
            try await Task.sleep(for: .milliseconds(100))
        }
        return nil
    }
}
