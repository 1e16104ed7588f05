import Foundation
import History
import Matching
import Segments
import Synchronization
import SystemSupport
import Testing

@Suite("A search finds what the definition finds")
struct SearchTests {
    /// A stream's windows by the definition: their ends and scores.
    private func windows(_ rows: [[Float]], _ text: [Float], _ length: Int = window) -> [(end: Int, score: Double)] {
        rows.indices.dropFirst(length - 1).map { ($0, meanScore(rows[$0 - length + 1...$0], text)) }
    }

    /// Moments by the definition: the best window of each half minute, the best first, 30 s from any better one.
    private func moments(_ streams: [String: [[Float]]], _ text: [Float], _ limit: Int, _ length: Int = window)
        -> [(stream: String, end: Int, score: Double)]
    {
        var slots: [(stream: String, end: Int, score: Double)] = []
        for (stream, rows) in streams {
            let bySlot = Dictionary(grouping: windows(rows, text, length)) { Int((noon + Double($0.end)) / 30) }
            slots += bySlot.values.compactMap { $0.max { $0.score < $1.score } }.map { (stream, $0.end, $0.score) }
        }
        var taken: [(stream: String, end: Int, score: Double)] = []
        for slot in slots.sorted(by: { $0.score > $1.score }) {
            if !taken.contains(where: { $0.stream == slot.stream && abs($0.end - slot.end) < 30 }) {
                taken.append(slot)
            }
        }
        return Array(taken.prefix(limit))
    }

    private func fill(_ scratch: Scratch, frames: Int = 2000) throws -> [String: [[Float]]] {
        var streams: [String: [[Float]]] = [:]
        for (place, name) in ["lobby", "gate", "yard"].enumerated() {
            streams[name] = try write(scratch, stream: name, seed: UInt64(place + 1), frames: frames).rows
        }
        return streams
    }

