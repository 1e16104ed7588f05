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
}
