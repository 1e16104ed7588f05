import CKernels
import Foundation
import SystemSupport

/// Appends to one segment; belongs to one thread.
///
/// Complete blocks go to the segment. At each flush, the entries of the incomplete block go to the tail beside it, in
/// small blocks; once the block is complete and on the disk, the tail is emptied. So a crash loses only what was not
/// flushed, and nothing is overwritten.
final class SegmentAppender {
    let header: SegmentHeader
    let path: String
    /// The history's bound; nil if there is none.
    private let space: HistorySpace?
    private let hold: HistorySpace.Hold?
    private let main: Int32
    private var tail: Int32 = -1
    private var mainEnd: Int
    private var tailEnd = SegmentHeader.size
    /// The number of the next block's first entry.
    private var sequence: Int
    /// The entries of the next block; `young` has those of them that were never flushed.
    private var block: BlockBuilder
    private var young: BlockBuilder
    /// The number of entries lost on a full disk.
    private(set) var lost = 0

    /// Continues the newest segment of the day if its rows match and it is not sealed, else begins another.
    static func open(_ folder: HistoryFolder, _ header: SegmentHeader, day: Int, space: HistorySpace?)
        throws(HistoryProblem) -> SegmentAppender
    {
        try makeFolder(folder.folder(of: header.stream))
        let prefix =
            "\(folder.folder(of: header.stream))/\(HistoryFolder.dayName(day)).\(HistoryFolder.kindName(header))."
        let newest = folder.segments(of: header.stream).filter { $0.path.hasPrefix(prefix) }.max {
            $0.number < $1.number
        }
        if let newest {
            let hold = space?.hold(newest.path)
            defer { withExtendedLifetime(hold) {} }
            if let reader = try? SegmentReader(newest.path), !reader.isSealed, reader.header.continues(header) {
                return try SegmentAppender(goingOn: reader, space: space)
            }
        }
        let number = (newest?.number ?? -1) + 1
        return try SegmentAppender(making: folder.segment(header, day: day, number: number), header, space: space)
    }

    static func makeFolder(_ path: String) throws(HistoryProblem) {
        do { try PrivateFolder.make(path) } catch { throw HistoryProblem(.unwritable, path, error.description) }
    }

    /// Begins a segment.
    init(making path: String, _ header: SegmentHeader, space: HistorySpace?) throws(HistoryProblem) {
        (self.path, self.header, self.space) = (path, header, space)
        hold = space?.hold(path)
        let bytes = try header.encoded(path: path)
        main = Foundation.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard main >= 0 else { throw Self.problem(path) }
        (mainEnd, sequence) = (0, 0)
        (block, young) = (BlockBuilder(padded: header.padded), BlockBuilder(padded: header.padded))
        do throws(HistoryProblem) { mainEnd = try write(bytes, to: main, at: 0) } catch {
            // `deinit` closes it.
            unlink(path)
            throw error
        }
    }

    /// Continues a segment after its last complete block.
    private init(goingOn reader: SegmentReader, space: HistorySpace?) throws(HistoryProblem) {
        (path, header, self.space) = (reader.path, reader.header, space)
        hold = space?.hold(reader.path)
        main = Foundation.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard main >= 0 else { throw Self.problem(path) }
        (mainEnd, sequence) = reader.end()
        (block, young) = (BlockBuilder(padded: header.padded), BlockBuilder(padded: header.padded))
        // What cannot be read now may be whole: it is not cut off.
        guard !reader.hasFailed else { throw HistoryProblem(.unreadable, path, "reading failed") }
        ftruncate(main, off_t(mainEnd))
        // Where there is no room for it, the tail's entries are lost as those are that come.
        if (try? takeTail()) != nil { unlink(path + ".tail") }
    }

    /// Makes blocks of the tail's entries that are not in the segment.
    private func takeTail() throws(HistoryProblem) {
        guard let bytes = TailBytes(of: path), let tail = try? SegmentReader(bytes, readsLow: true),
            tail.header.continues(header)
        else { return }
        // `sequence` grows while blocks are written: the tail goes on behind the segment as it was found.
        let end = UInt64(sequence)
        while let found = tail.next() {
            for (entry, row) in found.entries() where found.header.sequence >= end {
                block.append(entry, row, repeats: !entry.flags.contains(.row))
                if block.isFull { try writeBlock() }
            }
        }
        if !block.isEmpty { try writeBlock() }
        guard fsync(main) == 0 else { throw Self.problem(path) }
    }

