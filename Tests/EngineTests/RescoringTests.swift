import CLIP
import Checkpoints
import Engine
import Foundation
import Heads
import Matching
import Pixels
import Sampling
import Tensors
import TestSupport
import Testing

@Suite("Windows that int8 leaves open are scored again in float32")
struct RescoringTests {
    private static let heads = ["mean", "lstm", "transformer", "tight"]

    /// Makes an engine whose clock stands still, unless `now` is given.
    private func makeEngine(
        _ precision: Precision, isLive: Bool = false, clock: ManualClock = ManualClock()
    ) async throws -> ScoringEngine {
        let engine = try ScoringEngine(
            model: ModelDirectory(Fixtures.shapes), finder: .standard(first: [Fixtures.plugins]), precision: precision,
            isLive: isLive, now: { clock.now })
        await engine.addLane("s")
        return engine
    }

    private func query(_ head: String, _ rule: ThresholdRule) throws -> StandingQuery {
        try StandingQuery(id: head, text: "a blue circle", head: head, frames: 4, rule: rule)
    }

    private func item(_ time: Int, _ picture: Picture, number: Int? = nil) -> QueuedItem {
        QueuedItem(
            stream: "s",
            item: .frame(
                Frame(
                    picture: picture, pictureNumber: UInt64(number ?? time), mediaTime: Double(time),
                    wallClock: Date(timeIntervalSince1970: Double(time)), discontinuity: false)))
    }

    /// The first frames of a golden video.
    private func golden() throws -> [Picture] {
        let file = try Fixtures.safetensors(Fixtures.videos.appending(path: "lobby.golden.safetensors"))
        let bytes = try file.integers("frames_rgb64_first24").map { UInt8($0) }
        let size = 3 * 64 * 64
        return stride(from: 0, to: bytes.count, by: size).map { Picture(side: 64, rgb: Array(bytes[$0..<$0 + size])) }
    }

    private func flat(_ level: UInt8 = 90) -> Picture {
        Picture(side: 64, rgb: [UInt8](repeating: level, count: 3 * 64 * 64))
    }

    /// Every window's score, by the end of the window.
    private func windows(_ engine: ScoringEngine, _ pictures: [Picture], batch: Int) async throws -> [Double: Float] {
        var scores: [Double: Float] = [:]
        let items = pictures.enumerated().map { item($0, $1) }
        for start in stride(from: 0, to: items.count, by: batch) {
            let step = try await engine.process(
                Array(items[start..<min(start + batch, items.count)]), wantScores: true)
            for score in step.scores { scores[score.span.mediaEnd] = score.score }
        }
        return scores
    }

    @Test("where the score is at the threshold, and hardly anywhere else", arguments: heads, [1, 7])
    func atTheThreshold(_ head: String, _ batch: Int) async throws {
        let pictures = try golden()
        let whole = try await makeEngine(.f32)
        _ = try await whole.add(query(head, .score(1000)))
        let exact = try await windows(whole, pictures, batch: batch)
        let plain = try await makeEngine(.int8)
        _ = try await plain.add(query(head, .score(1000)))
        let bytes = try await windows(plain, pictures, batch: batch)
        #expect(exact.count == 21 && bytes.count == 21)
        #expect(exact.count { bytes[$0.key] != $0.value } > 15)
        for (end, score) in exact where score != bytes[end] && Int(end) % 4 == 3 {
            let engine = try await makeEngine(.int8)
            _ = try await engine.add(query(head, .score(score)))
            let found = try await windows(engine, pictures, batch: batch)
            #expect(found[end] == score)
            #expect(found.contains { $0.value == bytes[$0.key] && $0.value != exact[$0.key] })
        }
    }

    /// The start or the end of an event.
    private struct Change: Hashable {
        let phase: EventTracker.Phase
        /// The end of the window that started the event, or of the last one of it, in seconds of media time.
        let window: Double
        /// The number of the frame after which the event was reported.
        let told: Int
    }

    private func changes(
        _ engine: ScoringEngine, _ pictures: [Picture], _ rule: ThresholdRule, hysteresis: Float
    ) async throws -> [Change] {
        var settings = StandingQuery.Settings()
        settings.policy.hysteresis = hysteresis
        _ = try await engine.add(
            StandingQuery(id: "q", text: "a blue circle", head: "mean", frames: 4, rule: rule, settings: settings))
        var changes: [Change] = []
        for (time, picture) in pictures.enumerated() {
            let step = try await engine.process([item(time, picture)])
            for found in step.detections where found.transition.phase != .update {
                changes.append(
                    Change(phase: found.transition.phase, window: found.transition.mediaEnd, told: time))
            }
        }
        return changes
    }

