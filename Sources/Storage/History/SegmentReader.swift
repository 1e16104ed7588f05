import CKernels
import Foundation

/// Reads a segment's blocks in order, by positioned reads into one buffer, which it owns and never grows.
///
/// A block whose checksum does not hold is skipped and noted, and reading goes on at the next that holds. Not Sendable.
package final class SegmentReader {
    /// A block in the reader's buffer: valid until the next is read.
    struct Block {
        let header: BlockHeader
        /// Place in the file.
        let offset: Int
        let bytes: UnsafeRawPointer

        func entry(_ place: Int) -> HistoryEntry {
            HistoryEntry(
                media: media[place], wall: wall[place], value: values[place], flags: flags(place))
        }
        var media: UnsafePointer<Double> { at(header.media) }
        var wall: UnsafePointer<Double> { at(header.wall) }
        var values: UnsafePointer<Float> { at(header.values) }
        var scales: UnsafePointer<Float> { at(header.scales) }
        var lengths: UnsafePointer<Float> { at(header.lengths) }
        var high: UnsafePointer<Int8> { at(header.high) }
        /// The rest of the rows: only where it was read too.
        var low: UnsafePointer<Int8> { at(header.low) }
        func flags(_ place: Int) -> EntryFlags {
            EntryFlags(rawValue: bytes.load(fromByteOffset: header.flags + place, as: UInt8.self))
        }
        private func at<T>(_ place: Int) -> UnsafePointer<T> { (bytes + place).assumingMemoryBound(to: T.self) }
    }

    package let path: String
    package let header: SegmentHeader
    /// Parts that were left out so far.
    package private(set) var skips = HistorySkips()
    /// Whether reading failed, so that more may be there than was read.
    private(set) var hasFailed = false
    /// Bytes that were read so far.
    package private(set) var bytesRead = 0

    private let descriptor: Int32
    private let padded: Int
    private let buffer: UnsafeMutableRawBufferPointer
    private var offset = SegmentHeader.size
    /// Bytes that a block is expected to need: as many as the one before.
    private var expected = BlockHeader.size
    private let readsLow: Bool
    /// Of the file when it was opened; it may have grown.
    private let size: Int

    /// Opens a segment; throws where its header does not hold.
    ///
    /// `readsLow`: blocks come with their low planes.
    package init(_ path: String, readsLow: Bool = false) throws(HistoryProblem) {
        self.path = path
        self.readsLow = readsLow
        // Neither a link nor a pipe belongs into a history.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw HistoryProblem(.unreadable, path, "it cannot be opened: \(String(cString: strerror(errno)))")
        }
        self.descriptor = descriptor
        var status = stat()
        var bytes = [UInt8](repeating: 0, count: SegmentHeader.size)
        let count = bytes.withUnsafeMutableBytes { Self.read(descriptor, $0, at: 0).count }
        do throws(HistoryProblem) {
            guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, count == SegmentHeader.size
            else {
                throw HistoryProblem(.unreadable, path, "this is no segment of a history")
            }
            header = try SegmentHeader(bytes, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        padded = header.padded
        size = Int(status.st_size)
        let scanned = BlockHeader.mostScanned(padded: padded)
        buffer = .allocate(
            byteCount: readsLow ? scanned + Int(WW_HISTORY_VECTORS) * padded : scanned, alignment: 64)
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    /// The next block that holds; nil at the end.
    func next() -> Block? {
        while true {
            switch load(offset) {
            case .end(let cut):
                if cut > 0 { note(.cut, "\(cut) bytes at its end are no whole block") }
                offset += cut
                return nil
            case .block(let block):
                offset += block.header.size
                return block
            case .damaged(let size):
                note(.damaged, "the block at byte \(offset) is damaged")
                offset += size
            case .noBlock:
                let next = blockAfter(offset)
                if let next { note(.damaged, "the \(next - offset) bytes from byte \(offset) on are no block") }
                guard let next else {
                    note(.cut, "what follows byte \(offset) is no whole block")
                    return nil
                }
                offset = next
            }
        }
    }

    /// The block at a place where one was found before; nil where it does not hold any more.
    func block(at place: Int) -> Block? {
        if case .block(let block) = load(place) { return block }
        return nil
    }

    /// Where the last whole block ends, and the number of the entry that follows it: reads everything.
    func end() -> (offset: Int, sequence: Int) {
        var end = (offset: SegmentHeader.size, sequence: 0)
        while let block = next() {
            end = (block.offset + block.header.size, Int(block.header.sequence) + block.header.entries)
        }
        return end
    }

    private enum Loaded {
        case block(Block)
        /// A block of such a size, whose content does not hold.
        case damaged(size: Int)
        /// No block's header.
        case noBlock
        /// Fewer bytes than a block has.
        case end(cut: Int)
    }

    private func load(_ place: Int) -> Loaded {
        var have = read(at: place, from: 0, count: min(expected, buffer.count))
        guard have >= BlockHeader.size else { return .end(cut: have) }
        guard let found = BlockHeader(UnsafeRawBufferPointer(buffer), padded: padded), let base = buffer.baseAddress
        else { return .noBlock }
        guard place + found.size <= size || place + found.size <= Self.size(descriptor) else {
            return .end(cut: max(have, size - place))
        }
        let wanted = readsLow ? found.size : found.low
        if have < wanted {
            let more = read(at: place, from: have, count: wanted - have)
            have += more
        }
        expected = wanted
        guard have >= wanted else { return .end(cut: have) }
        guard found.holds(base), ww_history_sum(base + found.high, found.low - found.high) == found.sums.high,
            !readsLow || ww_history_sum(base + found.low, found.size - found.low) == found.sums.low
        else { return .damaged(size: found.size) }
        return .block(Block(header: found, offset: place, bytes: UnsafeRawPointer(base)))
    }

    private func read(at place: Int, from: Int, count: Int) -> Int {
        let found = Self.read(
            descriptor, UnsafeMutableRawBufferPointer(rebasing: buffer[from..<from + count]), at: place + from)
        hasFailed = hasFailed || found.hasFailed
        bytesRead += found.count
        return found.count
    }

    /// The next place with a block's header; nil where there is none.
    private func blockAfter(_ place: Int) -> Int? {
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        var at = place + BlockHeader.size
        while true {
            let found = piece.withUnsafeMutableBytes { Self.read(descriptor, $0, at: at) }
            hasFailed = hasFailed || found.hasFailed
            let have = found.count
            guard have >= BlockHeader.size else { return nil }
            let header = piece.withUnsafeBytes { bytes in
                stride(from: 0, through: have - BlockHeader.size, by: BlockHeader.size).first { start in
                    BlockHeader(UnsafeRawBufferPointer(rebasing: bytes[start..<have]), padded: padded) != nil
                }
            }
            if let header { return at + header }
            at += have / BlockHeader.size * BlockHeader.size
        }
    }

    private func note(_ kind: HistoryProblem.Kind, _ reason: String) { skips.note(HistoryProblem(kind, path, reason)) }

    private static func size(_ descriptor: Int32) -> Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Reads until the buffer is full, the file ends or reading fails; returns how many bytes were read.
    private static func read(
        _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, at place: Int
    ) -> (count: Int, hasFailed: Bool) {
        var have = 0
        while have < buffer.count, let base = buffer.baseAddress {
            let count = pread(descriptor, base + have, buffer.count - have, off_t(place + have))
            if count < 0, errno == EINTR { continue }
            if count < 0 { return (have, true) }
            if count == 0 { break }
            have += count
        }
        return (have, false)
    }
}