    deinit {
        close(main)
        if tail >= 0 { close(tail) }
    }

    /// Adds the next entry; `row` is its own row, or the one that it repeats.
    func append(_ entry: HistoryEntry, _ row: PackedRow?, repeats: Bool) throws(HistoryProblem) {
        block.append(entry, row, repeats: repeats)
        young.append(entry, row, repeats: repeats)
        if block.isFull { try writeBlock() }
    }

    /// Writes all entries to the disk.
    func flush() throws(HistoryProblem) {
        guard !young.isEmpty else { return }
        if tail < 0 {
            let place = path + ".tail"
            tail = Foundation.open(place, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard tail >= 0 else { throw Self.problem(place) }
            tailEnd = try write(header.encoded(path: place), to: tail, at: 0)
        }
        let first = sequence + block.count - young.count
        let size = try write(young.encoded(sequence: first), to: tail, at: tailEnd)
        // What is not on the disk is written again at the next flush.
        guard fdatasync(tail) == 0 else { throw Self.problem(path) }
        tailEnd += size
        young.removeAll()
    }

    /// Writes the last block, seals the segment and deletes the tail.
    ///
    /// A sealed segment is not writable: it never changes, and can only be deleted, or replaced by another file.
    func finish() throws(HistoryProblem) {
        if !block.isEmpty { try writeBlock() }
        guard fsync(main) == 0 else { throw Self.problem(path) }
        if mainEnd == SegmentHeader.size { unlink(path) }
        // Written in small parts, it is in small pages; what is read again of it comes in large ones (ADR 42).
        posix_fadvise(main, 0, 0, POSIX_FADV_DONTNEED)
        fchmod(main, 0o400)
        unlink(path + ".tail")
    }

    private func writeBlock() throws(HistoryProblem) {
        let count = block.count
        do throws(HistoryProblem) {
            mainEnd += try write(block.encoded(sequence: sequence), to: main, at: mainEnd)
        } catch {
            // Memory is bounded: what the disk does not take is gone.
            lost += count
            sequence += count
            block.removeAll()
            young.removeAll()
            throw error
        }
        sequence += count
        block.removeAll()
        young.removeAll()
        if tail >= 0 {
            guard fdatasync(main) == 0 else { throw Self.problem(path) }
            ftruncate(tail, off_t(SegmentHeader.size))
            tailEnd = SegmentHeader.size
        }
    }

    /// Writes all bytes or none; returns the number written.
    private func write(_ bytes: [UInt8], to file: Int32, at place: Int) throws(HistoryProblem) -> Int {
        guard space?.take(bytes.count) ?? true else { throw Self.full(path) }
        let code = FileBytes.write(bytes, to: file, at: place)
        guard code == 0 else { throw Self.problem(path, code) }
        return bytes.count
    }

    private static func problem(_ path: String, _ code: Int32 = errno) -> HistoryProblem {
        HistoryProblem(.unwritable, path, "it cannot be written: \(String(cString: strerror(code)))")
    }

    private static func full(_ path: String) -> HistoryProblem {
        HistoryProblem(.unwritable, path, "the history has reached its bound, and nothing older can go")
    }
}

extension SegmentReader.Block {
    /// The block's entries with their rows; a repeat comes with the row that it repeats.
    ///
    /// It needs the low plane.
    func entries() -> [(entry: HistoryEntry, row: PackedRow?)] {
        var place = -1
        return (0..<header.entries).map { index in
            let entry = entry(index)
            if entry.flags.contains(.row) { place += 1 }
            return (entry, entry.flags.contains(.blind) || place < 0 ? nil : row(place))
        }
    }

    /// A row of the block, by its number.
    ///
    /// It needs the low plane.
    func row(_ place: Int) -> PackedRow {
        let start = place * header.padded
        var row = PackedRow(padded: 0)
        row.high = Array(UnsafeBufferPointer(start: high + start, count: header.padded))
        row.low = Array(UnsafeBufferPointer(start: low + start, count: header.padded))
        (row.scale, row.length) = (scales[place], lengths[place])
        return row
    }
}
