import Concurrency
import Matching
import SystemSupport
import Testing

/// A window of two seconds that ends at a time.
func window(_ end: Double, length: Double = 2) -> WindowSpan {
    WindowSpan(
        mediaStart: end - length, mediaEnd: end, wallStart: end - length + 100, wallEnd: end + 100, frames: 4)
}

/// A series of values that rises and falls like scenes, with gaps, jumps and windows without a score.
struct Scene {
    private var random: SeededRandom
    private var level: Float = 0.4
    private(set) var time = 0.0

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    enum Step {
        case window(Float?, WindowSpan)
        /// The stream jumps, and times begin anew.
        case jump
    }

    mutating func next(length: Double = 2) -> Step {
        if Int.random(in: 0..<150, using: &random) == 0 {
            time = Double.random(in: 0...3, using: &random)
            return .jump
        }
        time += [0.5, 0.5, 0.5, 1, 7][Int.random(in: 0..<5, using: &random)]
        level = min(max(level + Float.random(in: -0.15...0.15, using: &random), 0), 1)
        let kind = Int.random(in: 0..<40, using: &random)
        let noise = Float.random(in: -0.1...0.1, using: &random)
        let value: Float? = kind == 0 ? nil : kind == 1 ? .nan : kind == 2 ? -.infinity : level + noise
        return .window(value, window(time, length: length))
    }
}

extension EventPolicy {
    static func random(_ random: inout SeededRandom) -> EventPolicy {
        let windows = Int.random(in: 1...5, using: &random)
        return EventPolicy(
            hysteresis: [0, 0.05, 0.2][Int.random(in: 0..<3, using: &random)],
            minimumDuration: [0, 0, 1, 4][Int.random(in: 0..<4, using: &random)],
            needed: Int.random(in: 1...windows, using: &random), of: windows,
            cooldown: [0, 0, 3, 20][Int.random(in: 0..<4, using: &random)], updateStep: 0.02,
            updateInterval: [0, 1, 3][Int.random(in: 0..<3, using: &random)])
    }
}

/// A tracker, and checks of each transition that it gives.
private struct RuledTracker {
    let policy: EventPolicy
    private var tracker: EventTracker
    private var open: EventTracker.Transition?
    private var last: EventTracker.Transition?
    /// The earliest media time at which an event may begin: the cooldown's end.
    private var earliest = -Double.infinity
    private var newest = -Double.infinity
    /// The rest of a cooldown when the stream jumps, in seconds.
    private var carried: Double?
    private var matched: [Bool] = []

    init(_ policy: EventPolicy) { (self.policy, tracker) = (policy, EventTracker(policy)) }

    mutating func take(_ step: Scene.Step, threshold: Float) {
        switch step {
        case .jump:
            matched = []
            for transition in tracker.close().map({ [$0] }) ?? [] { check(transition, threshold) }
            if earliest > newest { carried = earliest - newest }
            (earliest, newest, last) = (-.infinity, -.infinity, nil)
        case .window(let value, let span):
            if let left = carried { earliest = span.mediaStart + left }
            (carried, newest) = (nil, span.mediaEnd)
            let told = tracker.observe(value, threshold: threshold, span: span)
            matched = (matched + [(value ?? .nan) >= threshold]).suffix(policy.windows)
            if let hold = tracker.hold {
                #expect(open == nil || told.last?.phase == .end)
                if case .coolingDown(let until) = hold { #expect(until == earliest && span.mediaEnd < until) }
            }
            for transition in told { check(transition, threshold) }
        }
        #expect(tracker.isOpen == (open != nil))
        #expect(!(tracker.isOpen && tracker.isIdle))
        if let current = tracker.current { #expect(current.mediaStart == open?.mediaStart) }
    }

    private mutating func check(_ transition: EventTracker.Transition, _ threshold: Float) {
        #expect(transition.mediaStart <= transition.peak.mediaTime)
        #expect(transition.peak.mediaTime <= transition.mediaEnd)
        #expect(transition.wallStart <= transition.peak.wallTime)
        #expect(transition.peak.wallTime <= transition.wallEnd)
        #expect(transition.peak.score >= transition.score || transition.phase == .end)
        switch transition.phase {
        case .start:
            checkStart(transition, threshold)
            open = transition
        case .update:
            #expect(open != nil)
            guard let before = open else { break }
            #expect(transition.peak.score >= before.peak.score + policy.updateStep)
            #expect(transition.mediaEnd - before.mediaEnd >= policy.updateInterval)
            #expect(transition.mediaStart == before.mediaStart && transition.mediaEnd >= before.mediaEnd)
            open = transition
        case .end:
            #expect(open != nil, "no end without a start")
            guard let before = open else { break }
            #expect(transition.mediaStart == before.mediaStart && transition.mediaEnd >= before.mediaEnd)
            #expect(transition.peak.score >= before.peak.score)
            earliest = transition.mediaEnd + policy.cooldown
            last = transition
            open = nil
        }
    }

    private func checkStart(_ transition: EventTracker.Transition, _ threshold: Float) {
        #expect(open == nil, "no two events at once")
        #expect(transition.score >= transition.threshold && transition.threshold == threshold)
        #expect(matched.count { $0 } >= policy.needed)
        #expect(transition.mediaStart >= earliest && transition.mediaEnd >= earliest, "cooldown")
        // A window of two seconds, and the duration after its end.
        #expect(
            earliest > -.infinity
                || transition.mediaEnd - transition.mediaStart >= policy.minimumDuration + 2 - 1e-9)
        #expect(transition.wallStart >= (last?.wallEnd ?? -.infinity))
    }
}

@Suite("Events of one query on one stream")
struct EventTrackerTests {
    @Test("events keep their rules on any run of scores", arguments: 0..<300 as Range<UInt64>)
    func properties(_ seed: UInt64) {
        var random = SeededRandom(seed: seed &+ 1000)
        var tracker = RuledTracker(EventPolicy.random(&random))
        var scene = Scene(seed: seed)
        for _ in 0..<600 {
            let threshold = Float.random(in: 0.45...0.55, using: &random)
            tracker.take(scene.next(), threshold: threshold)
        }
    }

