import Backtesting
import CLIP
import Engine
import Foundation
import Heads
import History
import Matching
import SystemSupport
import TestSupport
import Testing

/// A day of a camera as embeddings, with ordinary pictures, and events of an hour now and then.
///
/// Some pictures repeat or show nothing; there are restarts, and hours without a camera.
private struct Day {
    /// The begin: 2026-11-30, 21:00 UTC, so that midnight is within.
    static let start = 1_796_072_400.0
    let frames: [RecordedFrame]
    let text: [Float]

    /// Makes a day; `spread` is the distance of ordinary pictures from each other.
    init(seed: UInt64, width: Int, hours: Double, spread: Float = 0.3) {
        var random = SeededRandom(seed: seed)
        func vector() -> [Float] { (0..<width).map { _ in Float(random.normal()) } }
        let text = vector()
        let background = vector()
        var (at, frames, media) = (vector(), [RecordedFrame](), 0.0)
        var (event, isBroken, last) = (0, true, [Float]())
        var wall = Self.start
        while wall < Self.start + hours * 3600 {
            let chance = random.uniform(0, 1)
            if chance < 0.0005 {
                // The camera goes away for some minutes, and its times begin anew.
                wall += random.uniform(20, 600)
                (media, isBroken) = (0, true)
            }
            if event == 0, random.uniform(0, 1) < 0.002 { event = Int(random.uniform(5, 60)) }
            event = max(0, event - 1)
            for place in at.indices { at[place] = 0.95 * at[place] + spread * Float(random.normal()) }
            let mix = zip(zip(background, at), text).map { $0.0 + $0.1 + (event > 0 ? 0.8 * $1 : 0) }
            let kind = random.uniform(0, 1)
            let isBlind = kind < 0.003
            let isRepeat = !isBlind && kind < 0.2 && !last.isEmpty && !isBroken
            let embedding = isBlind ? nil : isRepeat ? last : mix
            frames.append(
                RecordedFrame(
                    lane: "gate", embedding: embedding, mediaTime: media, wallClock: wall, isDiscontinuity: isBroken,
                    isRepeat: isRepeat))
            last = embedding ?? []
            isBroken = false
            wall += 1
            media += 1
        }
        (self.frames, self.text) = (frames, text)
    }
}

@Suite("A backtest of a recorded day")
struct ReplayTests {
    private let model: ModelDirectory
    private let finder = HeadFinder.standard(first: [Fixtures.plugins])
    private let path = FileManager.default.temporaryDirectory.appending(path: "backtest-\(UUID())").path

    init() throws { model = try ModelDirectory(Fixtures.shapes) }

    private var width: Int { model.architecture.embedding }

    private func query(
        _ head: String, _ rule: ThresholdRule, _ change: (inout StandingQuery.Settings) -> Void = { _ in }
    ) throws -> StandingQuery {
        var settings = StandingQuery.Settings()
        change(&settings)
        return try StandingQuery(id: "q", text: "x", head: head, frames: 8, rule: rule, settings: settings)
    }

    /// A threshold that one in a hundred windows reaches, or one in so many.
    private func threshold(_ day: Day, _ head: String, oneIn many: Int = 100) throws -> Float {
        let one = EmbeddedQuery(try query(head, .score(1000)), QueryEmbedding(query: day.text))
        let replay = try Replay([one], lane: "gate", model: model, finder: finder, start: Day.start)
        var values: [Float] = []
        replay.follow("q") { values.append($0.value) }
        _ = try replay.take(day.frames)
        values.sort()
        return values[values.count * (many - 1) / many]
    }

    private func record(_ day: Day) throws {
        let writer = try HistoryWriter(
            path,
            HistoryWriter.Settings(
                model: model.historyIdentity, width: width, window: 8,
                retention: HistoryRetention(days: nil, bytes: nil)))
        for (place, frame) in day.frames.enumerated() {
            writer.append(
                HistoryFrame(
                    stream: frame.lane, embedding: frame.embedding, media: frame.mediaTime, wall: frame.wallClock,
                    isDiscontinuity: frame.isDiscontinuity, isRepeat: frame.isRepeat))
            if place % 1000 == 999 { writer.flush() }
        }
        writer.close()
        #expect(writer.status.dropped == 0 && writer.status.lost == 0)
    }

