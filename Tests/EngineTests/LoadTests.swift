import CLIP
import Checkpoints
import Engine
import Foundation
import Heads
import Ingest
import Matching
import Pixels
import Sampling
import StreamSources
import Synchronization
import TestSupport
import Testing
import WatchwordConfiguration

private func frame(_ number: Int, received: ContinuousClock.Instant = .now) -> LaneItem {
    .frame(
        Frame(
            picture: Picture(side: 1, rgb: [0, 0, 0]), pictureNumber: UInt64(number), mediaTime: Double(number),
            wallClock: Date(), received: received, discontinuity: false))
}

@Suite("Under load")
struct LoadTests {
    /// Streams that leave out samples by the queue's share.
    private struct Cameras {
        let streams: [String]
        var thinning: [SampleShedding]
        var shed: [Int]

        init(_ count: Int) {
            streams = (0..<count).map { "s\($0)" }
            thinning = streams.map { _ in SampleShedding(fps: 10) }
            shed = streams.map { _ in 0 }
        }
    }

    /// Plays streams of 10 frames a second in steps of 100 ms, with an engine that takes `capacity` frames a step.
    ///
    /// Each frame arrives `decoding` after the data that it was decoded from.
    private func play(
        _ queue: FrameQueue, _ clock: ManualClock, steps: Int, _ cameras: inout Cameras, capacity: Int,
        decoding: Duration = .zero
    ) async -> [String: Int] {
        var taken: [String: Int] = [:]
        for step in 0..<steps {
            for (index, stream) in cameras.streams.enumerated() {
                if cameras.thinning[index].keeps(queue.share.value) {
                    queue.post(frame(step, received: clock.now - decoding), to: stream)
                } else {
                    cameras.shed[index] += 1
                }
            }
            clock.advance(.milliseconds(100))
            guard queue.depthNow > 0 else { continue }
            for item in await queue.next(limit: capacity, maxDelay: .zero) ?? [] { taken[item.stream, default: 0] += 1 }
        }
        return taken
    }

    @Test("a stream that ended and is opened again begins with an empty lane, and the queue counts what waits")
    func reopened() async {
        let queue = FrameQueue()
        queue.open("s", policy: .wait)
        queue.post(frame(0), to: "s")
        queue.post(.end, to: "s")
        queue.open("s", policy: .wait)
        #expect(queue.depthNow == 0)
        queue.post(frame(1), to: "s")
        let taken = await queue.next(limit: 8, maxDelay: .zero)
        #expect(taken?.count == 1 && queue.depthNow == 0)
    }

    @Test("live streams are thinned out evenly, none starves, and all come back when there is time")
    func shedding() async {
        let clock = ManualClock()
        let queue = FrameQueue(now: { clock.now })
        var cameras = Cameras(8)
        for stream in cameras.streams { queue.open(stream, policy: .dropOldest) }
        // Half of what comes can be taken.
        _ = await play(queue, clock, steps: 300, &cameras, capacity: 4)
        let (shed, dropped) = (cameras.shed, cameras.streams.map { queue.dropped($0) })
        let taken = await play(queue, clock, steps: 400, &cameras, capacity: 4)
        let each = cameras.streams.map { taken[$0] ?? 0 }
        #expect((each.max() ?? 0) - (each.min() ?? 0) <= 4 && (each.min() ?? 0) >= 170, "\(each)")
        for (index, stream) in cameras.streams.enumerated() {
            let (left, lost) = (cameras.shed[index] - shed[index], Int(queue.dropped(stream) - dropped[index]))
            // Frames are left out before they come, not lost after they have waited.
            #expect(left > 150 && lost <= 10, "\(left) left out, \(lost) lost")
            #expect(abs(left + lost + each[index] - 400) <= 16)
        }
        _ = await play(queue, clock, steps: 400, &cameras, capacity: 16)
        #expect(queue.share.value == 1)
        let then = cameras.shed
        _ = await play(queue, clock, steps: 50, &cameras, capacity: 16)
        #expect(cameras.shed == then)
    }

    @Test("frames that were long in being decoded count as late, too")
    func lateDecoding() async {
        let clock = ManualClock()
        let queue = FrameQueue(now: { clock.now })
        var cameras = Cameras(2)
        for stream in cameras.streams { queue.open(stream, policy: .dropOldest) }
        _ = await play(queue, clock, steps: 100, &cameras, capacity: 8, decoding: .milliseconds(50))
        #expect(queue.share.value == 1)
        _ = await play(queue, clock, steps: 100, &cameras, capacity: 8, decoding: .seconds(1))
        #expect(queue.share.value < 0.5)
    }

    @Test("a file's lane tells nobody to leave anything out")
    func file() async {
        let clock = ManualClock()
        let queue = FrameQueue(now: { clock.now })
        queue.open("file", policy: .wait)
        for _ in 0..<20 {
            queue.post(frame(0, received: clock.now - .seconds(10)), to: "file")
            clock.advance(.seconds(1))
            _ = await queue.next(limit: 8, maxDelay: .zero)
        }
        #expect(queue.share.value == 1 && queue.dropped("file") == 0)
    }

