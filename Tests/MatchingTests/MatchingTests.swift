import Matching
import TestSupport
import Testing

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
        window.resize(to: capacity + 2)
        #expect(window.count == capacity && window.capacity == capacity + 2)
        window.resize(to: 1)
        #expect(window.count == 1 && window.capacity == 1)
        let last = window.last(8)
        #expect(last.map { $0.mediaTime } == [19] && last.map { $0.embedding } == Array(plain.suffix(1)))
        window.clear()
        var none: [Float] = [0, 0]
        #expect(window.copyLast(1, into: &none, at: 0) == nil)
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
