import Foundation
import History
import Matching
import Segments
import Synchronization
import SystemSupport
import Testing

/// Bytes in place of a JPEG file, determined by a number.
private func file(_ number: Int, _ count: Int = 1500) -> Data {
    var random = SeededRandom(seed: UInt64(number) + 1)
    return Data((0..<count + number % 7).map { _ in UInt8(random.below(256)) })
}

private func picture(_ number: Int, _ stream: String = "lobby", at wall: Double, isPeak: Bool = false) -> HistoryPicture
{
    HistoryPicture(stream: stream, wall: wall, isPeak: isPeak) { file(number) }
}

@Suite("Pictures of a history")
struct PictureTests {
    /// Writes pictures every ten seconds from `wall` on, and waits for the disk.
    private func write(
        _ writer: HistoryWriter, _ numbers: Range<Int>, from wall: Double = noon, stream: String = "lobby"
    ) {
        for number in numbers {
            writer.append(picture(number, stream, at: wall + 10 * Double(number)))
            // The queue is short on purpose.
            writer.flush()
        }
    }

    private func find(_ scratch: Scratch, _ number: Int, stream: String = "lobby") -> Data? {
        var pictures = HistoryPictures(scratch.folder)
        let wall = noon + 10 * Double(number)
        return pictures.nearest(stream, at: wall).flatMap { $0.wall == wall ? $0.jpeg : nil }
    }

    @Test("the nearest picture within ten seconds is found while it is written, also across an hour and of a region")
    func nearest() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        // The last is in the next hour; a peak is told once its event has ended.
        write(writer, 355..<362)
        writer.append(picture(7, "lobby/door", at: noon + 3594, isPeak: true))
        writer.append(picture(8, at: noon + 3563, isPeak: true))
        writer.append(picture(9, at: noon + 3563.5, isPeak: true))
        writer.flush()
        var pictures = HistoryPictures(scratch.folder)
        #expect(pictures.nearest("lobby", at: noon + 3597)?.jpeg == file(360))
        #expect(pictures.nearest("lobby", at: noon + 3594)?.jpeg == file(359))
        #expect(pictures.nearest("lobby", at: noon + 3562)?.jpeg == file(8))
        #expect(pictures.nearest("lobby/door", at: noon + 3597)?.jpeg == file(7))
        #expect(pictures.nearest("lobby/door", at: noon + 3560)?.jpeg == file(356))
        #expect(pictures.timeOfNearest("lobby/door", at: noon + 3560) == noon + 3560)
        #expect(pictures.nearest("lobby", at: noon + 3625) == nil && pictures.nearest("yard", at: noon + 3600) == nil)
        for wrong in [Double.nan, .infinity, -1e300, 1e300, -5] { #expect(pictures.nearest("lobby", at: wrong) == nil) }
        // Of two peaks within a second one is kept.
        #expect(writer.status.pictures == 9)
        writer.close()
        #expect(writer.status.bytes == scratch.bytes && scratch.bytes > 9 * 1500)
    }

