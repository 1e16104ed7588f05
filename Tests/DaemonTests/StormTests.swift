import Daemon
import Engine
import Foundation
import Health
import Journal
import Logging
import Matching
import Publishing
import Recording
import StreamSources
import Synchronization
import TestSupport
import Testing
import WireFormat

/// Events of many queries on one stream, as a lane tells of them.
private struct Events {
    private let queries: [StandingQuery]
    private var trackers: [EventTracker]
    private var time = 0.0

    init(_ count: Int) throws {
        queries = try (0..<count).map {
            try StandingQuery(id: "q\($0)", text: "a circle", head: "mean", frames: 1, rule: .score(0.2))
        }
        trackers = queries.map { _ in EventTracker(EventPolicy(updateStep: 0.01, updateInterval: 0)) }
    }

    /// What the next window tells, if all queries have this score in it.
    mutating func observe(_ score: Float, picture: Data? = nil) -> [Detection] {
        time += 1
        let span = WindowSpan(mediaStart: time, mediaEnd: time, wallStart: time, wallEnd: time, frames: 1)
        return queries.indices.flatMap { index in
            trackers[index].observe(score, threshold: 0.2, span: span).map {
                Detection(
                    event: "E\(index)", query: queries[index], stream: "s", transition: $0, model: "m",
                    snapshot: picture)
            }
        }
    }
}

@Suite("Storms of events")
struct StormTests {
    private func phases(_ detections: [Detection]) -> [String] { detections.map { "\($0.transition.phase)" } }

    @Test("of an event's updates that wait only the newest is told, with the picture of those before; all else is")
    func coalescing() throws {
        var events = try Events(1)
        var queue = DetectionQueue()
        queue.add(events.observe(0.3))
        queue.add(events.observe(0.4, picture: Data([1])))
        queue.add(events.observe(0.5, picture: Data([2])))
        queue.add(events.observe(0.6))
        #expect(queue.count == 2 && queue.coalesced == 2)
        let told = queue.take(10)
        #expect(phases(told) == ["start", "update"] && told[1].transition.peak.score == 0.6)
        #expect(told[1].snapshot == Data([2]) && queue.count == 0)
        // What was taken is told of; an update that waits becomes part of the end.
        queue.add(events.observe(0.7, picture: Data([3])))
        queue.add(events.observe(0))
        let last = queue.take(10)
        #expect(phases(last) == ["end"] && last[0].snapshot == Data([3]) && last[0].transition.peak.score == 0.7)
        queue.add(events.observe(0.3))
        queue.add(events.observe(0))
        queue.add(events.observe(0.3))
        #expect(queue.take(2).count == 2 && phases(queue.take(2)) == ["start"] && queue.coalesced == 3)
    }

    @Test(
        "scoring goes on while a storm is told; each start and end is, in order, and pictures of a frame are one file")
    func delivery() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "storm-\(UUID())/journal.sqlite").path
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let outbox = Outbox(journal: try Journal(path: path), publisher: nil, logger: logger)
        let delivery = EventDelivery(outbox: outbox, history: nil, logger: logger) { true }
        let count = 3000
        var events = try Events(count)
        let told = Mutex<[Int]>([])
        for (number, score) in ([0.3, 0.4, 0.5, 0.6, 0] as [Float]).enumerated() {
            let picture = score > 0 ? Data(repeating: UInt8(number), count: 5000) : nil
            await delivery.deliver(events.observe(score, picture: picture)) { _ in told.withLock { $0.append(number) } }
        }
        // It is on its way: 3000 messages are not out at once.
        let storm = try #require(await delivery.storming)
        #expect(storm.queries == count && storm.most.count == 5 && storm.most.allSatisfy { $0.messages > 0 })
        await delivery.drain()
        #expect(told.withLock { $0 } == [0, 1, 2, 3, 4])
        let (backlog, phases) = (await delivery.backlog, await delivery.phases)
        #expect(backlog.waiting == 0 && phases["start"] == count && phases["end"] == count)
        #expect((phases["update"] ?? 0) + backlog.coalesced == 3 * count)
        let stored = try await outbox.replay(since: 0, limit: 20_000, filter: MessageFilter()).entries
        #expect(stored.count == phases.values.reduce(0, +) && stored.map(\.seq) == Array(1...Int64(stored.count)))
        let first = stored.filter { $0.query == "q0" }
        #expect(
            first.first?.event?.id == "E0" && first.dropFirst().map(\.prev) == first.dropLast().map { Optional($0.seq) }
        )
        let names = try FileManager.default.contentsOfDirectory(atPath: path + ".d/snapshots")
        var files: Set<UInt> = []
        for name in names {
            var file = stat()
            if stat("\(path).d/snapshots/\(name)", &file) == 0 { files.insert(UInt(file.st_ino)) }
        }
        #expect(names.count == count && files.count == 1, "\(files.count) files")
    }

    @Test("a few events are out when their delivery returns, and are no storm")
    func calm() async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let outbox = Outbox(journal: try Journal(path: nil), publisher: nil, logger: logger)
        let delivery = EventDelivery(outbox: outbox, history: nil, logger: logger) { false }
        var events = try Events(20)
        await delivery.deliver(events.observe(0.3))
        #expect(await delivery.storming == nil && outbox.lastSeq == 20)
        #expect(await delivery.backlog.waiting == 0)
    }

    @Test("an event that ends after its clip names it, and one without a clip names none")
    func clips() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "clips-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var settings = ClipSettings()
        settings.directory = folder.path
        let recorder = try ClipRecorder(settings, journal: nil, logger: logger)
        defer { recorder.close() }
        let clip = folder.appending(path: "E0.mp4")
        try Data("whole".utf8).write(to: clip)
        let outbox = Outbox(journal: try Journal(path: nil), publisher: nil, logger: logger)
        let delivery = EventDelivery(outbox: outbox, history: nil, clips: recorder, logger: logger) { false }
        var events = try Events(2)
        for score in ([0.3, 0] as [Float]) { await delivery.deliver(events.observe(score)) }
        let stored = try await outbox.replay(since: 0, limit: 10, filter: MessageFilter()).entries
        let ends = try stored.map { try JSONText.parse($0.body) }.filter { $0["phase"]?.string == "end" }
        #expect(ends.map { $0["clip"]?.string } == [clip.path, nil])
    }
}
