extension StringProtocol {
    /// The text, or its beginning of at most `most` bytes with "…" after it: how sentences quote what may be long.
    ///
    /// Costs what is kept, whatever follows: one character may have megabytes of marks.
    package func excerpt(_ most: Int = 60) -> String {
        var (index, boundary) = (utf8.startIndex, utf8.startIndex)
        for _ in 0...most {
            guard index < utf8.endIndex else { return String(self) }
            // Only where a scalar begins is it cut.
            if utf8[index] & 0xC0 != 0x80 { boundary = index }
            index = utf8.index(after: index)
        }
        return String(self[..<boundary]) + "…"
    }
}
