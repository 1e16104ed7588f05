import CLIP
import Daemon
import Engine
import Foundation
import Heads
import Journal
import Logging
import Matching
import Pixels
import Publishing
import Sampling
import Tensors
import TestSupport
import Testing
import WireFormat

/// Edits while a batch is scored: their ends of events may be told before the batch's starts are on their way.
@Suite("The order of an event's messages")
struct OrderTests {
    private enum Edit: CaseIterable, Sendable { case removed, replaced, streamRemoved }

    @Test("the end that an edit makes is told after the start that scoring has found, whoever tells first")
    func ends() async throws {
        for edit in Edit.allCases { try await end(by: edit) }
    }

    private func end(by edit: Edit) async throws {
        let engine = try ScoringEngine(
            model: ModelDirectory(Fixtures.shapes), finder: .standard(first: [Fixtures.plugins]), precision: .f32,
            handsOver: true)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let outbox = Outbox(journal: try Journal(path: nil), publisher: nil, logger: logger)
        let delivery = EventDelivery(outbox: outbox, from: engine.handed, history: nil, logger: logger) { false }
        func query(_ text: String) throws -> StandingQuery {
            try StandingQuery(id: "q", text: text, head: "mean", frames: 1, rule: .score(-1000))
        }
        await engine.addLane("a")
        try await engine.add(query("a circle"))
        let picture = Picture(side: 64, rgb: [UInt8](repeating: 90, count: 64 * 64 * 3))
        let frames = (0..<2).map { second in
            Frame(
                picture: picture, pictureNumber: UInt64(second), mediaTime: Double(second),
                wallClock: Date(timeIntervalSince1970: 1_000_000 + Double(second)), discontinuity: second == 0)
        }
        let step = try await engine.process(frames.map { QueuedItem(stream: "a", item: .frame($0)) })
        // The edit's caller goes on before the scoring loop does.
        let ended: [Detection]
        switch edit {
        case .removed: ended = try #require(await engine.remove("q"))
        case .replaced: ended = try await engine.add(query("a star")).ended
        case .streamRemoved: ended = await engine.removeLane("a")
        }
        await delivery.deliver(ended)
        await delivery.deliver(step.detections)
        let told = try await outbox.replay(since: 0, limit: 10, filter: MessageFilter()).entries
        // The journal's own phase of an event is that of its newest message.
        #expect(try told.map { try JSONText.parse($0.body)["phase"]?.string } == ["start", "end"], "\(edit)")
    }
}
