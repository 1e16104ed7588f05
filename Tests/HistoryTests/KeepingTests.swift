import Foundation
import History
import Matching
import SystemSupport
import Testing

@Suite("What a history keeps")
struct KeepingTests {
    @Test("days that are too old go, and nothing else")
    func days() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        for day in 0..<5 { try write(scratch, seed: UInt64(day), frames: 30, from: noon - Double(day) * 86_400) }
        let retention = HistoryRetention(days: 2, bytes: nil)
        #expect(retention.apply(to: scratch.folder, now: noon).removed == 2)
        let left = scratch.folder.segments().compactMap(\.day)
        #expect(left == [-2, -1, 0].map { HistoryFolder.day(at: noon) + $0 })
    }

    @Test("the bound in bytes holds while days are written, the oldest going first")
    func bytes() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let bound = 300_000
        let writer = try HistoryWriter(
            scratch.path, settings(HistoryRetention(days: nil, bytes: bound)), now: { noon })
        var walk = Walk(seed: 2, width: width)
        var most = 0
        for day in 0..<12 {
            for place in 0..<300 {
                writer.append(
                    HistoryFrame(
                        stream: "lobby", embedding: walk.next(), media: Double(day * 300 + place),
                        wall: noon + Double(day - 12) * 86_400 + Double(place)))
            }
            writer.flush()
            most = max(most, scratch.folder.segments().reduce(0) { $0 + $1.bytes })
        }
        writer.close()
        #expect(most <= bound && most > bound / 2)
        let left = scratch.folder.segments().compactMap(\.day)
        #expect(left.last == HistoryFolder.day(at: noon) - 1 && left == Array((left.first ?? 0)...(left.last ?? 0)))
        #expect(writer.status.lost == 0 && writer.status.removed > 0)
    }

    @Test("where one day alone is too much, recording stops at the bound and says so")
    func full() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let bound = 150_000
        let writer = try HistoryWriter(
            scratch.path, settings(HistoryRetention(days: nil, bytes: bound)), now: { noon })
        var walk = Walk(seed: 2, width: width)
        for place in 0..<1500 {
            writer.append(
                HistoryFrame(
                    stream: "lobby", embedding: walk.next(), media: Double(place), wall: noon + Double(place)))
        }
        writer.flush()
        #expect(scratch.folder.segments().reduce(0) { $0 + $1.bytes } <= bound)
        #expect(writer.status.problem?.contains("bound") == true && writer.status.lost > 0)
        writer.close()
        #expect(scratch.folder.segments().reduce(0) { $0 + $1.bytes } <= bound)
        // What was recorded until then is there.
        #expect(HistorySearch(scratch.folder, now: { noon }).run(query([randomUnit(1, width)])).windows > 256)
    }
}
