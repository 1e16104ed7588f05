import CPlatform

/// Counts the columns that a text occupies on a terminal: a Chinese character takes two, a combining mark none.
package enum DisplayWidth {
    package static func of(_ text: some StringProtocol) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.reduce(0) { $0 + width($1) }
    }

    /// Returns the longest beginning of `text` that fits into this many columns; at least one character.
    static func prefix(_ text: Substring, fitting columns: Int) -> Substring {
        var taken = 0
        var end = text.startIndex
        while end < text.endIndex {
            taken += width(text[end])
            if taken > columns, end > text.startIndex { break }
            end = text.index(after: end)
        }
        return text[..<end]
    }

    private static func width(_ character: Character) -> Int {
        let scalars = character.unicodeScalars
        let isPicture =
            scalars.count > 1 && scalars.first?.properties.isEmoji == true
            && scalars.contains { $0 == "\u{FE0F}" || $0.properties.isEmojiModifier || (0x1F1E6...0x1F1FF) ~= $0.value }
        if isPicture { return 2 }
        return scalars.map { Int(ww_columns($0.value)) }.max() ?? 0
    }
}
