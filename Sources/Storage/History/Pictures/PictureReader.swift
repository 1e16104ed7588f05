import CKernels
package import Foundation
import Segments

/// Reads a picture file, which has the pictures of one stream and hour; belongs to one thread.
///
/// Another thread may append to the file meanwhile; an incomplete record is ignored.
final class PictureReader {
    /// The header of a picture's record, and the position of its JPEG file.
    struct Entry: Equatable {
        let header: PictureFile.RecordHeader
        let offset: Int
        var wall: Double { header.wall }
    }

    let path: String
    let header: SegmentHeader
    /// All complete pictures, in the order of the file.
    let entries: [Entry]
    /// The offset of the end of the last complete record in bytes.
    let end: Int
    /// The number of damaged stretches between records.
    let damaged: Int
    private let descriptor: Int32
    private let bytes: FileBytes

    /// Opens a picture file and reads the headers of its records; throws an error of kind `gone` if there is no file.
    init(_ path: String) throws(HistoryProblem) {
        self.path = path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            throw HistoryProblem(
                code == ENOENT ? .gone : .unreadable, path, "it cannot be opened: \(String(cString: strerror(code)))")
        }
        self.descriptor = descriptor
        bytes = FileBytes(descriptor, most: Self.step)
        var status = stat()
        do throws(HistoryProblem) {
            guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                throw HistoryProblem(.unreadable, path, "this is no file of pictures")
            }
            header = try SegmentHeader(Array(bytes.view(0, SegmentHeader.size)), path: path)
            guard header.kind == .pictures else {
                throw HistoryProblem(.unreadable, path, "this is no file of pictures")
            }
        } catch {
            close(descriptor)
            throw error
        }
        (entries, end, damaged) = Self.scan(bytes, size: Int(status.st_size))
    }

    deinit { close(descriptor) }

    private static let step = 1 << 16

    private static func scan(_ bytes: FileBytes, size: Int) -> (entries: [Entry], end: Int, damaged: Int) {
        var entries: [Entry] = []
        var (at, end, damaged) = (SegmentHeader.size, SegmentHeader.size, 0)
        while at + PictureFile.RecordHeader.size <= size {
            guard let header = PictureFile.RecordHeader(bytes.view(at, PictureFile.RecordHeader.size)) else {
                guard let next = recordAfter(at, bytes) else { break }
                damaged += 1
                at = next
                continue
            }
            guard at + header.whole <= size else { break }
            entries.append(Entry(header: header, offset: at + PictureFile.RecordHeader.size))
            at += header.whole
            end = at
        }
        return (entries, end, damaged)
    }

    /// Returns the offset of the next valid record after a damaged place; nil if there is none.
    private static func recordAfter(_ place: Int, _ bytes: FileBytes) -> Int? {
        let size = PictureFile.RecordHeader.size
        var at = place + 8
        while true {
            let found = bytes.view(at, step)
            guard found.count >= size else { return nil }
            let header = stride(from: 0, through: found.count - size, by: 8).first { start in
                PictureFile.RecordHeader(UnsafeRawBufferPointer(rebasing: found[start...])) != nil
            }
            if let header { return at + header }
            at += (found.count - size) / 8 * 8 + 8
        }
    }

    /// Reads the JPEG file of a picture; nil if its checksum is wrong.
    func jpeg(_ entry: Entry) -> Data? {
        let count = entry.header.whole - PictureFile.RecordHeader.size
        var data = Data(count: count)
        let isWhole = data.withUnsafeMutableBytes { bytes in
            FileBytes.read(descriptor, bytes, at: entry.offset).count == count
                && ww_history_sum(bytes.baseAddress, count) == entry.header.sum
        }
        return isWhole ? data.prefix(entry.header.count) : nil
    }
}