    @Test("an idle tracker may be dropped and made again: nothing changes", arguments: 0..<300 as Range<UInt64>)
    func idleness(_ seed: UInt64) {
        var random = SeededRandom(seed: seed &+ 2000)
        let policy = EventPolicy.random(&random)
        var kept = EventTracker(policy)
        var dropped: EventTracker?
        var scene = Scene(seed: seed)
        var drops = 0
        for _ in 0..<600 {
            switch scene.next() {
            case .jump:
                #expect(kept.close() == dropped?.close())
            case .window(let value, let span):
                let expected = kept.observe(value, threshold: 0.5, span: span)
                // Like the engine: a tracker is made by a hit, and lives while it is in motion.
                if dropped != nil || (value ?? .nan) >= 0.5 {
                    var tracker = dropped ?? EventTracker(policy)
                    #expect(tracker.observe(value, threshold: 0.5, span: span) == expected)
                    dropped = tracker.isIdle ? nil : tracker
                    if tracker.isIdle { drops += 1 }
                } else {
                    #expect(expected.isEmpty)
                }
            }
        }
        #expect(drops > 0)
    }

    @Test("a suppressed event starts no cooldown: only what was told moves the next start")
    func suppressed() throws {
        var tracker = EventTracker(EventPolicy(hysteresis: 0, cooldown: 10))
        func observe(_ time: Double, _ value: Float) -> [EventTracker.Phase] {
            tracker.observe(value, threshold: 0.5, span: window(time)).map(\.phase)
        }
        #expect(observe(0, 0.9) == [.start])
        #expect(observe(1, 0.1) == [.end])  // over at 0: cooldown until 10
        #expect(observe(8, 0.9) == [] && tracker.hold == .coolingDown(until: 10))
        #expect(observe(9, 0.1) == [])  // had this one a cooldown, nothing could start before 18
        #expect(observe(12, 0.9) == [.start])
        let current = try #require(tracker.current)
        #expect(current.mediaStart == 10, "the cooldown's part of the window is cut off")
    }

    @Test("a match that outlasts the cooldown starts when it is over")
    func outlasting() {
        var tracker = EventTracker(EventPolicy(hysteresis: 0, cooldown: 10))
        _ = tracker.observe(0.9, threshold: 0.5, span: window(0))
        _ = tracker.observe(0, threshold: 0.5, span: window(1))
        for time in 2..<10 {
            #expect(tracker.observe(0.95, threshold: 0.5, span: window(Double(time))).isEmpty)
        }
        let start = tracker.observe(0.6, threshold: 0.5, span: window(10)).first
        #expect(start?.phase == .start && start?.mediaStart == 10)
        #expect(start?.peak.score == 0.6, "a peak within the cooldown is not the event's")
    }

