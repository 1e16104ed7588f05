import Foundation

/// A file of comma-separated values with a header (RFC 4180); quoted cells may contain commas and line ends.
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

    /// Returns every row's cells in the named columns, in the order of `names`.
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

    /// Parses text as comma-separated values; returns the rows, each with the number of its first line.
    ///
    /// It works on bytes, since a comma and a combining mark after it may form one `Character`.
    private static func parse(_ text: String, _ path: String) throws(DataSetError) -> [(line: Int, row: [String])] {
        let (quote, comma, feed, carriage) = (UInt8(ascii: "\""), UInt8(ascii: ","), UInt8(0x0A), UInt8(0x0D))
        let bytes = Array(text.utf8)
        var rows: [(line: Int, row: [String])] = []
        var row: [String] = []
        var cell: [UInt8] = []
        var (line, start, isQuoted) = (1, 1, false)
        func endCell() {
            row.append(String(decoding: cell, as: UTF8.self))
            cell = []
        }
        func endRow() {
            if !(row.isEmpty && cell.isEmpty) {
                endCell()
                rows.append((start, row))
            }
            (row, cell, start) = ([], [], line)
        }
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            // CR LF is one end of a line, which is counted at the LF.
            let isEnd = byte == feed || byte == carriage && !(index < bytes.count && bytes[index] == feed)
            if isEnd { line += 1 }
            if isQuoted {
                if byte != quote {
                    cell.append(byte)
                } else if index < bytes.count, bytes[index] == quote {
                    cell.append(quote)
                    index += 1
                } else {
                    isQuoted = false
                }
            } else if byte == quote && cell.isEmpty {
                isQuoted = true
            } else if byte == comma {
                endCell()
            } else if isEnd {
                endRow()
            } else if byte != carriage {
                cell.append(byte)
            }
        }
        guard !isQuoted else { throw DataSetError(path, line: start, "a quoted cell does not end") }
        endRow()
        return rows
    }
}