    /// The starts and ends of the events that the live code detects in the frames.
    private func live(_ day: Day, _ query: StandingQuery, contrasts: [[Float]] = []) throws -> [[Date]] {
        let one = EmbeddedQuery(query, QueryEmbedding(query: day.text, contrasts: contrasts))
        let replay = try Replay([one], lane: "gate", model: model, finder: finder, start: Day.start)
        var told: [Detection] = []
        // Some frames at a time, as a live stream's batches come.
        for start in stride(from: 0, to: day.frames.count, by: 5) {
            told += try replay.take(Array(day.frames[start..<min(start + 5, day.frames.count)])).detections
        }
        told += replay.end()
        return told.filter { $0.transition.phase == .end }.map(\.transition).map {
            [Date(timeIntervalSince1970: $0.wallStart), Date(timeIntervalSince1970: $0.wallEnd)]
        }
    }

    private func backtest(_ day: Day, _ query: StandingQuery, contrasts: [[Float]] = []) throws -> BacktestResult {
        let one = EmbeddedQuery(query, QueryEmbedding(query: day.text, contrasts: contrasts))
        var backtest = Backtest([one], model: model, finder: finder, identity: model.historyIdentity)
        backtest.error = 2e-5
        return try backtest.run(HistoryFolder(path), now: Day.start + 2 * 86_400)
    }

    private func spans(_ alerts: [BacktestResult.Alert]) -> Set<[Date]> { Set(alerts.map { [$0.start, $0.end] }) }