    @Test("what is left of a cooldown goes on after a jump")
    func jump() {
        var tracker = EventTracker(EventPolicy(hysteresis: 0, cooldown: 10))
        _ = tracker.observe(0.9, threshold: 0.5, span: window(100))
        _ = tracker.observe(0, threshold: 0.5, span: window(104))  // until 110
        #expect(tracker.close() == nil && !tracker.isIdle)
        #expect(tracker.observe(0.9, threshold: 0.5, span: window(2)).isEmpty)  // six seconds left, from 0 on
        #expect(tracker.hold == .coolingDown(until: 6))
        #expect(tracker.observe(0.9, threshold: 0.5, span: window(6)).map(\.phase) == [.start])
        // A window that goes back ends the event by itself.
        let told = tracker.observe(0.9, threshold: 0.5, span: window(1))
        #expect(told.map(\.phase) == [.end])
    }

    @Test("a match must last for the minimum duration, and hysteresis lets it dip meanwhile")
    func duration() throws {
        var tracker = EventTracker(EventPolicy(hysteresis: 0.1, minimumDuration: 3))
        #expect(tracker.observe(0.5, threshold: 0.5, span: window(1)).isEmpty)
        #expect(tracker.hold == .tooShort(lasted: 0, needed: 3))
        #expect(tracker.observe(0.8, threshold: 0.5, span: window(2)).isEmpty)
        #expect(tracker.observe(0.45, threshold: 0.5, span: window(3)).isEmpty)
        #expect(tracker.observe(0.45, threshold: 0.5, span: window(4)).isEmpty, "long enough, but below now")
        #expect(tracker.hold == .belowThreshold)
        let start = try #require(tracker.observe(0.5, threshold: 0.5, span: window(5)).first)
        #expect(start.phase == .start && start.mediaStart == -1 && start.peak.score == 0.8)
        #expect(tracker.hold == nil)
        // A shorter one leaves no trace.
        _ = tracker.close()
        _ = tracker.observe(0.9, threshold: 0.5, span: window(20))
        #expect(tracker.observe(0.1, threshold: 0.5, span: window(21)).isEmpty)
        #expect(tracker.observe(0.9, threshold: 0.5, span: window(23)).isEmpty)
        #expect(tracker.hold == .tooShort(lasted: 0, needed: 3))
    }

    @Test("two of three windows start an event, and one that fails does not end it")
    func confirmation() throws {
        var tracker = EventTracker(EventPolicy(hysteresis: 0, needed: 2, of: 3))
        #expect(tracker.observe(0.6, threshold: 0.5, span: window(1)).isEmpty)
        #expect(tracker.hold == .confirming(matched: 1, needed: 2))
        #expect(tracker.observe(0.1, threshold: 0.5, span: window(2)).isEmpty)
        let start = try #require(tracker.observe(0.5, threshold: 0.5, span: window(3)).first)
        #expect(start.phase == .start && start.mediaStart == -1 && start.peak.score == 0.6)
        #expect(tracker.observe(0.5, threshold: 0.5, span: window(4)).isEmpty)
        #expect(tracker.observe(0.1, threshold: 0.5, span: window(5)).isEmpty, "two of the last three still hold")
        #expect(tracker.observe(0.7, threshold: 0.5, span: window(6)).map(\.phase) == [.update])
        let end = try #require(tracker.observe(0.1, threshold: 0.5, span: window(7)).first)
        #expect(end.phase == .end && end.mediaEnd == 6)
    }

    @Test("hysteresis keeps an event open, and its span ends with the last window that held")
    func hysteresis() throws {
        var tracker = EventTracker(EventPolicy(hysteresis: 0.1))
        #expect(tracker.observe(0.45, threshold: 0.5, span: window(1)).isEmpty)
        #expect(tracker.observe(0.5, threshold: 0.5, span: window(2)).map(\.phase) == [.start])
        #expect(tracker.observe(0.41, threshold: 0.5, span: window(3)).isEmpty)
        let end = try #require(tracker.observe(0.39, threshold: 0.5, span: window(4)).first)
        #expect(end.phase == .end && end.mediaStart == 0 && end.mediaEnd == 3)
        #expect(!tracker.isIdle, "the next windows still share frames with the event")
        _ = tracker.observe(0, threshold: 0.5, span: window(5))
        #expect(tracker.isIdle)
    }
}
