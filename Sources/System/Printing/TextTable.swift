/// Lays out a table in plain text: columns are as wide as their widest cell, or narrower if the line is too short.
package enum TextTable {
    private static let gap = 2

    /// Returns the lines of the table's header and of its rows, none wider than `width` columns.
    ///
    /// Cells are escaped. A cell that is too wide is not cut, but continues on the next line; lines are broken at a
    /// space or separator if possible. `notes` has a text for each row, printed below the row in the full width; nil
    /// means none.
    package static func lines(
        _ header: [String], _ rows: [[String]], notes: [String?] = [], width: Int
    ) -> (header: [String], rows: [String]) {
        guard !header.isEmpty else { return ([], []) }
        let all = ([header] + rows).map { row in
            header.indices.map { $0 < row.count ? ControlCharacters.escaped(row[$0]) : "" }
        }
        let natural = header.indices.map { column in all.map { DisplayWidth.of($0[column]) }.max() ?? 0 }
        let words = header.indices.map { column in all.map { longestWord($0[column]) }.max() ?? 0 }
        let widths = fitted(natural, words, into: max(header.count, width - gap * (header.count - 1)))
        let shown = all.dropFirst().enumerated().flatMap { number, row in
            line(row, widths) + (number < notes.count ? note(notes[number], width) : [])
        }
        return (line(all[0], widths), shown)
    }

    private static let indent = 4

    private static func note(_ text: String?, _ width: Int) -> [String] {
        guard let text else { return [] }
        return fold(ControlCharacters.escaped(text), columns: max(1, width - indent)).map {
            String(repeating: " ", count: indent) + $0
        }
    }

    /// Returns the columns' widths such that they add up to at most `available`: the widest columns shrink first.
    ///
    /// `natural` has the width of each column's widest cell, `words` that of its longest word. Words stay whole if
    /// possible.
    private static func fitted(_ natural: [Int], _ words: [Int], into available: Int) -> [Int] {
        guard natural.reduce(0, +) > available else { return natural }
        let least = words.reduce(0, +) <= available ? words : natural.map { _ in 1 }
        func widths(_ cap: Int) -> [Int] { natural.indices.map { min(natural[$0], max(cap, least[$0])) } }
        var cap = natural.max() ?? 0
        while cap > 1, widths(cap).reduce(0, +) > available { cap -= 1 }
        var widths = widths(cap)
        // The last free columns of the line go to table columns that are still too narrow.
        var left = available - widths.reduce(0, +)
        for column in widths.indices where left > 0 && widths[column] < natural[column] {
            widths[column] += 1
            left -= 1
        }
        return widths
    }

    private static let separators = ",/&?;|"

    /// Returns the width of the text's longest part without a space or separator at which it could be broken.
    private static func longestWord(_ text: String) -> Int {
        text.split(separator: " ").flatMap { word in
            var parts = [""]
            for character in word {
                parts[parts.count - 1].append(character)
                if separators.contains(character) { parts.append("") }
            }
            return parts.map { DisplayWidth.of($0) }
        }.max() ?? 0
    }

    private static func line(_ cells: [String], _ widths: [Int]) -> [String] {
        let folded = zip(cells, widths).map { fold($0, columns: max(1, $1)) }
        return (0..<(folded.map(\.count).max() ?? 0)).map { number in
            var line = ""
            for (column, cell) in folded.enumerated() {
                let text = number < cell.count ? cell[number] : ""
                line += text + String(repeating: " ", count: max(0, widths[column] - DisplayWidth.of(text)) + gap)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    /// Folds a text into lines of at most this many terminal columns.
    package static func fold(_ text: String, columns: Int) -> [String] {
        guard DisplayWidth.of(text) > columns else { return [text] }
        var lines: [String] = []
        var rest = text[...]
        while DisplayWidth.of(rest) > columns {
            let most = DisplayWidth.prefix(rest, fitting: columns)
            // A space just after the part that fits is dropped.
            if rest[most.endIndex...].first == " " {
                lines.append(String(most))
            } else if let end = breakPoint(most) {
                lines.append(String(most[..<end]))
            } else {
                lines.append(String(most))
            }
            rest = rest.dropFirst(lines.last?.count ?? 0).drop { $0 == " " }
            while lines.last?.last == " " { lines[lines.count - 1].removeLast() }
        }
        return rest.isEmpty ? lines : lines + [String(rest)]
    }

    /// Returns the place at which to break a line: after its last space, or else after its last other separator.
    ///
    /// A break is not used if it would leave less than a third of the line filled. Returns nil if there is no place.
    private static func breakPoint(_ line: Substring) -> String.Index? {
        for separators in [" ", separators] {
            guard let last = line.lastIndex(where: separators.contains) else { continue }
            let end = line.index(after: last)
            if DisplayWidth.of(line[..<end]) * 3 >= DisplayWidth.of(line) { return end }
        }
        return nil
    }
}