extension PictureFile.RecordHeader {
    /// Parses the header of a picture's record; nil if the bytes are not one.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.size, bytes.number(0) == Self.magic,
            bytes.number(32) == ww_history_sum(bytes.baseAddress, 32)
        else { return nil }
        let counts = bytes.number(16)
        self.init(
            wall: Double(bitPattern: bytes.number(8)), isPeak: counts >> 32 & 1 == 1,
            count: Int(counts & 0xFFFF_FFFF), sum: bytes.number(24))
        guard abs(wall) < 1e12, 1...HistoryPicture.mostBytes ~= count else { return nil }
    }

    /// Encodes a picture's record: its header and the padded JPEG file.
    static func record(_ jpeg: Data, wall: Double, isPeak: Bool) -> [UInt8] {
        let padded = Array(jpeg) + [UInt8](repeating: 0, count: BlockHeader.rounded(jpeg.count, 8) - jpeg.count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size + padded.count)
        bytes.put(magic)
        bytes.put(wall.bitPattern)
        bytes.put(UInt64(jpeg.count) | (isPeak ? 1 << 32 : 0))
        bytes.put(ww_history_sum(padded, padded.count))
        bytes.put(ww_history_sum(bytes, bytes.count))
        return bytes + padded
    }
}

/// Finds pictures of streams in a history by time; reads files, so it must not run on the cooperative pool.
package struct HistoryPictures {
    private let folder: HistoryFolder
    /// The readers of picture files by path, so that searches within an hour read the file once.
    ///
    /// A nil value: the file cannot be read.
    private var opened: [String: PictureReader?] = [:]
    private static let mostOpened = 32
    /// The greatest distance in seconds between the requested time and the picture's.
    package static let reach = 10.0
    /// The greatest number of pictures that are tried until one is undamaged.
    private static let tries = 8

    package init(_ folder: HistoryFolder) { self.folder = folder }

    /// Returns the stream's picture nearest to a time, as JPEG and with its own time in seconds since 1970.
    ///
    /// Returns nil if none is within `reach` seconds. For a region ("lobby/door"), the pictures of its own events are
    /// preferred; otherwise the result is the whole stream's picture.
    package mutating func nearest(_ stream: String, at wall: Double) -> (jpeg: Data, wall: Double)? {
        for (reader, entry) in near(stream, at: wall).prefix(Self.tries) {
            if let jpeg = reader.jpeg(entry) { return (jpeg, entry.wall) }
        }
        return whole(stream).flatMap { nearest($0, at: wall) }
    }

    /// Returns the time of the picture that `nearest` would return, in seconds since 1970, without reading the picture.
    package mutating func timeOfNearest(_ stream: String, at wall: Double) -> Double? {
        if let found = near(stream, at: wall).first { return found.entry.wall }
        return whole(stream).flatMap { timeOfNearest($0, at: wall) }
    }

    /// Returns the name of the stream to which a region belongs; nil if the name is a stream's.
    private func whole(_ stream: String) -> String? {
        stream.firstIndex(of: "/").map { String(stream[..<$0]) }
    }

    /// Returns the stream's own pictures within `reach` of a time, the nearest first.
    private mutating func near(
        _ stream: String, at wall: Double
    ) -> [(reader: PictureReader, entry: PictureReader.Entry)] {
        guard wall.isFinite, 0...1e11 ~= wall else { return [] }
        var paths: [String] = []
        for time in [wall - Self.reach, wall + Self.reach] {
            let (day, hour) = PictureFile.slot(at: max(0, time))
            let path = folder.pictures(of: stream, day: day, hour: hour)
            if paths.last != path { paths.append(path) }
        }
        return paths.compactMap { open($0) }.flatMap { reader in
            reader.entries.filter { abs($0.wall - wall) <= Self.reach }.map { (reader: reader, entry: $0) }
        }.sorted { abs($0.entry.wall - wall) < abs($1.entry.wall - wall) }
    }

    private mutating func open(_ path: String) -> PictureReader? {
        if let known = opened[path] { return known }
        if opened.count >= Self.mostOpened { opened.removeAll() }
        let reader = try? PictureReader(path)
        opened[path] = .some(reader)
        return reader
    }
}
