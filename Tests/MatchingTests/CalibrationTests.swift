import Foundation
import Matching
import SystemSupport
import TestSupport
import Testing
import WatchwordConfiguration

/// Scores of overlapping windows without events: a moving mean of noise around 0, some tenths wide.
private struct Background {
    private var random: SeededRandom
    private var last = [Double](repeating: 0, count: 8)
    private var place = 0
    private(set) var time = 0.0
    /// Scores that are drawn already, of which the first `taken` were given.
    private var drawn: [Float] = []
    private var taken = 0

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    /// Draws some hours of scores, for several calibrations that see the same.
    mutating func draw(hours: Double) {
        var ahead = self
        drawn = (0..<Int(hours * 14_400)).map { _ in ahead.next().score }
    }

    private mutating func uniform() -> Double { (Double(random.next() >> 11) + 0.5) / 9_007_199_254_740_992 }

    mutating func next() -> (score: Float, time: Double) {
        if taken < drawn.count {
            (taken, time) = (taken + 1, time + 0.25)
            return (drawn[taken - 1], time)
        }
        place = (place + 1) % 8
        // Twelve uniforms make a bell without a far tail, as of a bounded score.
        last[place] = (0..<12).reduce(-6.0) { sum, _ in sum + uniform() }
        time += 0.25
        return (Float(last.reduce(0, +) / 8 * 0.2), time)
    }
}

extension Calibration {
    /// Observes a background for some hours; returns the alerts in clusters, and every change.
    fileprivate mutating func watch(
        _ background: inout Background, hours: Double, shift: Float = 0, every: Double? = nil, event: Float = 1
    ) -> (alerts: Int, changes: [Recalibration]) {
        var (alerts, changes) = (0, [Recalibration]())
        var quiet = 0
        let end = background.time + hours * 3600
        while background.time < end {
            var (score, time) = background.next()
            let isEvent = every.map { time.truncatingRemainder(dividingBy: $0) < 3 } ?? false
            score += shift
            if isEvent { score = event + score / 10 }
            quiet += 1
            if !isEvent, let threshold, score >= threshold {
                if quiet > 8 { alerts += 1 }
                quiet = 0
            }
            if let change = observe(score, at: time) { changes.append(change) }
        }
        return (alerts, changes)
    }
}

@Suite("Learnt thresholds")
struct CalibrationTests {
    @Test("the warm-up says how far it is and has no threshold; at its end one is pinned, as version 1")
    func warmUp() throws {
        var calibration = Calibration(falseAlertsPerDay: 4)
        var background = Background(seed: 1)
        #expect(calibration.state == .learning(progress: 0) && calibration.threshold == nil)
        var told = -1.0
        for _ in 0..<14_400 {
            guard case .learning(let progress) = calibration.state else { break }
            #expect(progress >= told && progress < 1 && calibration.threshold == nil)
            told = progress
            let (score, time) = background.next()
            _ = calibration.observe(score, at: time)
        }
        #expect(told > 0.99 && background.time >= 3599)
        let change = calibration.watch(&background, hours: 0.01).changes.first ?? calibration.history.first
        #expect(change?.version == 1 && change?.old == nil && calibration.history.count == 1)
        #expect(calibration.state == .pinned && calibration.pin?.basis == .tail)
        #expect(calibration.threshold == change?.new)
    }

    @Test("over a day, runs of windows above the threshold keep to the budget")
    func budget() {
        let budgets = [2.0, 12, 48]
        var alerts = [0, 0, 0]
        let streams = 12
        for seed in 0..<UInt64(streams) {
            var drawn = Background(seed: seed)
            drawn.draw(hours: 25.02)
            for (place, budget) in budgets.enumerated() {
                var calibration = Calibration(falseAlertsPerDay: budget)
                var background = drawn
                _ = calibration.watch(&background, hours: 1.01)
                alerts[place] += calibration.watch(&background, hours: 24).alerts
            }
        }
        for (budget, count) in zip(budgets, alerts) {
            let daily = Double(count) / Double(streams)
            print("budget \(budget): \(daily) alerts a day")
            #expect(daily <= 2 * budget && daily >= budget / 5, "budget \(budget): \(daily)")
        }
    }

    @Test("a smaller budget has a higher threshold")
    func order() throws {
        let thresholds = try [1.0, 10, 100].map { budget in
            var calibration = Calibration(falseAlertsPerDay: budget)
            var background = Background(seed: 3)
            _ = calibration.watch(&background, hours: 1.01)
            return try #require(calibration.threshold)
        }
        #expect(thresholds[0] > thresholds[1] && thresholds[1] > thresholds[2])
    }

    @Test("true events in the warm-up do not raise the threshold", arguments: [600.0, 200.0])
    func contamination(_ every: Double) throws {
        let thresholds = try [nil, every].map { every in
            var calibration = Calibration(falseAlertsPerDay: 4)
            var background = Background(seed: 5)
            _ = calibration.watch(&background, hours: 1.01, every: every, event: 0.9)
            return try #require(calibration.threshold)
        }
        #expect(thresholds[1] < 0.9 && abs(thresholds[1] - thresholds[0]) < 0.1, "\(thresholds)")
    }

