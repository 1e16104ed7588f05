import CKernels

/// A row: an embedding as a history file stores it.
///
/// The embedding is scaled to length 1 and rotated, and its numbers are rounded to 16 bits. `high` has the upper bytes
/// of the numbers, `low` the lower bytes; `length` is the embedding's original length.
package struct PackedRow: Equatable {
    package var high: [Int8]
    package var low: [Int8]
    package var scale: Float = 0
    package var length: Float = 0

    init(padded: Int) {
        high = [Int8](repeating: 0, count: padded)
        low = high
    }

    /// Converts an embedding to the stored form; nil if its length is 0 or a number is not finite.
    package init?(_ embedding: [Float]) {
        let padded = ww_score_padded(embedding.count)
        self.init(padded: padded)
        var work = [Double](repeating: 0, count: padded)
        guard ww_history_pack(&high, &low, &scale, &length, embedding, embedding.count, &work) == 1 else { return nil }
    }

    /// Returns the embedding of `width` numbers with its original length.
    package func embedding(width: Int) -> [Float] {
        var work = [Double](repeating: 0, count: high.count)
        return [Float](unsafeUninitializedCapacity: width) { out, count in
            ww_history_unpack(out.baseAddress, high, low, scale, length, width, &work)
            count = width
        }
    }
}

/// The record of one frame or clip in a history file, apart from its embedding.
package struct HistoryEntry: Sendable, Equatable {
    /// The media time in seconds of the frame, or of the clip's last frame.
    package var media: Double
    /// The wall time in seconds since 1970; 0 for films, which have none.
    package var wall: Double
    /// For a frame, 1 / the norm of the sum of the unit embeddings of the window of frames that it ends.
    ///
    /// It is 0 if the frame ends no complete window. For a clip, it is the clip's duration in seconds.
    package var value: Float
    package var flags: EntryFlags

    package init(media: Double, wall: Double, value: Float, flags: EntryFlags) {
        (self.media, self.wall, self.value, self.flags) = (media, wall, value, flags)
    }
}

/// Collects entries (records of frames or clips) and their embeddings for the next block of a history file.
package struct BlockBuilder {
    let padded: Int
    private(set) var entries: [HistoryEntry] = []
    private var high: [Int8] = []
    private var low: [Int8] = []
    private var scales: [Float] = []
    private var lengths: [Float] = []

    package init(padded: Int) { self.padded = padded }

    package var isEmpty: Bool { entries.isEmpty }
    package var count: Int { entries.count }
    var rows: Int { scales.count }
    package var isFull: Bool { entries.count == Int(WW_HISTORY_ENTRIES) || rows == Int(WW_HISTORY_VECTORS) }

    /// Appends a frame or clip with its row (its embedding in stored form; nil if it has none).
    ///
    /// If `repeats`, the row is the same as the previous entry's, and is stored only if this block has no row yet.
    package mutating func append(_ entry: HistoryEntry, _ row: PackedRow?, repeats: Bool) {
        var entry = entry
        entry.flags.remove(.row)
        if let row, !(repeats && rows > 0) {
            entry.flags.insert(.row)
            high += row.high
            low += row.low
            scales.append(row.scale)
            lengths.append(row.length)
        }
        entries.append(entry)
    }

    package mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        high.removeAll(keepingCapacity: true)
        low.removeAll(keepingCapacity: true)
        scales.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
    }

    /// Encodes the block; `sequence` is the number of its first frame or clip within the file.
    package func encoded(sequence: Int) -> [UInt8] {
        let header = BlockHeader(
            sequence: UInt64(sequence), entries: entries.count, rows: rows, padded: padded)
        var bytes = [UInt8](repeating: 0, count: header.size)
        bytes.withUnsafeMutableBytes { block in
            for (place, entry) in entries.enumerated() {
                block.storeBytes(of: entry.media, toByteOffset: header.media + 8 * place, as: Double.self)
                block.storeBytes(of: entry.wall, toByteOffset: header.wall + 8 * place, as: Double.self)
                block.storeBytes(of: entry.value, toByteOffset: header.values + 4 * place, as: Float.self)
                block[header.flags + place] = entry.flags.rawValue
            }
            for row in scales.indices {
                block.storeBytes(of: scales[row], toByteOffset: header.scales + 4 * row, as: Float.self)
                block.storeBytes(of: lengths[row], toByteOffset: header.lengths + 4 * row, as: Float.self)
            }
            high.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: block[header.high...]).copyMemory(from: $0) }
            low.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: block[header.low...]).copyMemory(from: $0) }
            BlockHeader.seal(block, header)
        }
        return bytes
    }
}