    @Test("at the end of an event, too")
    func ends() async throws {
        // From the window that scores highest on.
        var pictures = try golden()
        let first = try await makeEngine(.f32)
        _ = try await first.add(query("mean", .score(1000)))
        let highest = try await windows(first, pictures, batch: 1).max { $0.value < $1.value }
        let start = Int(try #require(highest).key) - 3
        pictures = Array(pictures[start...] + pictures[..<start])
        let whole = try await makeEngine(.f32)
        _ = try await whole.add(query("mean", .score(1000)))
        let exact = try await windows(whole, pictures, batch: 1)
        let threshold = try #require(exact[3])
        var seen: Set<[Change]> = []
        for score in exact.values where score < threshold {
            let rule = ThresholdRule.score(threshold)
            let found = try await changes(makeEngine(.int8), pictures, rule, hysteresis: threshold - score)
            let wanted = try await changes(makeEngine(.f32), pictures, rule, hysteresis: threshold - score)
            #expect(found == wanted)
            seen.insert(found)
        }
        #expect(seen.count > 4)
    }

    @Test("by probabilities among contrasts")
    func contrasts() async throws {
        let pictures = try golden()
        let against = ["a red circle", "an empty scene"]
        let whole = try await makeEngine(.f32)
        _ = try await whole.add(query("mean", .contrast(against: against, probability: 0.5)))
        var seen: Set<[Change]> = []
        for (time, picture) in pictures.enumerated() {
            _ = try await whole.process([item(time, picture)])
            guard let probability = try await whole.explain("mean")?.first?.probability else { continue }
            let rule = ThresholdRule.contrast(against: against, probability: Float(probability))
            let found = try await changes(makeEngine(.int8), pictures, rule, hysteresis: 0.01)
            let wanted = try await changes(makeEngine(.f32), pictures, rule, hysteresis: 0.01)
            #expect(found == wanted)
            seen.insert(found)
        }
        #expect(seen.count > 4)
    }

    @Test("no more pictures of cameras, which wait, than frames; all of a file's; what was too much is counted")
    func limited() async throws {
        for isLive in [true, false] {
            let whole = try await makeEngine(.f32)
            _ = try await whole.add(query("mean", .score(1000)))
            let score = try #require(try await windows(whole, Array(repeating: flat(), count: 4), batch: 4)[3])
            let engine = try await makeEngine(.int8, isLive: isLive)
            _ = try await engine.add(query("mean", .score(score)))
            for lane in 1..<8 { await engine.addLane("s\(lane)") }
            var (scored, rescored, undecided) = (0, 0, 0)
            for time in 0..<400 {
                var items: [QueuedItem] = []
                if time < 12, case .frame(let frame) = item(time, flat()).item {
                    // All lanes at once: four windows can be paid at first.
                    items = (["s"] + (1..<8).map { "s\($0)" }).map { QueuedItem(stream: $0, item: .frame(frame)) }
                }
                let step = try await engine.process(items)
                (scored, rescored) = (scored + step.scored, rescored + step.rescored)
                undecided += step.undecided
            }
            #expect(scored == 8 * 9 && rescored + undecided == scored)
            #expect(isLive ? (4...8 * 9 - 4).contains(rescored) : undecided == 0, "\(rescored)")
        }
    }

    /// Makes an engine whose lane waits for float32 in its first window, and returns the events expected in float32.
    ///
    /// The window consists of the golden pictures from `first` on.
    private func waiting(
        _ clock: ManualClock = ManualClock(), from first: Int = 0
    ) async throws -> (engine: ScoringEngine, pictures: [Picture], wanted: [Change]) {
        let pictures = Array(try golden()[first..<first + 12])
        let whole = try await makeEngine(.f32)
        _ = try await whole.add(query("mean", .score(1000)))
        let threshold = try #require(await windows(whole, pictures, batch: 1)[3])
        let wanted = try await changes(makeEngine(.f32), pictures, .score(threshold), hysteresis: 0)
        #expect(wanted.first == Change(phase: .start, window: 3, told: 3))
        let engine = try await makeEngine(.int8, isLive: true, clock: clock)
        await engine.addLane("other")
        var settings = StandingQuery.Settings()
        settings.policy.hysteresis = 0
        _ = try await engine.add(
            StandingQuery(
                id: "q", text: "a blue circle", head: "mean", frames: 4, rule: .score(threshold), settings: settings))
        for time in 0..<3 { #expect(try await engine.process([item(time, pictures[time])]).settled == [Double(time)]) }
        return (engine, pictures, wanted)
    }

    @Test("a lane that waits for it holds up no other, and keeps its order")
    func turns() async throws {
        let (engine, pictures, wanted) = try await waiting()
        var settled: [Double] = []
        var changes: [EventTracker.Phase: [Double]] = [:]
        func take(_ step: BatchResult) {
            settled += step.settled
            for found in step.detections where found.transition.phase != .update {
                changes[found.transition.phase, default: []].append(found.transition.mediaEnd)
            }
        }
        // All but one of the window's four pictures are left for other turns, whatever else comes.
        let other = Frame(
            picture: pictures[0], pictureNumber: 1, mediaTime: 100, wallClock: Date(timeIntervalSince1970: 100),
            discontinuity: false)
        let step = try await engine.process([
            item(3, pictures[3]), item(4, pictures[4]), QueuedItem(stream: "other", item: .frame(other)),
        ])
        #expect(step.waits && step.settled == [100] && step.detections.isEmpty)
        take(step)
        for time in 5..<pictures.count { take(try await engine.process([item(time, pictures[time])])) }
        var calls = 0
        while calls < 20 {
            calls += 1
            let step = try await engine.process([])
            take(step)
            if !step.waits { break }
        }
        #expect(calls < 20 && settled == [100] + (3..<pictures.count).map { Double($0) })
        // The events of float32, by their windows: they are told later.
        #expect(changes == Dictionary(grouping: wanted, by: \.phase).mapValues { $0.map(\.window) })
    }

    @Test("it is not done while frames are late, and given up after half a second")
    func late() async throws {
        let clock = ManualClock()
        let (engine, pictures, _) = try await waiting(clock)
        #expect(try await engine.process([item(3, pictures[3])], isLate: true).waits)
        for _ in 0..<10 { #expect(try await engine.process([], isLate: true).waits) }
        clock.advance(.milliseconds(500))
        #expect(try await engine.process([], isLate: true).waits)
        clock.advance(.milliseconds(1))
        let step = try await engine.process([], isLate: true)
        #expect(!step.waits && step.undecided == 1 && step.rescored == 0 && step.settled == [3])
    }

    @Test("a lane that is taken away waits no longer: int8's score decides", arguments: [true, false])
    func leaving(isAbove: Bool) async throws {
        // A window whose score by int8 is on that side of the one by float32, which is the threshold.
        let whole = try await makeEngine(.f32)
        _ = try await whole.add(query("mean", .score(1000)))
        let exact = try await windows(whole, golden(), batch: 1)
        let plain = try await makeEngine(.int8)
        _ = try await plain.add(query("mean", .score(1000)))
        let bytes = try await windows(plain, golden(), batch: 1)
        let ends = exact.keys.sorted().filter { end in
            guard let score = exact[end], let other = bytes[end] else { return false }
            return end < 16 && (isAbove ? other > score : other < score)
        }
        let (engine, pictures, _) = try await waiting(from: Int(try #require(ends.first)) - 3)
        let step = try await engine.process([item(3, pictures[3])])
        #expect(step.waits && step.settled.isEmpty)
        let phases = await engine.removeLane("s").map(\.transition.phase)
        #expect(phases == (isAbove ? [.start, .end] : []))
        // That it was decided as it was is told all the same.
        let after = try await engine.process([])
        #expect(
            !after.waits && after.undecided == 1 && after.scored == 1 && after.settled == [3]
                && after.detections.isEmpty)
    }

    @Test("a query that has gone while its window waits is not heard of")
    func leavingQuery() async throws {
        let (second, pictures, _) = try await waiting()
        #expect(try await second.process([item(3, pictures[3])]).waits)
        #expect(await second.remove("q")?.isEmpty == true)
        // It takes the place of the one that has gone, and matches everything.
        _ = try await second.add(query("mean", .score(-1000)))
        var told: [Detection] = []
        for _ in 0..<5 { told += try await second.process([]).detections }
        #expect(told.map(\.query.id) == ["mean"])
    }

    @Test("a picture that does not change is embedded once more, however long it stays")
    func gated() async throws {
        let whole = try await makeEngine(.f32)
        _ = try await whole.add(query("mean", .score(1000)))
        let score = try #require(await windows(whole, Array(repeating: flat(), count: 4), batch: 4)[3])
        let engine = try await makeEngine(.int8, isLive: true)
        _ = try await engine.add(query("mean", .score(score)))
        for time in 0..<240 {
            let step = try await engine.process([item(time, flat(), number: 1)])
            #expect(step.undecided == 0 && step.rescored == step.scored)
        }
    }

    @Test("an explanation shows the score that decided")
    func explained() async throws {
        let pictures = Array(try golden().prefix(9))
        let whole = try await makeEngine(.f32)
        _ = try await whole.add(query("lstm", .score(1000)))
        let score = try #require(await windows(whole, pictures, batch: 1)[8])
        let engine = try await makeEngine(.int8)
        _ = try await engine.add(query("lstm", .score(score)))
        _ = try await windows(engine, pictures, batch: 1)
        let told = try #require(await engine.explain("lstm")?.first)
        #expect(told.score == Double(score) && told.open)
    }
}
