import CKernels

/// The flags of a recorded frame or clip, as stored in a history file.
package struct EntryFlags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A frame is missing before this one, so no window of frames spans both.
    package static let discontinuity = EntryFlags(rawValue: 1)
    /// The picture was unchanged: the frame repeats the previous frame's embedding.
    package static let gated = EntryFlags(rawValue: 2)
    /// The picture shows nothing: the frame has no embedding, and no window of frames spans it.
    package static let blind = EntryFlags(rawValue: 4)
    /// The frame is a copy from the end of the previous file, so that windows of frames span both files.
    package static let carried = EntryFlags(rawValue: 8)
    /// The block has a stored embedding for this frame or clip itself.
    ///
    /// A frame that repeats the previous embedding has none of its own, unless it would be the first in its block.
    package static let row = EntryFlags(rawValue: 16)

    // These are asked for millions of entries, and `OptionSet.contains` is not specialised for callers in other
    // modules.
    @inlinable package var isDiscontinuity: Bool { rawValue & 1 != 0 }
    @inlinable package var isBlind: Bool { rawValue & 4 != 0 }
    @inlinable package var isCarried: Bool { rawValue & 8 != 0 }
    @inlinable package var hasRow: Bool { rawValue & 16 != 0 }
}

/// The header of a block of a history file, its first `size` bytes: numbers of entries and rows, and checksums.
///
/// An entry is a frame or clip, a row is an embedding. A block has a header, entries, and the high and the low plane
/// (the upper and the lower bytes) of its rows. Layout of the entries: media and wall times (float64, seconds), values
/// (float32), flags (a byte each), then scales and lengths of rows (float32). Each part is padded to 8 bytes, the whole
/// to 64.
package struct BlockHeader: Equatable {
    package static let size = 64
    static let magic: UInt64 = 0x0A4B_4C42_5457_5749

    /// The number of the block's first frame or clip within the file.
    package var sequence: UInt64
    package var entries: Int
    package var rows: Int
    /// The number of bytes of a row (an embedding) in each of the two planes.
    let padded: Int
    package var sums: (meta: UInt64, high: UInt64, low: UInt64) = (0, 0, 0)

    init(sequence: UInt64, entries: Int, rows: Int, padded: Int) {
        (self.sequence, self.entries, self.rows, self.padded) = (sequence, entries, rows, padded)
    }

    package static func == (a: BlockHeader, b: BlockHeader) -> Bool {
        (a.sequence, a.entries, a.rows, a.padded) == (b.sequence, b.entries, b.rows, b.padded) && a.sums == b.sums
    }

    package static func rounded(_ count: Int, _ to: Int) -> Int { (count + to - 1) / to * to }

    /// The offset of the media times within the block in bytes; the next properties are the offsets of the other parts.
    var media: Int { Self.size }
    var wall: Int { media + 8 * entries }
    var values: Int { wall + 8 * entries }
    package var flags: Int { values + Self.rounded(4 * entries, 8) }
    var scales: Int { flags + Self.rounded(entries, 8) }
    var lengths: Int { scales + Self.rounded(4 * rows, 8) }
    package var high: Int { Self.rounded(lengths + 4 * rows, Self.size) }
    package var low: Int { high + rows * padded }
    /// The size of the whole block in bytes.
    package var size: Int { low + rows * padded }

    /// Returns the greatest number of bytes of a block before its low plane (the lower bytes of the embeddings).
    static func mostScanned(padded: Int) -> Int {
        BlockHeader(
            sequence: 0, entries: Int(WW_HISTORY_ENTRIES), rows: Int(WW_HISTORY_VECTORS), padded: padded
        ).low
    }

    /// Parses the header of a block; nil if the bytes are not one, or its rows (embeddings) do not have `padded` bytes.
    init?(_ bytes: UnsafeRawBufferPointer, padded: Int) {
        guard bytes.count >= Self.size, bytes.number(0) == Self.magic,
            bytes.number(56) == ww_history_sum(bytes.baseAddress, 56)
        else { return nil }
        self.init(unchecked: bytes)
        guard self.padded == padded else { return nil }
    }

    /// Parses the header of a block without checking its checksum.
    init?(unchecked bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.size, bytes.number(0) == Self.magic else { return nil }
        let counts = bytes.number(16)
        self.init(
            sequence: bytes.number(8), entries: Int(counts & 0xFFFF_FFFF), rows: Int(counts >> 32),
            padded: Int(clamping: bytes.number(24)))
        sums = (bytes.number(32), bytes.number(40), bytes.number(48))
        guard 64...SegmentHeader.widest ~= padded, padded % 64 == 0, 1...Int(WW_HISTORY_ENTRIES) ~= entries,
            0...Int(WW_HISTORY_VECTORS) ~= rows, rows <= entries, sequence < 1 << 31
        else { return nil }
    }

    /// Writes the header to the first bytes of `block`, with the checksums of what follows.
    static func seal(_ block: UnsafeMutableRawBufferPointer, _ header: BlockHeader) {
        guard let base = block.baseAddress, block.count == header.size else { return }
        func put(_ value: UInt64, _ at: Int) {
            base.storeBytes(of: value.littleEndian, toByteOffset: at, as: UInt64.self)
        }
        put(magic, 0)
        put(header.sequence, 8)
        put(UInt64(header.entries) | UInt64(header.rows) << 32, 16)
        put(UInt64(header.padded), 24)
        put(ww_history_sum(base + size, header.high - size), 32)
        put(ww_history_sum(base + header.high, header.low - header.high), 40)
        put(ww_history_sum(base + header.low, header.size - header.low), 48)
        put(ww_history_sum(base, 56), 56)
    }

    /// Returns true if the block's checksum is right and its frames or clips are valid.
    ///
    /// Their numbers must be finite, and the block must have as many rows (embeddings) as their flags say.
    func holds(_ block: UnsafeRawPointer) -> Bool {
        guard ww_history_sum(block + Self.size, high - Self.size) == sums.meta else { return false }
        func part<T>(_ place: Int) -> UnsafePointer<T> { (block + place).assumingMemoryBound(to: T.self) }
        return ww_history_holds(
            part(media), part(wall), part(values), part(flags), entries, part(scales), part(lengths), rows) == 1
    }
}

extension UnsafeRawBufferPointer {
    /// Returns the little-endian 64-bit number at a byte offset.
    package func number(_ at: Int) -> UInt64 {
        UInt64(littleEndian: loadUnaligned(fromByteOffset: at, as: UInt64.self))
    }
}

/// Makes checksums of history files valid, for tests that build damaged ones on purpose.
package enum SegmentSeal {
    /// Returns a history file with valid checksums, made of a header's first bytes and of blocks.
    ///
    /// Bytes that are no block are kept.
    package static func sealed(header: [UInt8], blocks: [UInt8]) -> [UInt8] {
        var bytes = Array(header.prefix(SegmentHeader.size - 8))
        bytes += [UInt8](repeating: 0, count: SegmentHeader.size - 8 - bytes.count)
        bytes.put(ww_history_sum(bytes, bytes.count))
        bytes += blocks
        bytes.withUnsafeMutableBytes { bytes in
            var at = SegmentHeader.size
            while at + BlockHeader.size <= bytes.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[at...])
                let header = BlockHeader(unchecked: UnsafeRawBufferPointer(rest))
                if let header, header.size <= rest.count {
                    BlockHeader.seal(UnsafeMutableRawBufferPointer(rebasing: rest[..<header.size]), header)
                    at += header.size
                } else {
                    at += BlockHeader.size
                }
            }
        }
        return bytes
    }
}
