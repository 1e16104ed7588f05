import CLIP
import Checkpoints
import Concurrency
import Engine
import Foundation
import Heads
import Matching
import SystemSupport
import Tensors
import TestSupport
import Testing

/// Hours of recorded embeddings: scenes of the shapes world, and which windows show which events.
private struct Recording {
    let queries: [String]
    let width: Int
    /// The index of each scene's first window, and the number of all windows.
    private(set) var bounds = [0]
    /// The frames `[windows, 8, width]`, in order.
    private let frames: [Float]
    private var firstFrames: [Int] = []
    /// The truth `[windows, queries]`: 0 false, 1 undecided, 2 true.
    private(set) var truth: [UInt8]

    static let length = 8
    static let seconds = 0.25

    init() throws {
        let file = try Fixtures.safetensors(
            Fixtures.repository.appending(path: "Tests/Fixtures/calibration/background.safetensors"))
        queries = try JSONDecoder().decode([String].self, from: Data(#require(file.metadata["queries"]).utf8))
        let basis = try file.floats("basis")
        let steps = try file.floats("steps")
        width = basis.count / (steps.count + 1)
        var parts = try file.integers("frames").map { Float($0) }
        for index in parts.indices { parts[index] *= steps[index % steps.count] }
        // [width, parts]: what a product takes.
        var turned = [Float](repeating: 0, count: steps.count * width)
        for part in steps.indices { for d in 0..<width { turned[d * steps.count + part] = basis[part * width + d] } }
        let rows = parts.count / steps.count
        var all = Products.timesTransposed(parts, turned, width: steps.count)
        for row in 0..<rows { for d in 0..<width { all[row * width + d] += basis[steps.count * width + d] } }
        frames = all
        var first = 0
        for count in try file.integers("blocks") {
            for offset in 0...count - Self.length { firstFrames.append(first + offset) }
            bounds.append(firstFrames.count)
            first += count
        }
        truth = [UInt8](repeating: 0, count: firstFrames.count * queries.count)
        let runs = try file.integers("runs")
        for run in stride(from: 0, to: runs.count, by: 6) {
            let start = bounds[runs[run] + 256 * runs[run + 1]] + runs[run + 3]
            for window in start..<start + runs[run + 4] {
                truth[window * queries.count + runs[run + 2]] = UInt8(runs[run + 5])
            }
        }
    }

    var scenes: Int { bounds.count - 1 }
    func windows(_ scene: Int) -> Range<Int> { bounds[scene]..<bounds[scene + 1] }

    /// Computes the scores `[windows, texts]` of a head.
    func scores(_ name: String, _ texts: [[Float]], _ model: ModelDirectory) throws -> [Float] {
        let library = try HeadFinder.standard(first: [Fixtures.plugins]).load(name)
        let head = try Head(
            library, width: width, maxFrames: Self.length, weights: model.headTensors(name),
            config: model.defaults.configuration(ofHead: name))
        let units = texts.flatMap { Products.unit($0) }
        var scores: [Float] = []
        for start in stride(from: 0, to: firstFrames.count, by: 512) {
            let batch = firstFrames[start..<min(start + 512, firstFrames.count)]
            let windows = batch.flatMap { frames[$0 * width..<($0 + Self.length) * width] }
            let valid = [Int](repeating: Self.length, count: batch.count)
            let clips = try head.pool(windows, valid: valid, frames: Self.length)
            scores += Products.timesTransposed(clips, units, width: width)
        }
        return scores
    }
}

/// The result of one query's day.
private struct Day {
    var falseAlerts = 0
    var found = 0
    var events = 0
    /// The peaks of scenes without an event; `busy` are those of scenes with one.
    var quiet: [Float] = []
    var eventful: [Float] = []

    /// The events found by the best fixed threshold that gives at most the allowed false alerts.
    ///
    /// That threshold is chosen after the day is over.
    func best(_ allowed: Int) -> Int {
        let sorted = quiet.sorted(by: >)
        return eventful.count { $0 > sorted[min(allowed, sorted.count - 1)] }
    }
}

/// A simulation of one query on one stream: an hour of background, then a day with an event now and then.
private struct Simulation {
    let recording: Recording
    let scores: [Float]
    let count: Int
    /// The seconds between events.
    static let every = 14_400.0

    func day(_ column: Int, _ query: Int, budget: Double, seed: UInt64) -> Day? {
        var random = SeededRandom(seed: seed)
        let scenes = random.shuffled(Array(0..<recording.scenes))
        let level = recording.queries.count
        // Of each scene, once: a day shows it many times.
        let most = (0..<recording.scenes).map { scene in
            recording.windows(scene).reduce(UInt8(0)) { max($0, recording.truth[$1 * level + query]) }
        }
        let split = recording.scenes / 4
        let early = scenes[..<split].filter { most[$0] == 0 }
        let late = scenes[split...].filter { most[$0] == 0 }
        let eventful = scenes[split...].filter { most[$0] == 2 }
        var calibration = Calibration(falseAlertsPerDay: budget)
        var time = 0.0
        var day = Day()
        /// Shows a scene; returns whether it was an alert, and its peak (of true windows, if there are any).
        func show(_ scene: Int) -> (isAlert: Bool, peak: Float) {
            var isAlert = false
            var (peak, truePeak) = (-Float.infinity, -Float.infinity)
            let isEvent = most[scene] == 2
            for window in recording.windows(scene) {
                time += Recording.seconds
                let score = scores[window * count + column]
                let truth = recording.truth[window * level + query]
                peak = max(peak, score)
                if truth == 2 { truePeak = max(truePeak, score) }
                if let threshold = calibration.threshold, score >= threshold, !isEvent || truth > 0 { isAlert = true }
                _ = calibration.observe(score, at: time)
            }
            return (isAlert, isEvent ? truePeak : peak)
        }
        var pool: [Int] = []
        func next(_ from: [Int]) -> Int {
            if pool.isEmpty { pool = random.shuffled(from) }
            return pool.removeLast()
        }
        while calibration.threshold == nil, time < 7200 { _ = show(next(early)) }
        guard calibration.threshold != nil else { return nil }
        pool = []
        let end = time + 86_400
        var due = time + Self.every / 4
        var events: [Int] = []
        while time < end {
            if time >= due, !eventful.isEmpty {
                due += Self.every
                if events.isEmpty { events = random.shuffled(eventful) }
                let (isAlert, peak) = show(events.removeLast())
                day.events += 1
                day.found += isAlert ? 1 : 0
                day.eventful.append(peak)
            } else {
                let (isAlert, peak) = show(next(late))
                day.falseAlerts += isAlert ? 1 : 0
                day.quiet.append(peak)
            }
        }
        return day
    }
}

@Suite("The alert budget, on recorded embeddings")
struct BudgetTests {
    /// Which queries are simulated: every one in `make quality`, else every eighth.
    ///
    /// An eighth is enough to check the budget, but too few to measure how many events are found.
    private static let stride = measuresQuality ? 1 : 8

    @Test("keeps within twice its rate over a day; all queries find nine of ten events that the best threshold finds")
    func day() async throws {
        let recording = try Recording()
        let model = try ModelDirectory(Fixtures.shapes)
        let engine = try ScoringEngine(model: model, finder: .standard(first: [Fixtures.plugins]), precision: .f32)
        let columns = Array(Swift.stride(from: 0, to: recording.queries.count, by: Self.stride))
        var texts: [[Float]] = []
        for column in columns { texts.append(try await engine.embed(text: recording.queries[column]).embedding) }
        let budgets = [1.0, 4, 24]
        var pooled = [[Day]](repeating: [], count: budgets.count)
        print("head         budget  alerts/day  of budget  found  best  found/best  runs")
        for name in ["mean", "lstm", "transformer"] {
            let simulation = Simulation(
                recording: recording, scores: try recording.scores(name, texts, model), count: columns.count)
            for (row, budget) in budgets.enumerated() {
                var days: [Day] = []
                for (column, query) in columns.enumerated() {
                    let day = simulation.day(column, query, budget: budget, seed: UInt64(query) + 1)
                    days.append(try #require(day, "\(recording.queries[query]) had no threshold after the warm-up"))
                }
                Self.tell(name, budget, days)
                pooled[row] += days
            }
        }
        for (row, budget) in budgets.enumerated() {
            let (rate, found) = Self.tell("all", budget, pooled[row])
            #expect(rate <= 2 * budget, "\(rate) false alerts a day, where \(budget) are allowed")
            // What is found is judged where it can be: with all queries (six have some thirty events a head), and a
            // budget that is not rarer than the recording has different scenes for. In hindsight one can always stay
            // above the few there are.
            if Self.stride == 1, budget >= 24 { #expect(found >= 0.9, "\(found) of what the best threshold finds") }
        }
    }

    @discardableResult
    private static func tell(_ name: String, _ budget: Double, _ days: [Day]) -> (rate: Double, found: Double) {
        let rate = Double(days.reduce(0) { $0 + $1.falseAlerts }) / Double(days.count)
        let events = Double(days.reduce(0) { $0 + $1.events })
        let found = Double(days.reduce(0) { $0 + $1.found })
        let best = Double(days.reduce(0) { $0 + $1.best(Int(budget)) })
        let numbers = [budget, rate, rate / budget, found / events, best / events, found / best]
        let cells = numbers.map { String(format: "%9.3f", $0) }.joined(separator: " ")
        print(name.padding(toLength: 12, withPad: " ", startingAt: 0), cells, days.count)
        return (rate, found / best)
    }
}

extension SeededRandom {
    fileprivate mutating func shuffled(_ items: [Int]) -> [Int] {
        var items = items
        guard items.count > 1 else { return items }
        for index in Swift.stride(from: items.count - 1, to: 0, by: -1) {
            items.swapAt(index, Int(next() % UInt64(index + 1)))
        }
        return items
    }
}