    @Test(
        "has the events of the frames as they came, over midnight, restarts and repeats",
        arguments: [
            ("mean", 8.0), ("lstm", 4), ("transformer", 4), ("tight", 4),
        ])
    func same(_ head: String, _ hours: Double) throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let day = Day(seed: 22, width: width, hours: hours)
        try record(day)
        // As many windows are above it in the shorter days of the heads that take longer.
        let threshold = try threshold(day, head, oneIn: hours < 5 ? 50 : 100)
        let night = try ActiveHours([ActiveHours.Rule(zone: "UTC", spans: [ActiveHours.Span("22:00-02:30")])])
        let all: [(inout StandingQuery.Settings) -> Void] = [
            { _ in }, { $0.policy.cooldown = 300 }, { $0.policy.minimumDuration = 5 },
            { ($0.policy.needed, $0.policy.windows) = (3, 5) }, { $0.group = "g" },
            { $0.activeHours = night },
        ]
        // Rules do not know of heads: one head tries them all.
        let changes = head == "mean" ? all : [all[0]]
        var events = 0
        for change in changes {
            let query = try query(head, .score(threshold), change)
            let live = try live(day, query)
            let result = try backtest(day, query)
            let stream = try #require(result.streams.first)
            #expect(result.streams.count == 1 && result.skipped.isEmpty)
            // A window that the recording's own error may decide may be decided otherwise, and is counted.
            let differing = Set(live).symmetricDifference(spans(stream.alerts)).count
            #expect(differing <= 2 * result.undecided, "\(differing) of \(live.count)")
            #expect(stream.count == stream.alerts.count && result.undecided < 20)
            events += live.count
            let watched = stream.covered + stream.gaps.reduce(0) { $0 + $1.to.timeIntervalSince($1.from) }
            #expect(abs(watched - 2 * 86_400) < 2)
        }
        #expect(events > 3)
    }

    @Test("decides contrasts, and proposes the threshold whose alerts are as many as asked for")
    func contrasts() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let day = Day(seed: 5, width: width, hours: 6)
        try record(day)
        var random = SeededRandom(seed: 9)
        let contrasts = (0..<3).map { _ in (0..<width).map { _ in Float(random.normal()) } }
        let against = try query("mean", .contrast(against: ["a", "b", "c"], probability: 0.9))
        let live = try live(day, against, contrasts: contrasts)
        let result = try backtest(day, against, contrasts: contrasts)
        #expect(Set(live).symmetricDifference(spans(result.streams[0].alerts)).count <= 2 * result.undecided)

        let scored = try query("mean", .score(try threshold(day, "mean")))
        let stream = try backtest(day, scored).streams[0]
        let proposed = try #require(stream.proposed)
        // By the definition: with the proposed threshold there are at most as many, with a slightly lower one more.
        let days = stream.covered / 86_400
        let kept = try backtest(day, try query("mean", .score(Float(proposed.threshold)))).streams[0]
        #expect(Double(kept.count) <= days * proposed.alertsPerDay + 1e-9)
        let lower = try backtest(day, try query("mean", .score(Float(proposed.threshold) - 0.01))).streams[0]
        #expect(Double(lower.count) > days * proposed.alertsPerDay)
        // The curve goes down to no alert above the highest score, and has the median's many.
        #expect(stream.curve.count == 33 && stream.curve[0].threshold < stream.curve[32].threshold)
        #expect((stream.histogram?.counts ?? []).reduce(0, +) == stream.windows)
        // A point of the curve is what its threshold does, but for windows that the scan's error decides.
        for place in [12, 20, 26, 30] {
            let point = stream.curve[place]
            let count = try backtest(day, try query("mean", .score(Float(point.threshold)))).streams[0].count
            let told = (point.perDay * days).rounded()
            #expect(abs(Double(count) - told) <= max(1, 0.05 * told), "\(count) at \(point.threshold), \(told) told")
        }
    }

    @Test("of a steady scene the proposed threshold is above it, and not an event without end")
    func steady() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        // Cosines stay within the hysteresis, so that at the median one event would never end.
        let day = Day(seed: 3, width: width, hours: 12, spread: 0.05)
        try record(day)
        let stream = try backtest(day, try query("mean", .score(0.99))).streams[0]
        let proposed = try #require(stream.proposed).threshold
        let kept = try backtest(day, try query("mean", .score(Float(proposed)))).streams[0]
        #expect(Double(kept.count) <= stream.covered / 86_400 + 1e-9)
        let median = stream.curve[0].threshold
        #expect(proposed > median + 0.02, "\(proposed), the median is \(median)")
        #expect(kept.alerts.allSatisfy { $0.end.timeIntervalSince($0.start) < 600 })
    }

    @Test("a budget is tested with the threshold that is pinned, or that the span teaches")
    func budget() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let day = Day(seed: 11, width: width, hours: 20)
        try record(day)
        let query = try query("mean", .budget(falseAlertsPerDay: 4))
        let learnt = try backtest(day, query).streams[0]
        let threshold = try #require(learnt.threshold)
        let fixed = try backtest(day, try self.query("mean", .score(Float(threshold)))).streams[0]
        #expect(learnt.alerts == fixed.alerts && !fixed.alerts.isEmpty)
        var backtest = Backtest(
            [EmbeddedQuery(query, QueryEmbedding(query: day.text))], model: model, finder: finder,
            identity: model.historyIdentity)
        backtest.pins = ["gate": ["q": Float(threshold) + 0.05]]
        let pinned = try backtest.run(HistoryFolder(path), now: Day.start + 2 * 86_400).streams[0]
        #expect(pinned.threshold.map { abs($0 - threshold - 0.05) < 1e-5 } == true && pinned.count <= fixed.count)
    }

    @Test("a span has the events of its own windows, and nothing is read past its end")
    func span() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let day = Day(seed: 7, width: width, hours: 8)
        try record(day)
        let query = try query("mean", .score(try threshold(day, "mean")))
        let one = EmbeddedQuery(query, QueryEmbedding(query: day.text))
        var backtest = Backtest([one], model: model, finder: finder, identity: model.historyIdentity)
        let (from, to) = (Day.start + 2 * 3600, Day.start + 7 * 3600)
        (backtest.from, backtest.to) = (from, to)
        let stream = try backtest.run(HistoryFolder(path), now: Day.start + 86_400).streams[0]
        let all = try self.backtest(day, query).streams[0]
        let inner = all.alerts.filter {
            $0.start.timeIntervalSince1970 > from + 60 && $0.end.timeIntervalSince1970 < to - 60
        }
        #expect(!inner.isEmpty && spans(inner).isSubset(of: spans(stream.alerts)))
        #expect(stream.alerts.allSatisfy { $0.end.timeIntervalSince1970 < to })
        let windows = all.windows
        #expect(stream.windows < windows && stream.windows > windows / 2)
        // Given up, it says so; another model's rows are left out, and named.
        #expect(try backtest.run(HistoryFolder(path), now: Day.start + 86_400, goesOn: { false }).isCancelled)
        let other = Backtest([one], model: model, finder: finder, identity: "another")
        let none = try other.run(HistoryFolder(path), now: Day.start + 86_400)
        #expect(none.streams.isEmpty && none.skipped.first?.contains("another") == true)
    }

    @Test("a budget is learnt from the past as the same days would have taught it")
    func learning() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let day = Day(seed: 11, width: width, hours: 20)
        try record(day)
        let query = try query("mean", .budget(falseAlertsPerDay: 4))
        let one = EmbeddedQuery(query, QueryEmbedding(query: day.text))
        let replay = try Replay([one], lane: "gate", model: model, finder: finder, start: Day.start)
        _ = try replay.take(day.frames)
        let live = try #require(replay.calibration(of: "q")?.pin)
        let (learnt, skipped) = try HistoryLearning(
            [one], model: model, finder: finder, rerank: 32, calibration: CalibrationSettings(), labels: { _ in [] }
        ).run(HistoryFolder(path), now: Day.start + 86_400)
        #expect(skipped.isEmpty)
        #expect(learnt.map(\.lane) == ["gate"] && learnt.map(\.query) == ["q"])
        let pin = try #require(learnt.first?.calibration.pin)
        #expect(abs(pin.threshold - live.threshold) < 1e-3 && pin.version == live.version)
    }
}
