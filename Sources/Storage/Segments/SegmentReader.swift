import CKernels
import Foundation

/// Reads the blocks of one segment (a history file), or of a `.tail` file (its incomplete last block), in order.
///
/// Blocks are read by pread(2) into one buffer, those of a tail from memory. When a finished (sealed) segment is
/// searched, its embeddings are mapped into memory instead (ADR 42). A block with a wrong checksum is skipped and
/// noted, and reading continues at the next valid one. An incomplete block at the end of an unsealed segment is
/// ignored: it is being written, or its writer was killed. The class is not Sendable.
package final class SegmentReader {
    /// A block of the file, valid until the next one is read.
    package struct Block {
        package let header: BlockHeader
        /// The block's offset in the file in bytes.
        package let offset: Int
        package let bytes: UnsafeRawPointer
        /// The high plane: the upper bytes of the block's embeddings.
        ///
        /// In a search it may be mapped from the file; then only `ww_history_mapped_dots` may read it.
        package let high: UnsafePointer<Int8>

        package func entry(_ place: Int) -> HistoryEntry {
            HistoryEntry(
                media: media[place], wall: wall[place], value: values[place], flags: flags(place))
        }
        package var media: UnsafePointer<Double> { at(header.media) }
        package var wall: UnsafePointer<Double> { at(header.wall) }
        package var values: UnsafePointer<Float> { at(header.values) }
        package var scales: UnsafePointer<Float> { at(header.scales) }
        package var lengths: UnsafePointer<Float> { at(header.lengths) }
        /// The low plane: the lower bytes of the block's embeddings.
        ///
        /// It is valid only if the reader was opened with `readsLow`.
        package var low: UnsafePointer<Int8> { at(header.low) }
        package func flags(_ place: Int) -> EntryFlags {
            EntryFlags(rawValue: bytes.load(fromByteOffset: header.flags + place, as: UInt8.self))
        }
        private func at<T>(_ place: Int) -> UnsafePointer<T> { (bytes + place).assumingMemoryBound(to: T.self) }
    }

    package let path: String
    package let header: SegmentHeader
    /// True if the history file is finished and read-only, so that it never changes again.
    package let isSealed: Bool
    /// The inode number of the file, by which a file that has replaced it is recognised; 0 for a `.tail` file.
    package let inode: UInt64
    /// The parts of the file that were left out so far.
    package private(set) var skips = HistorySkips()
    /// True if reading has failed, so that the file may have more than was read.
    package var hasFailed: Bool { source.hasFailed }
    /// The number of bytes read so far.
    package private(set) var bytesRead = 0

    /// The descriptor of the file; -1 for a `.tail` file.
    private let descriptor: Int32
    private let source: any SegmentBytes
    /// Maps the embeddings of a finished history file into memory during a search; nil otherwise.
    private let mapped: MappedRows?
    private let padded: Int
    private var offset = SegmentHeader.size
    /// The expected size of the next block in bytes, which is that of the previous one.
    private var expected = BlockHeader.size
    private let readsLow: Bool
    private let checksRows: Bool
    /// The size of the file in bytes when it was opened; it may have grown.
    private let size: Int

    /// Opens a history file; throws if its header is damaged, with kind `gone` if there is no such file.
    ///
    /// `readsLow` reads the low planes (the lower bytes of the embeddings) as well. `checksRows` checks the high
    /// planes' checksums; a caller that passes false computes them with other work, and calls `refuse` for a wrong one.
    /// `mapsRows`, in addition, maps the embeddings of a finished file into memory instead of copying them.
    package init(
        _ path: String, readsLow: Bool = false, checksRows: Bool = true, mapsRows: Bool = false
    ) throws(HistoryProblem) {
        self.path = path
        (self.readsLow, self.checksRows) = (readsLow, checksRows)
        // Links and pipes are refused.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            throw HistoryProblem(
                code == ENOENT ? .gone : .unreadable, path, "it cannot be opened: \(String(cString: strerror(code)))")
        }
        self.descriptor = descriptor
        var status = stat()
        var bytes = [UInt8](repeating: 0, count: SegmentHeader.size)
        let count = bytes.withUnsafeMutableBytes { FileBytes.read(descriptor, $0, at: 0).count }
        do throws(HistoryProblem) {
            guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, count == SegmentHeader.size
            else {
                // An empty file is a new segment, whose writer will write the header next.
                let isNew = count == 0 && status.st_mode & S_IFMT == S_IFREG && !Self.isSealed(status)
                throw HistoryProblem(isNew ? .gone : .unreadable, path, "this is no segment of a history")
            }
            header = try SegmentHeader(bytes, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        isSealed = Self.isSealed(status)
        (inode, size, padded) = (UInt64(status.st_ino), Int(status.st_size), header.padded)
        source = FileBytes(descriptor, most: Self.longest(padded, readsLow))
        // Only guarded code may read mapped embeddings, and the checksums here are not guarded.
        mapped = mapsRows && !checksRows && isSealed && !readsLow ? MappedRows(descriptor, size: size) : nil
    }

    /// Reads a copy of a `.tail` file (the incomplete last block of a history file); throws if its header is damaged.
    package init(_ tail: TailBytes, readsLow: Bool, checksRows: Bool = true) throws(HistoryProblem) {
        (path, self.readsLow, self.checksRows, descriptor, source) = (tail.path, readsLow, checksRows, -1, tail)
        header = try SegmentHeader(Array(tail.view(0, SegmentHeader.size)), path: tail.path)
        (isSealed, inode, size, padded, mapped) = (false, 0, tail.size, header.padded, nil)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Returns true if no user may write to the file, which marks a finished history file.
    private static func isSealed(_ status: stat) -> Bool { status.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH) == 0 }

    /// Returns the greatest number of bytes that are read of a block.
    private static func longest(_ padded: Int, _ readsLow: Bool) -> Int {
        BlockHeader.mostScanned(padded: padded) + (readsLow ? Int(WW_HISTORY_VECTORS) * padded : 0)
    }

    /// Returns the next valid block; nil at the end, where more may follow later if the file is not finished.
    package func next() -> Block? {
        while true {
            switch load(offset) {
            case .end(let cut):
                guard isSealed else { return nil }
                if cut > 0 { note(.cut, "\(cut) bytes at its end are no whole block") }
                offset += cut
                return nil
            case .block(let block):
                offset += block.header.size
                return block
            case .damaged(let size):
                refuse(offset)
                offset += size
            case .noBlock:
                let next = blockAfter(offset)
                if let next { note(.damaged, "the \(next - offset) bytes from byte \(offset) on are no block") }
                guard let next else {
                    guard isSealed else { return nil }
                    note(.cut, "what follows byte \(offset) is no whole block")
                    offset = source.size
                    return nil
                }
                offset = next
            }
        }
    }

    /// Records that the block at an offset of the file is damaged.
    package func refuse(_ place: Int) { note(.damaged, "the block at byte \(place) is damaged") }

    /// Returns the block at an offset at which one was found before; nil if it is no longer valid.
    package func block(at place: Int) -> Block? {
        if case .block(let block) = load(place) { return block }
        return nil
    }

    /// Reads the rest of the file; returns the end of its last complete block, and the next frame's or clip's number.
    package func end() -> (offset: Int, sequence: Int) {
        var end = (offset: SegmentHeader.size, sequence: 0)
        while let block = next() {
            end = (block.offset + block.header.size, Int(block.header.sequence) + block.header.entries)
        }
        return end
    }

    private enum Loaded {
        case block(Block)
        /// A block with a wrong checksum; `size` is its size in bytes.
        case damaged(size: Int)
        /// Bytes that are not the header of a block.
        case noBlock
        /// The end of the file; `cut` is the number of bytes of an incomplete block before it.
        case end(cut: Int)
    }

    private func load(_ place: Int) -> Loaded {
        var have = source.view(place, expected)
        guard have.count >= BlockHeader.size else { return .end(cut: have.count) }
        guard let found = BlockHeader(have, padded: padded) else { return .noBlock }
        guard place + found.size <= size || place + found.size <= source.size else {
            return .end(cut: max(have.count, source.size - place))
        }
        let rows = mapped?.view(place + found.high, found.low - found.high)
        let wanted = readsLow ? found.size : rows == nil ? found.low : found.high
        if have.count < wanted { have = source.view(place, wanted) }
        expected = wanted
        bytesRead += readsLow ? found.size : found.low
        guard have.count >= wanted, let base = have.baseAddress else { return .end(cut: have.count) }
        guard found.holds(base),
            !checksRows || ww_history_sum(base + found.high, found.low - found.high) == found.sums.high,
            !readsLow || ww_history_sum(base + found.low, found.size - found.low) == found.sums.low
        else { return .damaged(size: found.size) }
        let high = (rows ?? base + found.high).assumingMemoryBound(to: Int8.self)
        return .block(Block(header: found, offset: place, bytes: base, high: high))
    }

    /// Returns the offset of the next block's header after a damaged place; nil if there is none.
    private func blockAfter(_ place: Int) -> Int? {
        var at = place + BlockHeader.size
        while true {
            let bytes = source.view(at, 1 << 16)
            guard bytes.count >= BlockHeader.size else { return nil }
            let header = stride(from: 0, through: bytes.count - BlockHeader.size, by: BlockHeader.size).first { start in
                BlockHeader(UnsafeRawBufferPointer(rebasing: bytes[start...]), padded: padded) != nil
            }
            if let header { return at + header }
            at += bytes.count / BlockHeader.size * BlockHeader.size
        }
    }

    private func note(_ kind: HistoryProblem.Kind, _ reason: String) { skips.note(HistoryProblem(kind, path, reason)) }
}
