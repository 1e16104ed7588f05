import Concurrency
import Matching
import SystemSupport
import Testing

@Suite("Events of a group of queries")
struct EventGroupTests {
    private struct Query {
        let id: String
        let priority: Int
        let policy: EventPolicy
        var tracker: EventTracker
        var scene: Scene

        var member: EventGroup.Member? {
            tracker.current.map { .init(id: id, priority: priority, policy: policy, event: $0) }
        }
    }

    @Test("a group has one event at a time, with its peak within its span", arguments: 0..<300 as Range<UInt64>)
    func properties(_ seed: UInt64) {
        var random = SeededRandom(seed: seed &+ 3000)
        var queries = (0..<3).map { index in
            let policy = EventPolicy.random(&random)
            return Query(
                id: "q\(index)", priority: Int.random(in: 0...1, using: &random), policy: policy,
                tracker: EventTracker(policy.ofMember), scene: Scene(seed: seed &* 3 &+ UInt64(index)))
        }
        var group = EventGroup()
        var open: EventGroup.Message?
        var earliest = -Double.infinity
        var time = 0.0
        var starts = 0
        for _ in 0..<600 {
            var told: [EventGroup.Message] = []
            let jumps = Int.random(in: 0..<150, using: &random) == 0
            if jumps {
                for index in queries.indices { _ = queries[index].tracker.close() }
                told = group.close().map { [$0] } ?? []
                (time, earliest) = (0, -.infinity)
            } else {
                time += 0.5
                for index in queries.indices {
                    guard case .window(let value, _) = queries[index].scene.next() else { continue }
                    // Members may differ in the length of their windows.
                    _ = queries[index].tracker.observe(
                        value, threshold: 0.5, span: window(time, length: Double(1 + index)))
                }
                told = group.observe(queries.compactMap(\.member), span: window(time, length: 3))
            }
            #expect(told.count <= 1)
            for item in told {
                let transition = item.transition
                #expect(transition.mediaStart <= transition.peak.mediaTime)
                #expect(transition.peak.mediaTime <= transition.mediaEnd)
                switch transition.phase {
                case .start:
                    #expect(open == nil && transition.score >= transition.threshold)
                    #expect(transition.mediaStart >= earliest)
                    starts += 1
                    let ready = queries.filter {
                        $0.member.map { $0.event.score >= $0.event.threshold && $0.event.mediaEnd == time } ?? false
                    }
                    let leader = ready.first { $0.id == item.leader }
                    #expect(leader?.priority == ready.map(\.priority).max())
                    open = item
                case .update, .end:
                    #expect(open?.leader == item.leader && open?.transition.mediaStart == transition.mediaStart)
                    #expect(transition.peak.score >= open?.transition.peak.score ?? .infinity)
                    open = transition.phase == .end ? nil : item
                    if transition.phase == .end, !jumps {
                        earliest = transition.mediaEnd
                        #expect(queries.allSatisfy { !$0.tracker.isOpen })
                    }
                }
            }
            #expect(group.isOpen == (open != nil) && group.leader == open?.leader)
        }
        #expect(starts > 0 || queries.contains { $0.policy.minimumDuration > 0 || $0.policy.needed > 1 })
    }

    private func event(_ score: Float, at time: Double, from: Double? = nil) throws
        -> EventTracker.Transition
    {
        var tracker = EventTracker(EventPolicy())
        _ = tracker.observe(0.5, threshold: 0.5, span: window(from ?? time))
        _ = tracker.observe(score, threshold: 0.5, span: window(time))
        return try #require(tracker.current)
    }

    private func member(_ id: String, _ score: Float, at time: Double, priority: Int = 0, cooldown: Double = 0) throws
        -> EventGroup.Member
    {
        try .init(
            id: id, priority: priority, policy: EventPolicy(cooldown: cooldown, updateInterval: 0),
            event: event(score, at: time))
    }

    @Test("a group knows the last end for as long as its cooldown can hold back or cut off an event")
    func lastEnd() throws {
        var group = EventGroup()
        _ = try group.observe([member("a", 0.9, at: 10, cooldown: 20)], span: window(10))
        _ = group.observe([], span: window(11))
        #expect(group.last?.end == 110 && group.last?.cooldown == 20)
        // The window begins at 29 of media time, and the cooldown ends at 30.
        _ = group.observe([], span: window(31))
        #expect(group.last?.end == 110 && !group.isIdle)
        _ = group.observe([], span: window(32))
        #expect(group.last == nil && group.isIdle)
    }

    @Test("the best margin leads, a higher priority before it; others join silently and may raise the peak")
    func leading() throws {
        var group = EventGroup()
        let start = try group.observe([member("a", 0.6, at: 1), member("b", 0.7, at: 1)], span: window(1))
        #expect(start.map(\.leader) == ["b"] && start[0].transition.phase == .start)
        let joined = try group.observe([member("a", 0.65, at: 2), member("b", 0.7, at: 2)], span: window(2))
        #expect(joined.isEmpty)
        let raised = try group.observe([member("a", 0.9, at: 3), member("b", 0.6, at: 3)], span: window(3))
        #expect(raised.map(\.transition.phase) == [.update])
        #expect(raised[0].leader == "b" && raised[0].member == "a" && raised[0].transition.peak.score == 0.9)
        #expect(try group.observe([member("a", 0.6, at: 4)], span: window(4)).isEmpty, "one of them goes on")
        let end = group.observe([], span: window(5))
        #expect(end.map(\.transition.phase) == [.end] && end[0].leader == "b")
        #expect(end[0].transition.mediaEnd == 4)
        let next = try group.observe(
            [member("a", 0.9, at: 20), member("c", 0.55, at: 20, priority: 1)], span: window(20))
        #expect(next.map(\.leader) == ["c"])
    }

    @Test("a group's cooldown is the longest of those who took part, and holds for all of them")
    func cooldown() throws {
        var group = EventGroup()
        _ = try group.observe([member("a", 0.6, at: 1, cooldown: 10)], span: window(1))
        _ = group.observe([], span: window(2))
        #expect(try group.observe([member("b", 0.9, at: 5)], span: window(5)).isEmpty && group.coolingDown == 11)
        #expect(group.observe([], span: window(6)).isEmpty, "a suppressed event starts no cooldown")
        let start = try group.observe([member("b", 0.9, at: 12)], span: window(12))
        #expect(start.map(\.leader) == ["b"] && start[0].transition.mediaStart == 11)
        let end = group.close()
        #expect(end?.transition.phase == .end && !group.isOpen)
    }

    @Test("a group that loses its leader has its whole cooldown, however far its windows reach back")
    func lostLeader() throws {
        var group = EventGroup()
        _ = try group.observe([member("a", 0.9, at: 10, cooldown: 20)], span: window(10, length: 7))
        let end = group.loseLeader()
        #expect(end?.transition.phase == .end && end?.transition.mediaEnd == 10 && group.coolingDown == 30)
        #expect(try group.observe([member("b", 0.9, at: 11)], span: window(11, length: 7)).isEmpty)
        #expect(group.coolingDown == 30 && group.last?.end == 110)
        #expect(try group.observe([member("b", 0.9, at: 29)], span: window(29, length: 7)).isEmpty)
        #expect(try group.observe([member("b", 0.9, at: 30)], span: window(30, length: 7)).map(\.leader) == ["b"])
        let last = group.loseLeader()
        #expect(last?.leader == "b" && !group.isOpen)
        let none = group.loseLeader()
        #expect(none == nil)
    }
}