    @Test("true events after the warm-up are counted and do not feed the null")
    func events() throws {
        let thresholds = try [nil, 900.0].map { every in
            var calibration = Calibration(falseAlertsPerDay: 4)
            var background = Background(seed: 6)
            _ = calibration.watch(&background, hours: 1.01)
            _ = calibration.watch(&background, hours: 24, every: every, event: 0.9)
            if every != nil { #expect(calibration.history.count > 1 || calibration.alerts >= 90) }
            return try #require(calibration.threshold)
        }
        #expect(abs(thresholds[1] - thresholds[0]) < 0.05, "\(thresholds)")
    }

    @Test("a pinned threshold moves only with a record")
    func pinned() throws {
        var calibration = Calibration(falseAlertsPerDay: 4)
        var background = Background(seed: 7)
        var known: (Float, Int)?
        for _ in 0..<500_000 {
            let (score, time) = background.next()
            let change = calibration.observe(score, at: time)
            if let change {
                #expect(change.old == known?.0 && change.version == (known?.1 ?? 0) + 1 && change.at == time)
                #expect(calibration.history.last == change && calibration.pin?.version == change.version)
            } else {
                #expect(calibration.threshold == known?.0)
            }
            known = calibration.pin.map { ($0.threshold, $0.version) }
        }
        #expect(known != nil)
    }

    @Test("a null that moves is told, with a suggestion; by hand it moves when asked to")
    func drift() throws {
        var settings = CalibrationSettings()
        settings.policy = .manual
        var calibration = Calibration(falseAlertsPerDay: 4, settings: settings)
        var background = Background(seed: 8)
        _ = calibration.watch(&background, hours: 1.01)
        let pinned = try #require(calibration.threshold)
        #expect(calibration.watch(&background, hours: 6).changes.isEmpty)
        #expect(calibration.watch(&background, hours: 6, shift: -0.3).changes.isEmpty)
        #expect(calibration.threshold == pinned)
        guard case .drifted(let suggested, let why) = calibration.state else {
            Issue.record("the null moved by 0.3, and the state is \(calibration.state)")
            return
        }
        #expect(abs(suggested - (pinned - 0.3)) < 0.1 && !why.isEmpty)
        let moved = calibration.recalibrate(at: background.time, why: "the camera was moved")
        let change = try #require(moved)
        #expect(change.version == 2 && change.old == pinned && change.why == "the camera was moved")
        #expect(calibration.threshold == change.new && abs(change.new - (pinned - 0.3)) < 0.1)
        #expect(calibration.state == .pinned)
    }

    @Test("a null that moves is followed by itself, at most once a day when old")
    func automatic() throws {
        var calibration = Calibration(falseAlertsPerDay: 4)
        var background = Background(seed: 9)
        _ = calibration.watch(&background, hours: 30)
        let before = try #require(calibration.threshold)
        let changes = calibration.watch(&background, hours: 48, shift: 0.3).changes
        #expect((1...2).contains(changes.count))
        #expect(abs(try #require(calibration.threshold) - (before + 0.3)) < 0.12)
    }

    @Test("a scene that rises above the threshold is told, and learnt anew; by hand it moves when asked to")
    func risen() throws {
        var settings = CalibrationSettings()
        settings.policy = .manual
        var calibration = Calibration(falseAlertsPerDay: 4, settings: settings)
        var background = Background(seed: 13)
        _ = calibration.watch(&background, hours: 1.01)
        let pinned = try #require(calibration.threshold)
        #expect(calibration.watch(&background, hours: 8, shift: 1).changes.isEmpty)
        #expect(calibration.threshold == pinned)
        guard case .drifted(let suggested, let why) = calibration.state else {
            Issue.record("all scores reach the threshold, and the state is \(calibration.state)")
            return
        }
        #expect(abs(suggested - (pinned + 1)) < 0.15 && !why.isEmpty)
        let moved = calibration.recalibrate(at: background.time)
        let change = try #require(moved)
        #expect(change.version == 2 && change.old == pinned && abs(change.new - (pinned + 1)) < 0.15)
        #expect(calibration.state == .pinned && calibration.pin?.basis == .tail)
        #expect(calibration.watch(&background, hours: 24, shift: 1).alerts <= 20)
    }

    @Test("a scene that rises above the threshold is followed by itself")
    func followsRise() throws {
        var calibration = Calibration(falseAlertsPerDay: 4)
        var background = Background(seed: 14)
        _ = calibration.watch(&background, hours: 1.01)
        let pinned = try #require(calibration.threshold)
        #expect(!calibration.watch(&background, hours: 24, shift: 1).changes.isEmpty)
        #expect(abs(try #require(calibration.threshold) - (pinned + 1)) < 0.15)
    }

    @Test("what is learnt anew survives a restart, and is forgotten after a long event")
    func longEvent() throws {
        var settings = CalibrationSettings()
        settings.policy = .manual
        var calibration = Calibration(falseAlertsPerDay: 4, settings: settings)
        var background = Background(seed: 15)
        func learnsAnew(_ saved: Data) -> Bool { String(decoding: saved, as: UTF8.self).contains("\"anew\"") }
        _ = calibration.watch(&background, hours: 1.01)
        let pinned = try #require(calibration.threshold)
        #expect(try !learnsAnew(JSONEncoder().encode(calibration)))
        _ = calibration.watch(&background, hours: 5, shift: 1)
        let saved = try JSONEncoder().encode(calibration)
        #expect(learnsAnew(saved) && saved.count < 32_768, "\(saved.count) bytes")
        calibration = try JSONDecoder().decode(Calibration.self, from: saved)
        _ = calibration.watch(&background, hours: 4)
        #expect(try !learnsAnew(JSONEncoder().encode(calibration)))
        #expect(calibration.threshold == pinned)
    }

    @Test("scores that are no numbers are counted, and change nothing else")
    func noNumbers() {
        var calibration = Calibration(falseAlertsPerDay: 4)
        var twin = calibration
        var background = Background(seed: 10)
        for index in 0..<20_000 {
            let (score, time) = background.next()
            _ = calibration.observe(score, at: time)
            _ = twin.observe(score, at: time)
            if index % 100 == 0 { _ = calibration.observe([.nan, .infinity, -.infinity][index / 100 % 3], at: time) }
        }
        #expect(calibration.ignored == 200 && twin.ignored == 0)
        #expect(calibration.threshold == twin.threshold && calibration.seconds == twin.seconds)
    }

    @Test("state survives a restart to the bit, in a few KB")
    func restart() throws {
        var calibration = Calibration(falseAlertsPerDay: 4)
        var background = Background(seed: 11)
        for hours in [0.01, 0.5, 0.6, 20, 60] {
            _ = calibration.watch(&background, hours: hours)
            let saved = try JSONEncoder().encode(calibration)
            var restored = try JSONDecoder().decode(Calibration.self, from: saved)
            #expect(restored == calibration && saved.count < 16_384, "\(saved.count) bytes")
            var (one, two) = (background, background)
            _ = restored.watch(&one, hours: 0.5)
            _ = calibration.watch(&two, hours: 0.5)
            #expect(restored == calibration)
            background = two
        }
    }

    @Test("a saved state whose peaks are in disorder is refused")
    func disorder() throws {
        var calibration = Calibration(falseAlertsPerDay: 4)
        var background = Background(seed: 12)
        _ = calibration.watch(&background, hours: 20)
        let saved = try JSONEncoder().encode(calibration)
        var changed = try #require(try JSONSerialization.jsonObject(with: saved) as? [String: Any])
        var peaks = try #require(changed["newer"] as? [String: Any])
        // In a heap the lowest is first, so the highest is not, and there are several.
        let heap = try #require(peaks["heap"] as? [Double])
        try #require(heap.count > 2 && heap.first != heap.max())
        peaks["heap"] = heap.sorted(by: >)
        changed["newer"] = peaks
        let wrong = try JSONSerialization.data(withJSONObject: changed)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Calibration.self, from: wrong) }
        // Any order of a heap is taken.
        peaks["heap"] = heap.sorted()
        changed["newer"] = peaks
        let right = try JSONSerialization.data(withJSONObject: changed)
        #expect(throws: Never.self) { try JSONDecoder().decode(Calibration.self, from: right) }
    }

    @Test("a stream whose score never changes gets a threshold all the same, later, above all it has seen")
    func constant() throws {
        var calibration = Calibration(falseAlertsPerDay: 1)
        var change: Recalibration?
        for index in 0..<40_000 where change == nil { change = calibration.observe(0.25, at: Double(index) / 4) }
        #expect(try #require(change).at >= 7199 && calibration.pin?.basis == .record)
        #expect(try #require(calibration.threshold) > 0.25)
    }

    @Test("an outage and a clock that goes back do not count as watched")
    func outage() {
        var calibration = Calibration(falseAlertsPerDay: 1)
        for time in [0.0, 1, 2, 100_000, 100_001, 5, 6] { _ = calibration.observe(0, at: time) }
        #expect(calibration.seconds == 1 + 1 + calibration.settings.longestStep + 1 + 0 + 1)
    }

    @Test("a margin says how far from chance a score is")
    func margin() throws {
        var calibration = Calibration(falseAlertsPerDay: 1)
        #expect(calibration.margin(of: 0) == nil && calibration.quantile(0.5) == nil)
        var background = Background(seed: 12)
        _ = calibration.watch(&background, hours: 3)
        let threshold = try #require(calibration.threshold)
        let ordinary = try #require(calibration.margin(of: 0))
        #expect(abs(ordinary.deviations) < 0.1 && abs(ordinary.rank - 0.5) < 0.05)
        let alert = try #require(calibration.margin(of: threshold))
        #expect(alert.deviations > 3 && alert.rank > 0.99)
        #expect(abs(try #require(alert.days) - 1) < 0.3)
        #expect(try #require(calibration.margin(of: threshold + 0.05)?.days) > 1.5)
        #expect(calibration.margin(of: .nan) == nil)
        #expect(abs(try #require(calibration.quantile(0.5))) < 0.01)
    }
}
