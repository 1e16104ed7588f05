import Foundation

/// A file of comma-separated values with a header, as RFC 4180 has it: cells in quotes may hold commas and line ends.
struct CommaSeparated {
    private let path: String
    private let header: [String]
    private let cells: [(line: Int, row: [String])]

    init(_ url: URL) throws(DataSetError) {
        path = url.path
        var rows = try Self.parse(try DataSetFile.text(url), path)
        guard !rows.isEmpty else { throw DataSetError(url.path, "it is empty") }
        header = rows.removeFirst().row
        cells = rows
    }

    /// The columns of the given names, for every row.
    func rows(columns names: [String]) throws(DataSetError) -> [[String]] {
        var places: [Int] = []
        for name in names {
            guard let place = header.firstIndex(of: name) else {
                throw DataSetError(path, line: 1, "there is no column \"\(name)\"")
            }
            places.append(place)
        }
        var rows: [[String]] = []
        for (line, row) in cells {
            guard row.count == header.count else {
                throw DataSetError(path, line: line, "it has \(row.count) cells, and the header \(header.count)")
            }
            rows.append(places.map { row[$0] })
        }
        return rows
    }

    private static func parse(_ text: String, _ path: String) throws(DataSetError) -> [(line: Int, row: [String])] {
        var rows: [(line: Int, row: [String])] = []
        var row: [String] = []
        var cell = ""
        var (line, start, isQuoted) = (1, 1, false)
        func isBlank() -> Bool { row.isEmpty && cell.isEmpty }
        var index = text.startIndex
        while index < text.endIndex {
            let character = text[index]
            index = text.index(after: index)
            if character.isNewline { line += 1 }
            if isQuoted {
                if character != "\"" {
                    cell.append(character)
                } else if index < text.endIndex, text[index] == "\"" {
                    cell.append("\"")
                    index = text.index(after: index)
                } else {
                    isQuoted = false
                }
            } else if character == "\"" && cell.isEmpty {
                isQuoted = true
            } else if character == "," {
                row.append(cell)
                cell = ""
            } else if character.isNewline {
                if !isBlank() { rows.append((start, row + [cell])) }
                (row, cell, start) = ([], "", line)
            } else {
                cell.append(character)
            }
        }
        guard !isQuoted else { throw DataSetError(path, line: start, "a quoted cell does not end") }
        if !isBlank() { rows.append((start, row + [cell])) }
        return rows
    }
}