    @Test("moments, scores and ranks are those of float64, for one text and for nine at once")
    func exact() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let streams = try fill(scratch)
        let texts = (0..<9).map { randomUnit(UInt64(100 + $0), width) }
        for asked in [query([texts[0]], limit: 12), query(texts, limit: 12)] {
            let found = HistorySearch(scratch.folder, now: { noon }).run(asked)
            #expect(found.skips.isEmpty && found.streams == 3 && found.windows == 3 * (2000 - window + 1))
            for (text, own) in zip(asked.texts, found.moments) {
                let expected = moments(streams, text, 12)
                #expect(own.map(\.stream) == expected.map(\.stream))
                #expect(own.map(\.mediaPeak) == expected.map { Double($0.end) })
                for (moment, wanted) in zip(own, expected) {
                    #expect(abs(Double(moment.score) - wanted.score) < 1e-5)
                    let all = windows(streams[moment.stream] ?? [], text)
                    let rank = Double(all.count { $0.score < wanted.score }) / Double(all.count)
                    #expect(abs(moment.rank - rank) < 0.01)
                    #expect(moment.wallStart <= moment.wallPeak - 7 && moment.wallEnd >= moment.wallPeak)
                    #expect(moment.wallPeak == noon + moment.mediaPeak)
                }
            }
        }
    }

    @Test("a quick search of many texts has exact scores, and nine of ten of the moments that there are")
    func quick() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let streams = try fill(scratch)
        var asked = query((0..<16).map { randomUnit(UInt64(200 + $0), width) }, limit: 10)
        asked.isQuick = true
        let found = HistorySearch(scratch.folder, now: { noon }).run(asked)
        var common = 0
        for (text, own) in zip(asked.texts, found.moments) {
            for moment in own {
                let (rows, end) = (streams[moment.stream] ?? [], Int(moment.mediaPeak))
                #expect(abs(Double(moment.score) - meanScore(rows[end - window + 1...end], text)) < 1e-5)
                #expect(moment.isApproximate)
            }
            let wanted = Set(moments(streams, text, 10).map { "\($0.stream) \($0.end)" })
            common += wanted.intersection(own.map { "\($0.stream) \(Int($0.mediaPeak))" }).count
        }
        #expect(common >= 144)
    }

    @Test("windows of another length than the segment's have norms of their own")
    func otherLength() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let streams = try fill(scratch, frames: 600)
        let text = randomUnit(7, width)
        for length in [1, 3, 12] {
            var asked = query([text])
            asked.frames = length
            let found = HistorySearch(scratch.folder, now: { noon }).run(asked)
            let expected = moments(streams, text, 5, length)
            #expect(found.moments[0].map(\.mediaPeak) == expected.map { Double($0.end) })
            for (moment, wanted) in zip(found.moments[0], expected) {
                #expect(abs(Double(moment.score) - wanted.score) < 1e-5)
            }
        }
    }

    @Test("streams, times, limit and order are kept to")
    func filters() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let streams = try fill(scratch)
        let text = randomUnit(8, width)
        var asked = query([text], limit: 3)
        asked.selects = { $0 == "gate" }
        (asked.from, asked.to) = (noon + 500, noon + 1000)
        asked.sort = .time
        let found = HistorySearch(scratch.folder, now: { noon }).run(asked)
        #expect(found.windows == 500)
        let moments = found.moments[0]
        #expect(moments.count == 3 && moments.allSatisfy { $0.stream == "gate" })
        #expect(moments.map(\.wallPeak) == moments.map(\.wallPeak).sorted(by: >))
        #expect(moments.allSatisfy { 500..<1000 ~= $0.mediaPeak })
        let inSpan = windows(streams["gate"] ?? [], text).filter { 500..<1000 ~= $0.end }
        let best = try #require(inSpan.max { $0.score < $1.score })
        #expect(abs(Double(moments.map(\.score).max() ?? 0) - best.score) < 1e-5)
    }

    @Test("a cancelled search returns at once with what it has")
    func cancelled() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        _ = try fill(scratch)
        let found = HistorySearch(scratch.folder, now: { noon }).run(query([randomUnit(1, width)]), goesOn: { false })
        #expect(found.isCancelled && found.windows == 0 && found.moments[0].isEmpty)
        // Given up after its first segment, it has the moments of that.
        let isFirst = Mutex(true)
        var asked = query([randomUnit(1, width)])
        asked.threads = 1
        let some = HistorySearch(scratch.folder, now: { noon }).run(
            asked, goesOn: { isFirst.withLock { $0 } }, progress: { _ in isFirst.withLock { $0 = false } })
        let all = HistorySearch(scratch.folder, now: { noon }).run(asked)
        #expect(some.isCancelled && !some.moments[0].isEmpty && some.windows > 0 && some.windows < all.windows)
    }

    @Test("clips of a head are scored as they are")
    func clips() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        var walk = Walk(seed: 4, width: width)
        let clips = (0..<600).map { _ in walk.next() }
        for (place, clip) in clips.enumerated() {
            writer.append(
                HistoryClip(
                    stream: "lobby", head: "lstm", frames: 8, embedding: clip, mediaStart: Double(place) - 7,
                    mediaEnd: Double(place), wallEnd: noon + Double(place)))
        }
        writer.close()
        let text = randomUnit(9, width)
        var asked = query([text], limit: 1)
        asked.head = "lstm"
        let found = HistorySearch(scratch.folder, now: { noon }).run(asked)
        let scores = clips.map { zip(unit($0), text).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } }
        let moment = try #require(found.moments[0].first)
        #expect(abs(Double(moment.score) - (scores.max() ?? 0)) < 1e-5)
        #expect(scores[Int(moment.mediaPeak)] == scores.max() && moment.head == "lstm")
        #expect(moment.mediaStart <= moment.mediaPeak - 7)
        // No frames are there for the mean head, and no clips of another.
        #expect(HistorySearch(scratch.folder, now: { noon }).run(query([text])).windows == 0)
        asked.head = "transformer"
        #expect(HistorySearch(scratch.folder, now: { noon }).run(asked).windows == 0)
    }

    @Test("what is written and not closed is found, up to the last flush")
    func live() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let (writer, rows) = try write(scratch, frames: 700, closes: false)
        let text = randomUnit(10, width)
        let found = HistorySearch(scratch.folder, now: { noon }).run(query([text]))
        #expect(found.skips.isEmpty && found.windows == 700 - window + 1)
        #expect(found.moments[0].map(\.mediaPeak) == moments(["lobby": rows], text, 5).map { Double($0.end) })
        withExtendedLifetime(writer) {}
    }
}
