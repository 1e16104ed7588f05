/// A table for people: columns are as wide as their widest cell, or folded if they do not fit side by side.
package enum TextTable {
    private static let gap = 2

    /// Returns the table's lines, none wider than `width`: the header's, then the rows'.
    ///
    /// Cells are escaped. Nothing is cut off: a cell that is too wide continues below, broken at a space or comma.
    ///
    /// `notes` has a text for each row, printed below it in the full width.
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

    /// Fits the columns into the available width: the widest ones shrink first, and words stay whole if possible.
    private static func fitted(_ natural: [Int], _ words: [Int], into available: Int) -> [Int] {
        guard natural.reduce(0, +) > available else { return natural }
        let least = words.reduce(0, +) <= available ? words : natural.map { _ in 1 }
        func widths(_ cap: Int) -> [Int] { natural.indices.map { min(natural[$0], max(cap, least[$0])) } }
        var cap = natural.max() ?? 0
        while cap > 1, widths(cap).reduce(0, +) > available { cap -= 1 }
        var widths = widths(cap)
        // The remainder of rounding goes to columns that lack width.
        var left = available - widths.reduce(0, +)
        for column in widths.indices where left > 0 && widths[column] < natural[column] {
            widths[column] += 1
            left -= 1
        }
        return widths
    }

    private static let separators = ",/&?;|"

    /// The width of the longest unbreakable part of a text.
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

    /// Folds a text into lines of at most this many columns.
    package static func fold(_ text: String, columns: Int) -> [String] {
        guard DisplayWidth.of(text) > columns else { return [text] }
        var lines: [String] = []
        var rest = text[...]
        while DisplayWidth.of(rest) > columns {
            let most = DisplayWidth.prefix(rest, fitting: columns)
            // A space just after what fits belongs to no line.
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

    /// The place to break a line: after its last space, or else another separator.
    ///
    /// A break that leaves less than a third of the line is not used.
    private static func breakPoint(_ line: Substring) -> String.Index? {
        for separators in [" ", separators] {
            guard let last = line.lastIndex(where: separators.contains) else { continue }
            let end = line.index(after: last)
            if DisplayWidth.of(line[..<end]) * 3 >= DisplayWidth.of(line) { return end }
        }
        return nil
    }
}
