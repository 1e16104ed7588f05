extension SegmentReader.Block {
    /// Returns the block's frames or clips with their rows (embeddings in stored form).
    ///
    /// One whose picture is unchanged has the row that it repeats. The block must have been read with its low plane
    /// (the lower bytes of the embeddings).
    package func entries() -> [(entry: HistoryEntry, row: PackedRow?)] {
        var place = -1
        return (0..<header.entries).map { index in
            let entry = entry(index)
            if entry.flags.hasRow { place += 1 }
            return (entry, entry.flags.isBlind || place < 0 ? nil : row(place))
        }
    }

    /// Returns a row (stored embedding) of the block by its index.
    ///
    /// The block must have been read with its low plane (the lower bytes of the embeddings).
    package func row(_ place: Int) -> PackedRow {
        let start = place * header.padded
        var row = PackedRow(padded: 0)
        row.high = Array(UnsafeBufferPointer(start: high + start, count: header.padded))
        row.low = Array(UnsafeBufferPointer(start: low + start, count: header.padded))
        (row.scale, row.length) = (scales[place], lengths[place])
        return row
    }
}
