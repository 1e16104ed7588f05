import CLIP
import Concurrency
import ControlAPI
import Daemon
import Engine
import Foundation
import Heads
import Journal
import Logging
import Matching
import Publishing
import StreamSources
import Synchronization
import Tensors
import TestSupport
import Testing
import WatchwordConfiguration
import WireFormat

/// Holds the engine's thread, so that whoever asks the engine waits.
private final class Gate: Sendable {
    let isHeld = Atomic(false)
    let isOpen = Atomic(false)

    /// Returns once the engine is held; the result ends when the gate is opened.
    func hold(_ engine: ScoringEngine) async throws -> Task<Void, Never> {
        let held = Task { await engine.wait(at: self) }
        #expect(try await until { self.isHeld.load(ordering: .acquiring) })
        return held
    }

    func open() { isOpen.store(true, ordering: .releasing) }
}

extension ScoringEngine {
    fileprivate func wait(at gate: Gate) {
        gate.isHeld.store(true, ordering: .releasing)
        while !gate.isOpen.load(ordering: .acquiring) { usleep(1000) }
    }
}

private func learnt(_ query: String, _ lane: String) -> SavedCalibration {
    SavedCalibration(query: query, stream: lane, json: Data("{}".utf8))
}

@Suite("Queries and streams in the journal", .serialized)
struct JournaledTests {
    private static let file = "[{id: c, text: a circle, threshold: 0.3}]"

