import Foundation
import History
import Segments
import SystemSupport
import Testing

@Suite("What is written to a history can be read from it")
struct StoreTests {
    @Test("embeddings come back to 1 part in 10,000 of their length, with times and flags")
    func rows() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let (_, written) = try write(scratch, frames: 700)
        let read = try read(scratch)
        #expect(read.count == 700)
        for (place, row) in read.enumerated() {
            let embedding = try #require(row.embedding)
            let length = written[place].reduce(0) { $0 + $1 * $1 }.squareRoot()
            let miss = zip(embedding, written[place]).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            #expect(miss.squareRoot() < 1e-4 * length)
            #expect(row.entry.media == Double(place) && row.entry.wall == noon + Double(place))
            #expect(row.continues == (place > 0))
            // A window ends at each frame from the eighth on, and its norm is at most 8.
            #expect((row.entry.value > 0) == (place >= window - 1))
            #expect(place < window - 1 || row.entry.value >= Float(1) / 8 - 1e-6)
        }
    }

    @Test("an unchanged picture is a flag, a blind one breaks the window")
    func flags() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        var walk = Walk(seed: 3, width: width)
        for place in 0..<600 {
            let isNew = place % 10 == 0
            writer.append(
                HistoryFrame(
                    stream: "gate", embedding: isNew ? walk.next() : nil, media: Double(place),
                    wall: noon + Double(place), isDiscontinuity: place == 0,
                    isRepeat: !isNew && place != 301))
        }
        writer.close()
        let read = try read(scratch)
        #expect(read.count == 600)
        let blind = read.enumerated().filter { $0.element.embedding == nil }.map(\.offset)
        // What follows a blind frame has no row to repeat until the next new picture.
        #expect(blind == Array(301..<310))
        #expect(read[310].entry.value == 0 && read[310 + window - 1].entry.value > 0)
        let segment = try #require(scratch.folder.segments().first)
        // 60 rows of 128 bytes in two planes, 600 entries of 21 bytes, and headers.
        #expect(segment.bytes < 60 * 256 + 600 * 21 + 8192)
    }

    @Test("a repeat whose picture is not there has a row of its own")
    func repeats() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        let row = randomUnit(1, width)
        for place in 0..<20 {
            writer.append(
                HistoryFrame(
                    stream: "gate", embedding: place == 5 ? nil : row, media: Double(place),
                    wall: noon + Double(place), isDiscontinuity: place == 0, isRepeat: place != 0 && place != 5))
        }
        writer.close()
        let read = try read(scratch)
        #expect(read.enumerated().filter { $0.element.embedding == nil }.map(\.offset) == [5])
        #expect(read[6].entry.flags.contains(.row) && !read[7].entry.flags.contains(.row))
    }

    @Test("a day's first window spans midnight")
    func midnight() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let midnight = (noon / 86_400).rounded(.up) * 86_400
        let (_, rows) = try write(scratch, frames: 100, from: midnight - 50)
        #expect(scratch.folder.segments().count == 2)
        let text = randomUnit(5, width)
        var asked = query([text], limit: 100)
        asked.from = midnight
        asked.to = midnight + 1
        let found = HistorySearch(scratch.folder, now: { noon }).run(asked)
        let moment = try #require(found.moments[0].first)
        #expect(found.windows == 1)
        #expect(abs(Double(moment.score) - meanScore(rows[43...50], text)) < 1e-5)
        #expect(moment.wallStart == midnight - 7 && moment.wallEnd == midnight)
    }

    private static let hostile = [
        "../../etc/passwd", "a/b", "", ".", "..", "å\u{0}\n", String(repeating: "x/", count: 400),
    ]

    @Test("a name is no path", arguments: hostile.indices)
    func names(_ place: Int) throws {
        let stream = Self.hostile[place]
        let name = HistoryFolder.folderName(stream)
        #expect(!name.isEmpty && name.utf8.count <= 255 && !name.contains("/") && !name.hasPrefix("."))
        let scratch = Scratch()
        defer { scratch.remove() }
        try write(scratch, stream: stream, frames: 20)
        let segment = try #require(scratch.folder.segments().first)
        #expect(segment.path.hasPrefix(scratch.path + "/"))
        #expect(try HistoryReader(segment).header.stream == stream)
    }

    @Test("a writer goes on where the last one ended, and nothing that was flushed is lost")
    func restart() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        // 300 frames are a whole block and a tail.
        let (first, _) = try write(scratch, frames: 300, closes: false)
        #expect(try read(scratch).count == 300)
        let killed = try scratch.killed()
        defer { killed.remove() }
        try write(killed, seed: 2, frames: 300, from: noon + 300)
        let read = try read(killed)
        #expect(read.count == 600 && killed.folder.segments().count == 1)
        #expect(read.filter { !$0.continues }.map(\.entry.media) == [0, 0])
        withExtendedLifetime(first) {}
    }

    @Test("a segment that is done is never written to again")
    func sealed() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        try write(scratch, frames: 20)
        let path = try #require(scratch.folder.segments().first).path
        let before = try Data(contentsOf: URL(filePath: path))
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o400)
        try write(scratch, seed: 2, frames: 20, from: noon + 20)
        #expect(scratch.folder.segments().map(\.number) == [0, 1])
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
        #expect(try read(scratch).count == 40)
    }

    @Test("a second writer is refused by one sentence, until the first is closed")
    func writers() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        let refused = #expect(throws: HistoryProblem.self) { try HistoryWriter(scratch.path, settings()) }
        #expect(refused?.kind == .inUse)
        #expect(refused?.description.contains("another process writes to this history") == true)
        #expect(throws: HistoryProblem.self) { _ = try scratch.folder.lock() }
        writer.close()
        let lock = try scratch.folder.lock()
        #expect(throws: HistoryProblem.self) { try HistoryWriter(scratch.path, settings()) }
        withExtendedLifetime(lock) {}
    }

    @Test("names that are cut tell long names and films apart")
    func longNames() {
        let long = String(repeating: "x", count: 200)
        // The example of FIPS 180-4.
        #expect(HistoryFolder.hash("abc") == "ba7816bf8f01cfea414140de5dae2223")
        #expect(HistoryFolder.folderName(long) == String(long.prefix(100)) + "~" + HistoryFolder.hash(long))
        #expect(HistoryFolder.folderName(long + "a") != HistoryFolder.folderName(long + "b"))
    }

    @Test("another model begins another segment")
    func models() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        try write(scratch, frames: 20)
        var other = settings()
        other.model = "other@2"
        let writer = try HistoryWriter(scratch.path, other, now: { noon })
        writer.append(HistoryFrame(stream: "lobby", embedding: randomUnit(1, width), media: 0, wall: noon))
        writer.close()
        #expect(scratch.folder.segments().count == 2)
        let found = HistorySearch(scratch.folder, now: { noon }).run(query([randomUnit(2, width)]))
        #expect(found.skips.counts == [.otherModel: 1] && found.windows == 13)
    }

    @Test("a full queue drops and counts, and the next frame begins a window")
    func fullQueue() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        var narrow = settings()
        narrow.depth = 4
        let writer = try HistoryWriter(scratch.path, narrow, now: { noon })
        for place in 0..<2000 {
            writer.append(
                HistoryFrame(
                    stream: "busy", embedding: randomUnit(UInt64(place), width), media: Double(place),
                    wall: noon + Double(place)))
        }
        writer.close()
        let read = try read(scratch)
        #expect(writer.status.recorded + writer.status.dropped == 2000)
        #expect(read.count == Int(writer.status.recorded))
        for (before, after) in zip(read, read.dropFirst()) where after.entry.media != before.entry.media + 1 {
            #expect(!after.continues)
        }
    }
}
