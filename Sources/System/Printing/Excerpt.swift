extension StringProtocol {
    /// Returns the text, or its first `most` bytes with "…": for quoting a text that may be long.
    ///
    /// The cost is that of the kept part, even if one character has megabytes of combining marks.
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
