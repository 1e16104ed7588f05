import Matching
import TestSupport
import Testing

private func span(_ time: Double) -> WindowSpan {
    WindowSpan(mediaStart: time - 1, mediaEnd: time, wallStart: time + 99, wallEnd: time + 100, frames: 4)
}

@Suite("Matching")
struct MatchingTests {
    @Test("a sliding window holds the last frames, oldest first, as a plain array would", arguments: [1, 3, 8])
    func window(_ capacity: Int) {
        var window = FrameWindow(width: 2, capacity: capacity)
        var plain: [[Float]] = []
        for frame in 0..<20 {
            let embedding = [Float(frame), Float(-frame)]
            window.append(embedding, mediaTime: Double(frame), wallClock: Double(frame) + 100)
            plain.append(embedding)
            for length in 1...capacity {
                var out = [Float](repeating: 0, count: length * 2)
                let found = window.copyLast(length, into: &out, at: 0)
                let last = plain.suffix(length)
                #expect(Array(out.prefix(last.count * 2)) == last.flatMap { $0 })
                #expect(found?.mediaStart == Double(frame - last.count + 1) && found?.mediaEnd == Double(frame))
                #expect(found?.frames == last.count)
            }
        }
        window.grow(to: capacity + 2)
        #expect(window.count == capacity)
        window.clear()
        var none: [Float] = [0, 0]
        #expect(window.copyLast(1, into: &none, at: 0) == nil)
    }

    @Test("events keep their rules on any run of scores", arguments: 0..<200 as Range<UInt64>)
    func trackerProperties(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var tracker = EventTracker(EventPolicy(hysteresis: 0.1))
        var open = false
        var best: Float = 0
        for step in 0..<300 {
            let score = random.next() % 20 == 0 ? Float.nan : Float(random.next() % 1000) / 1000
            let jump = step % 97 == 96
            let transitions =
                jump
                ? tracker.close().map { [$0] } ?? [] : tracker.observe(score, threshold: 0.5, span: span(Double(step)))
            if open, !jump, score > best { best = score }
            for transition in transitions {
                switch transition.phase {
                case .start:
                    #expect(!open && transition.score >= 0.5)
                    open = true
                    best = transition.score
                case .update: #expect(open && transition.peak.score == best)
                case .end:
                    #expect(open && transition.peak.score == best)
                    open = false
                }
                #expect(
                    transition.mediaStart <= transition.peak.mediaTime
                        && transition.peak.mediaTime <= transition.mediaEnd)
                #expect(transition.wallStart <= transition.wallEnd)
            }
            #expect(tracker.isOpen == open)
        }
    }

    @Test("hysteresis keeps an event open, and its span ends with the last window that held")
    func hysteresis() throws {
        var tracker = EventTracker(EventPolicy(hysteresis: 0.1))
        #expect(tracker.observe(0.45, threshold: 0.5, span: span(1)).isEmpty)
        #expect(tracker.observe(0.5, threshold: 0.5, span: span(2)).map(\.phase) == [.start])
        #expect(tracker.observe(0.41, threshold: 0.5, span: span(3)).isEmpty)
        let end = try #require(tracker.observe(0.39, threshold: 0.5, span: span(4)).first)
        #expect(end.phase == .end && end.mediaStart == 1 && end.mediaEnd == 3)
        #expect(tracker.close() == nil)
    }

    @Test("selectors match names by star and question mark")
    func selectors() throws {
        #expect(try StreamSelector(["*"]).matches("lobby"))
        #expect(try StreamSelector(["gate-?", "lob*"]).matches("lobby"))
        #expect(try StreamSelector(["gate-?"]).matches("gate-1"))
        #expect(try !StreamSelector(["gate-?"]).matches("gate-10"))
        #expect(try StreamSelector(["*a*a*b"]).matches(String(repeating: "a", count: 50) + "b"))
        #expect(try !StreamSelector(["gate"]).matches("lobby"))
    }

    @Test("a query that cannot stand is refused by name", arguments: ["", "  ", String(repeating: "x", count: 10_000)])
    func badTexts(_ text: String) {
        #expect(throws: QueryError.self) {
            try StandingQuery(id: "q", text: text, head: "mean", frames: 8, rule: .score(0.2))
        }
    }

    @Test("ids and numbers out of range are refused")
    func badValues() {
        #expect(throws: QueryError.self) {
            try StandingQuery(id: "a.b", text: "x", head: "mean", frames: 8, rule: .score(0.2))
        }
        #expect(throws: QueryError.self) {
            try StandingQuery(id: "a", text: "x", head: "mean", frames: 0, rule: .score(0.2))
        }
        #expect(throws: QueryError.self) {
            try StandingQuery(id: "a", text: "x", head: "mean", frames: 8, rule: .score(.nan))
        }
    }
}

/// A seeded generator, so that a failure can be run again.
struct SplitMix64 {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
