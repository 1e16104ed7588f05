import Foundation
import History
import Matching
import Segments
import Synchronization
import SystemSupport
import Testing

@Suite("Damage is skipped, counted and named, and never fatal")
struct DamageTests {
    private func search(_ scratch: Scratch) -> HistoryResult {
        HistorySearch(scratch.folder, now: { noon }).run(query([randomUnit(1, width)]))
    }

    /// Writes a segment of three blocks; returns its path and bytes.
    private func segment(_ scratch: Scratch) throws -> (path: String, bytes: [UInt8]) {
        try write(scratch, frames: 600)
        let path = try #require(scratch.folder.segments().first).path
        return (path, [UInt8](try Data(contentsOf: URL(filePath: path))))
    }

    @Test("a segment cut at any length has the whole blocks before the cut")
    func cuts() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        for place in 0..<12 {
            writer.append(
                HistoryFrame(
                    stream: "short", embedding: randomUnit(UInt64(place), width), media: Double(place),
                    wall: noon + Double(place)))
        }
        writer.close()
        let path = try #require(scratch.folder.segments().first).path
        let whole = [UInt8](try Data(contentsOf: URL(filePath: path)))
        #expect(search(scratch).windows == 5)
        chmod(path, 0o600)
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        chmod(path, 0o400)
        for length in stride(from: whole.count - 1, through: 0, by: -1) {
            try file.truncate(atOffset: UInt64(length))
            let found = search(scratch)
            let isHeader = length < 4096
            #expect(found.windows == 0 && found.moments[0].isEmpty)
            #expect(found.skips.counts == (isHeader ? [.unreadable: 1] : length == 4096 ? [:] : [.cut: 1]), "\(length)")
            if length >= 4096, length > 4096 { #expect(found.skips.named.first?.path == path) }
        }
    }

    @Test("flipped bits lose at most their block; the others are searched")
    func flips() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let (path, bytes) = try segment(scratch)
        let all = search(scratch).windows
        var random = SeededRandom(seed: 1)
        for _ in 0..<400 {
            var broken = bytes
            let place = random.below(bytes.count)
            broken[place] ^= 1 << random.below(8)
            try put(broken, into: path)
            let found = search(scratch)
            if place < 4096 {
                #expect(found.windows == 0 && !found.skips.isEmpty)
            } else {
                // A block of 256 frames, and the windows that began in it.
                #expect(found.windows >= all - 256 - window && found.moments[0].count > 0)
                // Low planes are only looked at where a moment is; a block's padding says nothing.
                if found.windows < all { #expect(found.skips.counts[.damaged] == 1) }
            }
        }
    }

    @Test("a segment that is made shorter while its rows are looked at loses those that are gone")
    func shortened() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let (path, _) = try segment(scratch)
        // Asked for the segment, for its first block, and for its second, whose rows then end within.
        let asked = Mutex(0)
        let found = HistorySearch(scratch.folder, now: { noon }).run(query([randomUnit(1, width)])) {
            if asked.withLock({
                $0 += 1
                return $0
            }) == 3 {
                chmod(path, 0o600)
                truncate(path, 22 * 4096)
            }
            return true
        }
        #expect(found.windows == 256 - window + 1 && found.moments[0].count > 0)
        #expect(found.skips.counts == [.damaged: 1])
    }

    @Test("what lies where a block should begin is passed over to the next")
    func garbage() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let (path, bytes) = try segment(scratch)
        try put(bytes[..<4096] + [UInt8](repeating: 0x57, count: 640) + bytes[4096...], into: path)
        let found = search(scratch)
        #expect(found.windows == 600 - window + 1 && found.skips.counts == [.damaged: 1])
    }

    @Test("another width, a newer format and a day that has not come are named and left out")
    func others() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let (path, bytes) = try segment(scratch)
        var wide = query([randomUnit(1, width + 1)])
        wide.width = width + 1
        #expect(HistorySearch(scratch.folder, now: { noon }).run(wide).skips.counts == [.otherWidth: 1])
        var newer = bytes
        newer[8] = 2
        try put(newer, into: path)
        #expect(search(scratch).skips.counts == [.future: 1])
        try put(bytes, into: path)
        let early = HistorySearch(scratch.folder, now: { noon - 5 * 86_400 }).run(query([randomUnit(1, width)]))
        #expect(early.skips.counts == [.future: 1] && early.windows == 0)
        #expect(search(scratch).windows == 600 - window + 1)
    }

    @Test("a clock that goes back writes on, in the day that it says")
    func clockBack() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        var walk = Walk(seed: 6, width: width)
        for place in 0..<300 {
            let wall = noon + Double(place) - (place >= 100 && place < 200 ? 86_400 : 0)
            writer.append(
                HistoryFrame(
                    stream: "lobby", embedding: walk.next(), media: Double(place), wall: wall,
                    isDiscontinuity: place == 0))
        }
        writer.close()
        // A day that was left is sealed: what comes of it later is in another segment.
        #expect(scratch.folder.segments().map(\.number).sorted() == [0, 0, 1])
        let found = search(scratch)
        // No window is lost: the stream's own times went on.
        #expect(found.skips.isEmpty && found.windows == 300 - window + 1)
    }

    @Test("files, links and folders that are no segments harm nothing")
    func strangers() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let (path, bytes) = try segment(scratch)
        let folder = URL(filePath: path).deletingLastPathComponent().path
        try Data("nothing".utf8).write(to: URL(filePath: "\(folder)/2026-11-29.frames.0.seg"))
        // As a writer makes it, before its header: nothing is there yet.
        try Data().write(to: URL(filePath: "\(folder)/2026-11-30.frames.1.seg"))
        try Data(bytes).write(to: URL(filePath: "\(scratch.path)/lost.seg"))
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder)/2026-11-28.frames.0.seg", withDestinationPath: path)
        try FileManager.default.createDirectory(
            atPath: "\(folder)/2026-11-27.frames.0.seg", withIntermediateDirectories: true)
        let found = search(scratch)
        #expect(found.windows == 600 - window + 1 && found.skips.counts == [.unreadable: 1])
    }
}
