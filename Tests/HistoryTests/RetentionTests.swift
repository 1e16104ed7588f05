import Foundation
import History
import Matching
import Segments
import SystemSupport
import Testing

@Suite("A history stays within its bounds, whatever happens to it")
struct RetentionTests {
    private let day = 86_400.0

    private func frame(_ stream: String, _ seed: UInt64, at wall: Double) -> HistoryFrame {
        HistoryFrame(stream: stream, embedding: randomUnit(seed, width), media: wall - noon, wall: wall)
    }

    @Test("a segment that is being opened is spared, however old it is")
    func opening() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let (first, _) = try write(scratch, frames: 300, from: noon - 3 * day, closes: false)
        let killed = try scratch.killed()
        defer { killed.remove() }
        // Its tail's entries become a block, for which there is no room but this segment's own.
        let retention = HistoryRetention(days: nil, bytes: killed.bytes + 100)
        let writer = try HistoryWriter(killed.path, settings(retention), now: { noon })
        writer.append(frame("lobby", 1, at: noon - 3 * day + 300))
        writer.close()
        #expect(killed.bytes <= retention.bytes ?? 0)
        #expect(try read(killed).count >= 256)
        withExtendedLifetime(first) {}
    }

    @Test("a lane that is silent lets its day go, and its next window spans the silence where the stream does")
    func silence() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let clock = Clock(noon)
        let writer = try HistoryWriter(
            scratch.path, settings(HistoryRetention(days: 1, bytes: nil)), now: { clock.now })
        for place in 0..<20 { writer.append(frame("gate", UInt64(place), at: noon + Double(place))) }
        writer.flush()
        for _ in 0..<3 {
            clock.advance(day)
            writer.append(frame("lobby", 1, at: clock.now))
            writer.flush()
        }
        #expect(scratch.folder.segments(of: "gate").isEmpty)
        #expect(!FileManager.default.fileExists(atPath: scratch.folder.folder(of: "gate")))
        writer.append(frame("gate", 20, at: clock.now))
        writer.close()
        let last = try #require(scratch.folder.segments(of: "gate").first)
        let rows = try #require(try HistoryReader(last).next())
        #expect(rows.count == window && rows.prefix(window - 1).allSatisfy { $0.entry.flags.contains(.carried) })
        #expect(rows.last?.entry.value ?? 0 > 0)
    }

    @Test("what a crash left counts, and goes; what is none of a history's stays")
    func leftovers() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        try write(scratch, frames: 20)
        let folder = scratch.folder.folder(of: "lobby")
        let strangers = ["notes.txt", "lost+found", "lobby/notes.part", "lobby/2026-11-30.txt.tail"]
        for name in strangers.dropFirst() where name.contains("/") {
            try Data("mine".utf8).write(to: URL(filePath: "\(scratch.path)/\(name)"))
        }
        try Data("mine".utf8).write(to: URL(filePath: "\(scratch.path)/notes.txt"))
        for name in ["lost+found", "empty"] {
            try FileManager.default.createDirectory(
                atPath: "\(scratch.path)/\(name)", withIntermediateDirectories: true)
        }
        for name in ["2026-11-30.frames.7.seg.part", "2026-11-29.frames.0.seg.tail"] {
            try Data(count: 10_000).write(to: URL(filePath: "\(folder)/\(name)"))
        }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        #expect(writer.status.bytes == scratch.folder.segments().reduce(0) { $0 + $1.bytes })
        let left = try FileManager.default.subpathsOfDirectory(atPath: scratch.path).sorted()
        #expect(left == (strangers + ["lobby", "lobby/2026-11-30.frames.0.seg"]).sorted())
        writer.close()
    }

    /// The life of a writer, determined by a seed: frames, clips, jumps of the clock, ends, removals and kills.
    private struct Life {
        var random: SeededRandom
        let clock = Clock(noon)
        let retention = HistoryRetention(days: 3, bytes: 400_000)
        var scratch = Scratch()
        var writer: HistoryWriter
        var media = 0.0

        init(seed: UInt64) throws {
            random = SeededRandom(seed: seed)
            writer = try HistoryWriter(scratch.path, settings(retention), now: { [clock] in clock.now })
        }

        mutating func step() throws {
            let stream = random.choice(["lobby", "gate", "yard"])
            switch random.choice(Array(0..<7), weights: [8, 2, 2, 1, 1, 1, 1]) {
            case 0: frames(stream, random.below(250))
            case 1: clips(stream, random.below(100))
            case 2: clock.advance(random.uniform(0.1, 2) * 86_400)
            case 3: writer.end(stream)
            case 4:
                let from = clock.now - random.uniform(0, 86_400)
                let found = writer.remove(HistoryRemoval(stream: stream, from: from, to: from + 3600))
                // Where there is no room to keep the rest of a day, the rest goes.
                #expect(found.skips.counts.keys.allSatisfy { $0 == .unwritable })
                for segment in scratch.folder.segments(of: stream) {
                    let reader = try HistoryReader(segment)
                    while let rows = reader.next() {
                        #expect(!rows.contains { from..<from + 3600 ~= $0.entry.wall })
                    }
                }
            case 5: writer.flush()
            default: try kill()
            }
        }

        private mutating func frames(_ stream: String, _ count: Int) {
            for _ in 0..<count {
                let row: [Float]? = random.chance(0.2) ? nil : randomUnit(random.next(), width)
                writer.append(
                    HistoryFrame(
                        stream: stream, embedding: row, media: media, wall: clock.now,
                        isDiscontinuity: random.chance(0.01), isRepeat: row == nil))
                media += 1
                clock.advance(1)
            }
        }

        private mutating func clips(_ stream: String, _ count: Int) {
            for _ in 0..<count {
                writer.append(
                    HistoryClip(
                        stream: stream, head: "lstm", frames: window, embedding: randomUnit(random.next(), width),
                        mediaStart: media, mediaEnd: media + 7, wallEnd: clock.now))
                clock.advance(1)
            }
        }

        /// Continues with what a kill leaves: half a block, an unfinished file, or only a tail.
        private mutating func kill() throws {
            writer.flush()
            let other = try scratch.killed()
            writer.close()
            scratch.remove()
            scratch = other
            for segment in scratch.folder.segments() where segment.tail != nil {
                let file = try FileHandle(forWritingTo: URL(filePath: segment.path))
                try file.seekToEnd()
                try file.write(contentsOf: Data((0..<random.below(3000)).map { _ in UInt8(random.below(256)) }))
                try file.close()
            }
            for segment in scratch.folder.segments().prefix(1) {
                try Data(count: 5000).write(to: URL(filePath: segment.path + ".part"))
            }
            writer = try HistoryWriter(scratch.path, settings(retention), now: { [clock] in clock.now })
        }
    }

    @Test("after any life the bounds hold, and all that is left can be searched", arguments: [1, 2, 3])
    func life(seed: UInt64) throws {
        var life = try Life(seed: seed)
        defer { life.scratch.remove() }
        var most = 0
        for _ in 0..<70 {
            try life.step()
            // The second time seals what was silent since the first.
            life.writer.flush()
            #expect(life.scratch.bytes <= life.retention.bytes ?? 0)
            life.writer.flush()
            most = max(most, life.scratch.bytes)
            #expect(life.scratch.bytes <= life.retention.bytes ?? 0)
            let now = life.clock.now
            let oldest = life.scratch.folder.segments().compactMap(\.day).min() ?? .max
            #expect(oldest >= HistoryFolder.day(at: now - 4 * 86_400))
            let found = HistorySearch(life.scratch.folder, now: { now }).run(query([randomUnit(1, width)]))
            #expect(found.skips.isEmpty)
        }
        #expect(most > 300_000 && life.writer.status.removed > 0)
        life.writer.close()
        #expect(life.scratch.bytes <= life.retention.bytes ?? 0)
    }
}
