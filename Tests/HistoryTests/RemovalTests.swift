import Foundation
import History
import Matching
import Segments
import SystemSupport
import Testing

@Suite("What is removed is gone")
struct RemovalTests {
    @Test("a removed stream is gone from the disk, a removed span from every search")
    func removal() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        try write(scratch, stream: "gate", frames: 60)
        let (_, rows) = try write(scratch, stream: "lobby", frames: 700)
        let span = HistoryRemoval(stream: "lobby", from: noon + 300, to: noon + 400).run(scratch.folder)
        #expect(span.entries == 100 && span.rewritten == 1 && span.skips.isEmpty)
        let kept = try read(scratch).filter { $0.entry.wall >= noon + 60 || $0.entry.media < 60 }
        #expect(!kept.contains { 300..<400 ~= $0.entry.media })
        let text = randomUnit(3, width)
        var asked = query([text], limit: 100)
        asked.selects = { $0 == "lobby" }
        let found = HistorySearch(scratch.folder, now: { noon }).run(asked)
        // Two runs of windows, none of which spans the gap.
        #expect(found.windows == 700 - 100 - 2 * (window - 1))
        #expect(!found.moments[0].contains { 300..<407 ~= $0.mediaPeak })
        for moment in found.moments[0] {
            let end = Int(moment.mediaPeak)
            #expect(abs(Double(moment.score) - meanScore(rows[end - window + 1...end], text)) < 1e-5)
        }
        let all = HistoryRemoval(stream: "lobby").run(scratch.folder)
        #expect(all.removed == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["gate"])
    }

    @Test("a picture that stays after the span that is removed keeps its embedding")
    func repeatsAfterTheSpan() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        let (before, after) = (randomUnit(1, width), randomUnit(2, width))
        // The picture changes at 50, within what is removed, and stays.
        for place in 0..<200 {
            writer.append(
                HistoryFrame(
                    stream: "lobby", embedding: place < 50 ? before : after, media: Double(place),
                    wall: noon + Double(place), isDiscontinuity: place == 0, isRepeat: place != 0 && place != 50))
        }
        writer.close()
        let result = HistoryRemoval(stream: "lobby", from: noon + 40, to: noon + 60).run(scratch.folder)
        #expect(result.entries == 20)
        let kept = try read(scratch)
        #expect(kept.count == 180)
        for row in kept {
            let expected = row.entry.media < 50 ? before : after
            let found = try #require(row.embedding)
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-3 }, "at \(row.entry.media) s")
        }
    }

    @Test("a removal through the writer takes what it has not written yet, too")
    func removalWhileWriting() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let (writer, _) = try write(scratch, frames: 300, closes: false)
        let result = writer.remove(HistoryRemoval(selector: try StreamSelector(["lobby"]), from: noon + 100))
        #expect(result.entries == 200)
        writer.append(
            HistoryFrame(stream: "lobby", embedding: randomUnit(1, width), media: 300, wall: noon + 300))
        writer.close()
        let read = try read(scratch)
        #expect(read.count == 101 && read.last?.continues == false)
    }

    @Test("a segment whose header does not hold goes whole, with its stream or with its day")
    func damagedHeader() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let day = 86_400.0
        try write(scratch, stream: "gate", frames: 20)
        for place in 0..<3 { try write(scratch, stream: "lobby", frames: 20, from: noon - Double(place) * day) }
        for segment in scratch.folder.segments() {
            var bytes = [UInt8](try Data(contentsOf: URL(filePath: segment.path)))
            bytes[100] ^= 1
            try put(bytes, into: segment.path)
        }
        // The day of noon - 2 days, and nothing of the other stream.
        let span = HistoryRemoval(stream: "lobby", to: noon - 2 * day + 3600).run(scratch.folder)
        #expect(span.removed == 2 && span.skips.counts == [.unreadable: 2])
        #expect(scratch.folder.segments(of: "lobby").compactMap(\.day) == [HistoryFolder.day(at: noon)])
        let all = HistoryRemoval(selector: try StreamSelector(["lobby"])).run(scratch.folder)
        #expect(all.removed == 1 && scratch.folder.segments().count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["gate"])
    }

    @Test("what a crash left of a stream goes with any span of it, and no other's does")
    func leftovers() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        for stream in ["gate", "lobby"] { try write(scratch, stream: stream, frames: 20) }
        for stream in ["gate", "lobby"] {
            for name in ["2026-11-30.frames.0.seg.part", "2026-11-29.frames.0.seg.tail"] {
                try Data("rows".utf8).write(to: URL(filePath: "\(scratch.folder.folder(of: stream))/\(name)"))
            }
        }
        _ = HistoryRemoval(stream: "lobby", from: noon + 5, to: noon + 6).run(scratch.folder)
        let left = try FileManager.default.subpathsOfDirectory(atPath: scratch.path).sorted()
        #expect(
            left == [
                "gate", "gate/2026-11-29.frames.0.seg.tail", "gate/2026-11-30.frames.0.seg",
                "gate/2026-11-30.frames.0.seg.part", "lobby", "lobby/2026-11-30.frames.0.seg",
            ])
        #expect(try read(scratch).count == 39)
    }

    @Test("a block that does not hold goes with a span that it may be of")
    func damagedBlock() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        try write(scratch, frames: 600)
        let path = try #require(scratch.folder.segments().first).path
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        bytes[4096 + 100] ^= 1
        try put(bytes, into: path)
        // The first block's rows are of this span, and cannot be read.
        let result = HistoryRemoval(stream: "lobby", from: noon, to: noon + 256).run(scratch.folder)
        #expect(result.rewritten == 1 && result.entries == 0 && result.skips.counts == [.damaged: 1])
        let after = [UInt8](try Data(contentsOf: URL(filePath: path)))
        #expect(after.count < bytes.count)
        #expect(try read(scratch).map(\.entry.media) == (256..<600).map(Double.init))
    }
}