    @Test("a batch leaves when it is full, at once, and otherwise when its oldest frame has waited")
    func batching() async {
        let queue = FrameQueue()
        queue.open("a", policy: .dropOldest)
        for number in 0..<4 { queue.post(frame(number), to: "a") }
        // An hour's delay: only a full batch can end the wait.
        #expect(await queue.next(limit: 4, maxDelay: .seconds(3600))?.count == 4)
        queue.post(frame(4), to: "a")
        #expect(await queue.next(limit: 4, maxDelay: .milliseconds(5))?.count == 1)
        async let late = queue.next(limit: 2, maxDelay: .seconds(3600))
        for number in 5..<7 { queue.post(frame(number), to: "a") }
        #expect(await late?.count == 2)
        async let last = queue.next(limit: 2, maxDelay: .seconds(3600))
        queue.finish()
        #expect(await last == nil)
    }
}

@Suite("The gate")
struct GateTests {
    private static func videos() throws -> [URL] {
        try Fixtures.entries(of: Fixtures.videos) { $0.pathExtension == "mp4" }
    }

    private struct Event: Equatable, CustomStringConvertible {
        let query: String
        let start, end: Double
        var description: String { "\(query) \(start)–\(end)" }
    }

    /// The events of a golden video's queries and two more, with the model's own thresholds.
    private func events(_ video: URL, gate: Double?) async throws -> (events: [Event], summary: WatchSession.Summary) {
        let golden = try Fixtures.safetensors(
            video.deletingPathExtension().appendingPathExtension("golden.safetensors"))
        let queries = try JSONDecoder().decode([String].self, from: Data(#require(golden.metadata["queries"]).utf8))
        let model = try ModelDirectory(Fixtures.shapes)
        let finder = HeadFinder.standard(first: [Fixtures.plugins])
        let engine = try ScoringEngine(model: model, finder: finder)
        let defaults = Defaults(model: model, finder: finder)
        for (index, text) in queries.enumerated() {
            _ = try await engine.add(defaults.query(QueryConfiguration(id: "q\(index)", text: text)))
        }
        let found = Mutex<[Event]>([])
        let session = try WatchSession(
            engine: engine, name: "v", source: SourceDescription(uri: video.path, fps: 4, side: 64, gate: gate),
            templates: PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines")))
        let summary = try await session.run(wantScores: false) { report in
            guard case .detection(let detection, _, _) = report, detection.transition.phase == .end else { return }
            let event = Event(
                query: detection.query.id, start: detection.transition.mediaStart, end: detection.transition.mediaEnd)
            found.withLock { $0.append(event) }
        }
        return (found.withLock { $0 }, summary)
    }

    @Test("loses no event of the golden videos, and embeds less", arguments: try videos())
    func losesNothing(_ video: URL) async throws {
        let (all, _) = try await events(video, gate: nil)
        let (gated, summary) = try await events(video, gate: 2)
        // Printed for the record of how much a gate saves.
        print(
            "\(video.lastPathComponent): \(summary.gated) of \(summary.frames) frames unchanged, \(all.count) events, \(gated.count) gated"
        )
        #expect(summary.gated < summary.frames && summary.dropped == 0)
        for event in all {
            #expect(
                gated.contains { $0.query == event.query && $0.start <= event.end && $0.end >= event.start },
                "lost: \(event)")
        }
        for event in gated {
            #expect(
                all.contains { $0.query == event.query && $0.start <= event.end && $0.end >= event.start },
                "made up: \(event)")
        }
    }

    @Test("keeps the embedding of an unchanged picture, within a batch and over batches, and says so")
    func reuse() async throws {
        let engine = try ScoringEngine(
            model: ModelDirectory(Fixtures.shapes), finder: .standard(first: [Fixtures.plugins]))
        _ = try await engine.add(StandingQuery(id: "q", text: "a circle", head: "mean", frames: 2, rule: .score(1000)))
        await engine.addLane("s")
        func item(_ number: UInt64, level: UInt8, at time: Double, jump: Bool = false) -> QueuedItem {
            QueuedItem(
                stream: "s",
                item: .frame(
                    Frame(
                        picture: Picture(side: 64, rgb: [UInt8](repeating: level, count: 64 * 64 * 3)),
                        pictureNumber: number, mediaTime: time, wallClock: Date(), discontinuity: jump)))
        }
        let first = try await engine.process(
            [item(1, level: 10, at: 0), item(1, level: 10, at: 1), item(2, level: 200, at: 2)], wantScores: true)
        #expect(first.encoded == 2 && first.reused == 1)
        // The picture would be another: what is kept is the embedding of number 2.
        let second = try await engine.process(
            [item(2, level: 10, at: 3), item(2, level: 10, at: 4)], wantScores: true)
        #expect(second.encoded == 0 && second.reused == 2)
        let alone = try await engine.score(
            clip: [UInt64(2), 2].map { (number) throws -> Frame in
                guard case .frame(let frame) = item(number, level: 200, at: 0).item else { throw CancellationError() }
                return frame
            }, of: "s")
        #expect(abs((second.scores.last?.score ?? .nan) - (alone.first?.score ?? .nan)) < 1e-5)
        // A source's last frames and its end in one batch.
        let ending = try await engine.process(
            [
                item(3, level: 90, at: 5), item(3, level: 90, at: 6), QueuedItem(stream: "s", item: .end),
                item(3, level: 10, at: 7, jump: true), item(3, level: 10, at: 8),
            ])
        #expect(ending.encoded == 2 && ending.reused == 2)
        // Another source may count from 1 again: after a jump nothing is kept.
        let third = try await engine.process([item(3, level: 10, at: 9, jump: true)])
        #expect(third.encoded == 1 && third.reused == 0)
    }
}
