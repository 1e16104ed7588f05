import Foundation
import Segments
import SystemSupport

/// Appends entries (frames or clips with their embeddings) to one history file, a segment; belongs to one thread.
///
/// Complete blocks go to the segment. At each flush, the entries of the incomplete block go to the `.tail` file beside
/// it, in small blocks; once the block is complete and on the disk, the tail is emptied. So a crash loses only what was
/// not flushed, and nothing is overwritten.
final class SegmentAppender {
    let header: SegmentHeader
    let path: String
    /// The size limit of the history; nil if there is none.
    private let space: HistorySpace?
    private let hold: HistorySpace.Hold?
    private let main: Int32
    private var tail: Int32 = -1
    private var mainEnd: Int
    private var tailEnd = SegmentHeader.size
    /// The number of the next block's first frame or clip within the history file.
    private var sequence: Int
    /// The frames or clips of the next block, which is not complete yet.
    ///
    /// `young` has the ones that were never written to the `.tail` file, which keeps an incomplete block on the disk.
    private var block: BlockBuilder
    private var young: BlockBuilder
    /// The number of frames or clips that were lost because they could not be written.
    private(set) var lost = 0

    /// Opens the day's newest history file to continue it, or begins another.
    ///
    /// A file is continued if it is not finished (read-only) and its header has the same model, head and window length.
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

    /// Creates a new history file at `path` and writes its header.
    init(making path: String, _ header: SegmentHeader, space: HistorySpace?) throws(HistoryProblem) {
        (self.path, self.header, self.space) = (path, header, space)
        hold = space?.hold(path)
        let bytes = try header.encoded(path: path)
        main = Foundation.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard main >= 0 else { throw Self.problem(path) }
        (mainEnd, sequence) = (0, 0)
        (block, young) = (BlockBuilder(padded: header.padded), BlockBuilder(padded: header.padded))
        do throws(HistoryProblem) { mainEnd = try write(bytes, to: main, at: 0) } catch {
            // `deinit` closes the descriptor.
            unlink(path)
            throw error
        }
    }

    /// Continues an existing history file after its last complete block.
    ///
    /// Its `.tail` file, which has an incomplete block, is copied into it.
    private init(goingOn reader: SegmentReader, space: HistorySpace?) throws(HistoryProblem) {
        (path, header, self.space) = (reader.path, reader.header, space)
        hold = space?.hold(reader.path)
        main = Foundation.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard main >= 0 else { throw Self.problem(path) }
        (mainEnd, sequence) = reader.end()
        (block, young) = (BlockBuilder(padded: header.padded), BlockBuilder(padded: header.padded))
        // If reading failed, the unread part may be valid, so it must not be cut off.
        guard !reader.hasFailed else { throw HistoryProblem(.unreadable, path, "reading failed") }
        ftruncate(main, off_t(mainEnd))
        // If there is no space for the tail's entries, they are lost, like new entries.
        if (try? takeTail()) != nil { unlink(path + ".tail") }
    }

    /// Copies the `.tail` file, which has an incomplete block, into the history file.
    ///
    /// Frames or clips that the history file already has are left out.
    private func takeTail() throws(HistoryProblem) {
        guard let bytes = TailBytes(of: path), let tail = try? SegmentReader(bytes, readsLow: true),
            tail.header.continues(header)
        else { return }
        // `sequence` grows while blocks are written, but the tail continues the segment as it was before.
        let end = UInt64(sequence)
        while let found = tail.next() {
            for (entry, row) in found.entries() where found.header.sequence >= end {
                block.append(entry, row, repeats: !entry.flags.hasRow)
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

    /// Adds the next frame or clip; `row` is its own embedding, or the one that it repeats (`repeats`).
    func append(_ entry: HistoryEntry, _ row: PackedRow?, repeats: Bool) throws(HistoryProblem) {
        block.append(entry, row, repeats: repeats)
        young.append(entry, row, repeats: repeats)
        if block.isFull { try writeBlock() }
    }

    /// Writes all frames or clips to the disk: those of the incomplete block go to the `.tail` file.
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
        // If the sync fails, these entries are written again at the next flush.
        guard fdatasync(tail) == 0 else { throw Self.problem(path) }
        tailEnd += size
        young.removeAll()
    }

    /// Writes the last block, makes the history file read-only and deletes the `.tail` file.
    ///
    /// The finished file never changes; it can only be deleted, or replaced by another file.
    func finish() throws(HistoryProblem) {
        if !block.isEmpty { try writeBlock() }
        guard fsync(main) == 0 else { throw Self.problem(path) }
        if mainEnd == SegmentHeader.size { unlink(path) }
        // The page cache has the file in small pages, as it was written. Dropping them lets it be read again in large
        // ones (ADR 42).
        posix_fadvise(main, 0, 0, POSIX_FADV_DONTNEED)
        fchmod(main, 0o400)
        unlink(path + ".tail")
    }

    private func writeBlock() throws(HistoryProblem) {
        let count = block.count
        do throws(HistoryProblem) {
            mainEnd += try write(block.encoded(sequence: sequence), to: main, at: mainEnd)
        } catch {
            // Entries that the disk does not accept are dropped, because memory is bounded.
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

    /// Writes all bytes at a position of a file, or none if it throws; returns their number.
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