    @Test("a file that is cut anywhere has its whole pictures, and goes on behind them")
    func cut() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        write(writer, 0..<5)
        writer.close()
        let path = try #require(scratch.folder.pictures(of: "lobby").first).path
        let whole = [UInt8](try Data(contentsOf: URL(filePath: path)))
        // Where each record ends: what is left of the file is in order.
        let record = (0..<5).map { 40 + (file($0).count + 7) / 8 * 8 }
        let ends = record.indices.map { place in 4096 + record[...place].reduce(0, +) }
        #expect(ends.last == whole.count)
        for length in Array(stride(from: 0, to: whole.count, by: 61)) + ends + ends.map({ $0 - 1 }) {
            try Data(whole.prefix(length)).write(to: URL(filePath: path))
            let kept = ends.count { $0 <= length }
            #expect((0..<5).map { find(scratch, $0) != nil } == (0..<5).map { $0 < kept }, "cut to \(length) bytes")
            let next = try HistoryWriter(scratch.path, settings(), now: { noon })
            write(next, 7..<8)
            next.close()
            #expect((0..<kept).allSatisfy { find(scratch, $0) == file($0) } && find(scratch, 7) == file(7))
        }
    }

    @Test("a flipped byte takes one picture, and no other is told in its place")
    func flipped() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        write(writer, 0..<6)
        writer.close()
        let path = try #require(scratch.folder.pictures(of: "lobby").first).path
        let whole = [UInt8](try Data(contentsOf: URL(filePath: path)))
        var random = SeededRandom(seed: 5)
        for _ in 0..<300 {
            var bytes = whole
            let place = random.below(bytes.count)
            bytes[place] ^= UInt8(1 << random.below(8))
            try Data(bytes).write(to: URL(filePath: path))
            let found = (0..<6).map { find(scratch, $0) }
            for (number, found) in found.enumerated() where found != nil { #expect(found == file(number)) }
            // A header's flip takes all: what its stream is cannot be known.
            #expect(found.count { $0 == nil } <= (place < 4096 ? 6 : 1), "flipped at \(place)")
        }
        // What cannot be read goes with its hour.
        var bytes = whole
        bytes[50] ^= 1
        try Data(bytes).write(to: URL(filePath: path))
        let result = HistoryRemoval(stream: "lobby", from: noon + 20, to: noon + 21).run(scratch.folder)
        #expect(result.skips.isEmpty && scratch.folder.pictures(of: "lobby").isEmpty)
    }

    @Test("a removed span's pictures are gone to the millisecond, and those that wait to be written with it")
    func removal() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        write(writer, 0..<40)
        write(writer, 0..<3, stream: "gate")
        writer.append(picture(40, at: noon + 400))
        let result = writer.remove(HistoryRemoval(stream: "lobby", from: noon + 100, to: noon + 110.001))
        #expect(result.pictures == 2 && result.skips.isEmpty)
        let left = (0..<41).filter { find(scratch, $0) == file($0) }
        #expect(left == Array(0..<10) + Array(12..<41))
        // Nothing of them is in the file.
        let path = try #require(scratch.folder.pictures(of: "lobby").first).path
        let bytes = try Data(contentsOf: URL(filePath: path))
        #expect(bytes.range(of: file(10).prefix(64)) == nil && bytes.range(of: file(12).prefix(64)) != nil)
        write(writer, 41..<43)
        #expect(find(scratch, 42) == file(42) && writer.status.bytes == scratch.bytes)
        #expect(writer.remove(HistoryRemoval(selector: try StreamSelector(["lob*"]))).pictures == 41)
        #expect(scratch.folder.pictures(of: "lobby").isEmpty && find(scratch, 2, stream: "gate") == file(2))
        writer.close()
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["gate"])
    }

    @Test("retention takes the oldest hours, by age and by bytes, and pictures never have more than their third")
    func retention() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let clock = Clock(noon)
        let bound = HistoryRetention(days: 1, bytes: 600_000)
        let writer = try HistoryWriter(scratch.path, settings(bound), now: { clock.now })
        var most = 0
        for place in 0..<400 {
            writer.append(picture(place, at: clock.now))
            writer.append(
                HistoryFrame(
                    stream: "lobby", embedding: randomUnit(UInt64(place), width), media: Double(place), wall: clock.now)
            )
            writer.flush()
            let pictures = scratch.folder.pictures(of: "lobby").reduce(0) { $0 + $1.bytes }
            #expect(pictures <= 200_000 && scratch.bytes <= 600_000 && writer.status.bytes == scratch.bytes)
            most = max(most, pictures)
            clock.advance(120)
        }
        #expect(most > 150_000)
        let hours = scratch.folder.pictures(of: "lobby").map { Double($0.day ?? 0) * 86_400 + Double($0.number) * 3600 }
        // The newest, without a gap.
        #expect(hours == hours.indices.map { (hours.last ?? 0) - 3600 * Double(hours.count - 1 - $0) })
        #expect(find(scratch, 0) == nil)
        clock.advance(2 * 86_400)
        writer.flush()
        writer.flush()
        #expect(scratch.folder.pictures(of: "lobby").isEmpty)
        writer.close()
    }

    @Test("a disk without room takes no picture, which is counted and said, and the next one when there is room")
    func full() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let bound = HistoryRetention(days: nil, bytes: nil, reserve: .max / 4)
        let full = try HistoryWriter(scratch.path, settings(bound), now: { noon })
        write(full, 0..<3)
        #expect(full.status.pictures == 0 && full.status.picturesLost == 3 && full.status.problem != nil)
        full.close()
        #expect(scratch.bytes == 0)
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        write(writer, 3..<5)
        #expect(writer.status.pictures == 2 && writer.status.problem == nil && find(scratch, 4) == file(4))
        writer.close()
    }

    @Test("pictures that find their queue full are dropped and counted, and hold up no frame")
    func bounded() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        let (isBusy, goOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        writer.append(
            HistoryPicture(stream: "lobby", wall: noon, isPeak: false) {
                isBusy.signal()
                goOn.wait()
                return file(0)
            })
        isBusy.wait()
        let taken = (1..<20).count { writer.append(picture($0, at: noon + 10 * Double($0))) }
        #expect(taken == 8 && writer.status.picturesDropped == 11)
        #expect(writer.append(HistoryFrame(stream: "lobby", embedding: randomUnit(1, width), media: 0, wall: noon)))
        goOn.signal()
        writer.close()
        #expect(writer.status.pictures == 9 && writer.status.recorded == 1)
        #expect(!writer.append(picture(30, at: noon)))
    }

    @Test("what is no picture is not kept: nothing, too much, a time that is none")
    func refused() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        for made in [Data?.none, Data(), Data(count: HistoryPicture.mostBytes + 1)] {
            writer.append(HistoryPicture(stream: "lobby", wall: noon, isPeak: false) { made })
        }
        for wall in [Double.nan, .infinity, 1e15] { writer.append(picture(1, at: wall)) }
        writer.flush()
        #expect(writer.status.pictures == 0 && writer.status.picturesLost == 3)
        writer.append(HistoryPicture(stream: "../../etc/x", wall: noon, isPeak: false) { file(1) })
        writer.close()
        var pictures = HistoryPictures(scratch.folder)
        #expect(pictures.nearest("../../etc/x", at: noon)?.jpeg == file(1))
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["%2e%2e%2f%2e%2e%2fetc%2fx"])
    }
}
