extension StringProtocol {
    /// Returns the text, or its beginning and "…" if it has more than `most` UTF-8 bytes.
    ///
    /// The cost depends only on `most`, even if one character has megabytes of combining marks.
    package func excerpt(_ most: Int = 60) -> String {
        var (index, boundary) = (utf8.startIndex, utf8.startIndex)
        for _ in 0...most {
            guard index < utf8.endIndex else { return String(self) }
            // The text is cut only where a Unicode scalar begins.
            if utf8[index] & 0xC0 != 0x80 { boundary = index }
            index = utf8.index(after: index)
        }
        return String(self[..<boundary]) + "…"
    }
}