    @Test("a saved query that the model cannot run is left out alone, hides nothing, and can be removed")
    func leftOut() async throws {
        let place = try Place()
        var tower = try await place.start(Self.file)
        for id in ["a", "e"] { _ = try await place.add(#"{"id":"\#(id)","text":"a star","threshold":0.5}"#) }
        // The model has no weights of this head; the picture is cut off.
        let head = #""head":"xpool""#
        let picture = #""images":["data:image/png;name=a.png;base64,iVBORw0KGgoAAAANSUhEUgAA"]"#
        for (id, part) in [("b", head), ("c", head), ("d", picture)] {
            let json = #"{"id":"\#(id)","text":"a dog","threshold":0.5,\#(part)}"#
            try await tower.outbox.save(.query, id: id, json: Data(json.utf8))
        }
        await place.stop()
        tower = try await place.start(Self.file)
        #expect(try await place.sources() == ["a": "socket", "c": "file", "e": "socket"])
        #expect(await tower.engine.query("c")?.text == "a circle")
        for id in ["b", "d"] {
            let name: JSONValue = .object(["id": .string(id)])
            #expect(try await place.ask("query.remove", name).result?["removed"] == .string(id))
            #expect(try await place.ask("query.remove", name).error?.code == "not-found")
        }
        #expect(try await tower.outbox.saved(.query).map(\.id) == ["a", "c", "e"])
        await place.stop()
    }

    @Test("a saved stream that was left out can be removed")
    func streamLeftOut() async throws {
        let place = try Place()
        var tower = try await place.start()
        let json = #"{"name":"s","uri":"/no/such/film.mp4"}"#
        try await tower.outbox.save(.stream, id: "s", json: Data(json.utf8))
        try await tower.outbox.save(calibrations: [learnt("q", "s/door")])
        await place.stop()
        tower = try await place.start()
        #expect(await tower.streams.running.isEmpty)
        let name: JSONValue = .object(["name": .string("s")])
        #expect(try await place.ask("stream.remove", name).result?["removed"] == .string("s"))
        #expect(try await place.ask("stream.remove", name).error?.code == "not-found")
        #expect(try await tower.outbox.saved(.stream).isEmpty)
        #expect(try await tower.outbox.calibrations().isEmpty)
        await place.stop()
    }

    @Test("what a query of the configuration learnt under a socket's budget outlives each restart")
    func overridden() async throws {
        let place = try Place()
        var tower = try await place.start(Self.file)
        let budget: JSONValue = .object(["id": .string("c"), "false_alerts_per_day": .number(1)])
        #expect(try await place.ask("query.update", budget).result?["change"] == .string("replaced"))
        try await tower.outbox.save(calibrations: [learnt("c", "s")])
        for _ in 0..<2 {
            await place.stop()
            tower = try await place.start(Self.file)
            #expect(try await tower.outbox.calibrations() == [learnt("c", "s")])
            #expect(try await place.sources() == ["c": "shadows-file"])
        }
        await place.stop()
    }

    @Test("of edits at once of a query or a stream each holds")
    func edits() async throws {
        let place = try Place()
        let tower = try await place.start()
        _ = try await place.add(#"{"id":"q","text":"a circle","threshold":0.3}"#)
        try await tower.streams.add(StreamConfiguration(name: "s", uri: "test://ball"))
        let ofQuery: [String: JSONValue] = [
            "priority": .integer(3), "cooldown": .number(7), "tags": .array([.string("x")]),
            "hysteresis": .number(0.5), "snapshot": .bool(false), "text": .string("a star"),
        ]
        let ofStream: [String: JSONValue] = [
            "fps": .number(2), "labels": .array([.string("x")]), "snapshots": .bool(false), "gate": .number(0.5),
        ]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (key, value) in ofQuery {
                group.addTask { _ = try await tower.queries.update("q", .object([key: value])) }
            }
            for (key, value) in ofStream {
                group.addTask { _ = try await tower.streams.update("s", .object([key: value])) }
            }
            try await group.waitForAll()
        }
        let query = try SavedQuery(try #require(try await tower.outbox.saved(.query, id: "q"))).configuration
        #expect(query.priority == 3 && query.cooldown == 7 && query.tags == ["x"], "\(query)")
        #expect(query.hysteresis == 0.5 && query.snapshot == false && query.text == "a star", "\(query)")
        let standing = try #require(await tower.engine.query("q"))
        #expect(standing.text == "a star" && standing.settings.priority == 3)
        let saved = try #require(try await tower.outbox.saved(.stream, id: "s"))
        let stream = try WireCoding.decode(StreamConfiguration.self, saved)
        #expect(stream.fps == 2 && stream.labels == ["x"] && stream.snapshots == false && stream.gate == 0.5)
        await place.stop()
    }

    @Test("an edit that waits while its query or stream is removed does not bring it back")
    func removedMeanwhile() async throws {
        let place = try Place()
        let tower = try await place.start()
        _ = try await place.add(#"{"id":"q","text":"a circle","threshold":0.3}"#)
        for name in ["s", "t"] { try await tower.streams.add(StreamConfiguration(name: name, uri: "test://ball")) }
        for name in ["s", "t"] { #expect(try await until { await tower.engine.hasLane(name) }) }
        let gate = Gate()
        let held = try await gate.hold(tower.engine)
        // The streams' turn is taken until the engine goes on.
        let first = Task { _ = try await tower.streams.remove("t") }
        #expect(try await until { await tower.streams.running.map(\.name) == ["s"] })
        let removals = [
            Task { _ = try await tower.streams.remove("s") }, Task { _ = try await tower.queries.remove("q") },
        ]
        // Whichever comes first, in the end both are gone.
        try await Task.sleep(for: .milliseconds(100))
        let edits = [
            Task { _ = try await tower.streams.update("s", .object(["fps": .number(2)])) },
            Task { _ = try await tower.queries.update("q", .object(["text": .string("a star")])) },
        ]
        try await Task.sleep(for: .milliseconds(100))
        gate.open()
        await held.value
        for task in [first] + removals { try await task.value }
        for task in edits { _ = await task.result }
        #expect(await tower.streams.running.isEmpty)
        #expect(await tower.engine.query("q") == nil)
        #expect(try await tower.outbox.saved(.stream).isEmpty)
        #expect(try await tower.outbox.saved(.query).isEmpty)
        await place.stop()
    }

    @Test("a reload that takes its time leaves what a client changes meanwhile")
    func reloading() async throws {
        let place = try Place()
        let tower = try await place.start(Self.file, streams: "[{name: s, uri: 'test://ball'}]")
        let others = (0..<2000).map { "{id: t\($0), text: number \($0), threshold: 0.5}" }.joined(separator: ", ")
        var new = try place.configuration(
            "[{id: c, text: a circle, threshold: 0.35}, \(others)]", streams: "[{name: s, uri: 'test://ball', fps: 3}]")
        new.publish = "ipc://\(place.folder.path)/e1"
        let isOver = Gate()
        let reload = Task { [new] in
            defer { isOver.open() }
            _ = try await tower.reload(new)
        }
        #expect(
            try await until { tower.queries.importing != nil || isOver.isOpen.load(ordering: .acquiring) })
        _ = try await tower.queries.update("c", .object(["threshold": .number(0.4)]))
        _ = try await tower.streams.update("s", .object(["fps": .number(2)]))
        try await reload.value
        #expect(await tower.engine.query("c")?.rule == .score(0.4))
        #expect(await tower.streams.running.first?.description.fps == 2)
        #expect(await tower.engine.query("t7") != nil)
        await place.stop()
    }

    @Test("embeddings are kept of the words that stand, and of no draft, former words or earlier model")
    func embeddings() async throws {
        let place = try Place()
        var tower = try await place.start()
        func keys(_ text: String) throws -> [Data] {
            try EmbeddingKey.keys(of: tower.defaults.query(QueryConfiguration(id: "x", text: text, threshold: 0.5)))
        }
        func isKept(_ text: String, by model: String? = nil) async throws -> Bool {
            let found = try await tower.outbox.embeddings(
                of: keys(text), model: model ?? tower.engine.embeddingIdentity)
            return found.allSatisfy { $0 != nil }
        }
        let draft = try JSONText.parse(Data(#"{"text":"a house","threshold":0.5}"#.utf8))
        #expect(try await place.ask("query.test", draft).error == nil)
        #expect(try await !isKept("a house"))
        _ = try await place.add(#"{"id":"q","text":"a circle","threshold":0.5}"#)
        #expect(try await isKept("a circle"))
        #expect(try await place.add(#"{"id":"q","text":"a house","threshold":0.5}"#).error == "exists")
        #expect(try await !isKept("a house"))
        let change: JSONValue = .object(["id": .string("q"), "text": .string("a star")])
        #expect(try await place.ask("query.update", change).error == nil)
        #expect(try await isKept("a star"))
        #expect(try await !isKept("a circle"))
        for (model, text) in [("another", "a star"), (tower.engine.embeddingIdentity, "a cross")] {
            try await tower.outbox.save(embeddings: keys(text).map { ($0, [1, 2]) }, model: model)
            #expect(try await isKept(text, by: model))
        }
        await place.stop()
        tower = try await place.start()
        #expect(try await isKept("a star"))
        #expect(try await !isKept("a star", by: "another"))
        #expect(try await !isKept("a cross"))
        _ = try await place.ask("query.remove", .object(["id": .string("q")]))
        #expect(try await !isKept("a star"))
        await place.stop()
    }

    @Test("what is learnt and saved while a query is removed is removed with it")
    func savedDuringRemoval() async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let outbox = Outbox(journal: try Journal(path: nil), publisher: nil, logger: logger)
        let (model, finder) = (try ModelDirectory(Fixtures.shapes), HeadFinder.standard(first: [Fixtures.plugins]))
        let queries = QueryRegistry(
            engine: try ScoringEngine(model: model, finder: finder, precision: .f32), outbox: outbox,
            defaults: Defaults(model: model, finder: finder, head: "mean"), logger: logger
        ) { _ in
            // As the saving of each minute would that asked the engine before.
            try? await outbox.save(calibrations: [learnt("q", "s")])
        }
        _ = try await queries.add(QueryConfiguration(id: "q", text: "a circle", threshold: 0.3))
        #expect(try await outbox.calibrations() == [learnt("q", "s")])
        #expect(try await queries.remove("q"))
        #expect(try await outbox.calibrations().isEmpty)
        #expect(try await !queries.remove("q"))
    }

    @Test("what is saved of a stream while it ends is removed with it, of its former regions too, and of no other")
    func savedWhileEnding() async throws {
        let place = try Place()
        let tower = try await place.start()
        try await tower.streams.add(StreamConfiguration(name: "s", uri: "test://ball"))
        #expect(try await until { await tower.engine.hasLane("s") })
        let gate = Gate()
        let held = try await gate.hold(tower.engine)
        let removal = Task { try await tower.streams.remove("s") }
        #expect(try await until { await tower.streams.running.isEmpty })
        let others = ["s-2", "s0", "t/s"].map { learnt("q", $0) }
        try await tower.outbox.save(calibrations: others + [learnt("q", "s"), learnt("q", "s/door")])
        gate.open()
        await held.value
        #expect(try await removal.value)
        #expect(try await tower.outbox.calibrations() == others)
        await place.stop()
    }

    @Test("a region that is edited away is forgotten; what others learnt stays")
    func regions() async throws {
        let place = try Place()
        let tower = try await place.start()
        var stream = StreamConfiguration(name: "s", uri: "test://ball")
        stream.regions = ["left": [0, 0, 0.5, 1], "right": [0.5, 0, 0.5, 1]]
        try await tower.streams.add(stream)
        try await tower.outbox.save(calibrations: ["s", "s/left", "s/right", "t"].map { learnt("q", $0) })
        stream.regions = ["left": [0, 0, 0.25, 1]]
        #expect(try await tower.streams.add(stream) == .replaced)
        #expect(try await tower.outbox.calibrations().map(\.stream) == ["s", "s/left", "t"])
        await place.stop()
    }
}
