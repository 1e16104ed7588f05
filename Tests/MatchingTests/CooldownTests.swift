import Matching
import Testing

/// A window that ends at `end` of media time, and `wall` seconds later by the wall clock.
private func window(_ end: Double, wall: Double) -> WindowSpan {
    WindowSpan(mediaStart: end - 2, mediaEnd: end, wallStart: end - 2 + wall, wallEnd: end + wall, frames: 4)
}

@Suite("Cooldowns that outlive their tracker")
struct CooldownTests {
    private let policy = EventPolicy(hysteresis: 0, cooldown: 100)

    /// The first second of media time at which a tracker starts an event, if every window matches.
    private func start(_ tracker: EventTracker, wall: Double, until last: Int = 300) -> Int? {
        var tracker = tracker
        return (0..<last).first {
            tracker.observe(1, threshold: 0.5, span: window(Double($0), wall: wall)).first?.phase == .start
        }
    }

    @Test(
        "what is left by the wall clock is waited for, and no more",
        arguments: [(10.0, 90), (99, 1), (100, 0), (500, 0)])
    func left(_ elapsed: Double, _ wanted: Int) {
        // The first window ends at media time 0, `elapsed` seconds after the event's end at 1000.
        #expect(start(EventTracker(policy, after: 1000), wall: 1000 + elapsed) == wanted)
    }

    @Test("a clock that was set back prolongs a cooldown to its whole length at most, and never turns a span around")
    func clockSetBack() throws {
        var tracker = EventTracker(policy, after: 1_000_000)
        #expect(start(tracker, wall: 50) == 100)
        var started: EventTracker.Transition?
        for time in 0...100 where started == nil {
            started = tracker.observe(1, threshold: 0.5, span: window(Double(time), wall: 50)).first
        }
        let event = try #require(started)
        #expect(event.wallStart <= event.peak.wallTime && event.wallStart <= event.wallEnd)
    }

    @Test("without a cooldown, and with a time that is no number, nothing is held back")
    func nothing() {
        #expect(EventTracker(EventPolicy(), after: 1000).isIdle)
        #expect(start(EventTracker(EventPolicy(), after: 1000), wall: 1001) == 0)
        #expect(start(EventTracker(policy, after: .nan), wall: 1001) == 0)
        #expect(start(EventTracker(policy, after: nil), wall: 1001) == 0)
    }

    @Test("a tracker knows the last end for as long as its cooldown, and is in motion for so long")
    func known() throws {
        var tracker = EventTracker(policy)
        _ = tracker.observe(1, threshold: 0.5, span: window(10, wall: 500))
        _ = tracker.observe(0, threshold: 0.5, span: window(11, wall: 500))
        #expect(tracker.lastEnd == 510 && !tracker.isIdle)
        _ = tracker.close()
        #expect(tracker.lastEnd == 510 && !tracker.isIdle)
        _ = tracker.observe(0, threshold: 0.5, span: window(11, wall: 500))
        _ = tracker.observe(0, threshold: 0.5, span: window(130, wall: 500))
        #expect(tracker.lastEnd == nil && tracker.isIdle)
    }

    @Test("another policy keeps the open event and counts its own cooldown from the same end")
    func adopted() {
        var tracker = EventTracker(policy)
        _ = tracker.observe(1, threshold: 0.5, span: window(10, wall: 0))
        tracker.adopt(EventPolicy(hysteresis: 0, cooldown: 20))
        #expect(tracker.isOpen && tracker.current?.mediaEnd == 10)
        _ = tracker.observe(0, threshold: 0.5, span: window(11, wall: 0))
        tracker.adopt(EventPolicy(hysteresis: 0, cooldown: 30))
        #expect(tracker.observe(1, threshold: 0.5, span: window(39, wall: 0)).isEmpty)
        #expect(tracker.hold == .coolingDown(until: 40))
        #expect(tracker.observe(1, threshold: 0.5, span: window(40, wall: 0)).map(\.phase) == [.start])
    }

    @Test("a group's cooldown goes on by the wall clock, too", arguments: [(10.0, 90), (100, 0), (-5000, 100)])
    func group(_ elapsed: Double, _ wanted: Int) {
        var group = EventGroup(after: 1000, cooldown: 100)
        #expect(!group.isIdle)
        let wall = 1000 + elapsed
        let start = (0..<300).first { second in
            var tracker = EventTracker(EventPolicy(hysteresis: 0))
            let span = window(Double(second), wall: wall)
            _ = tracker.observe(1, threshold: 0.5, span: span)
            let member = tracker.current.map {
                EventGroup.Member(id: "a", priority: 0, policy: EventPolicy(), event: $0)
            }
            return group.observe(member.map { [$0] } ?? [], span: span).first?.transition.phase == .start
        }
        #expect(start == wanted)
    }
}
