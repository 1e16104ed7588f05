import Pixels

/// Reads the boxes of an MP4 or QuickTime file, each a length, a name and its contents; never beyond a box's end.
struct BoxBytes {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func number(_ at: Int, _ length: Int = 4) -> Int? {
        guard at >= 0, at <= bytes.count - length else { return nil }
        return bytes[at..<at + length].reduce(0) { $0 << 8 | Int($1) }
    }

    /// Returns the number `offset` bytes from the beginning of a box's contents; nil if it extends beyond the box.
    func number(in box: Range<Int>, at offset: Int, _ length: Int) -> Int? {
        offset <= box.count - length ? number(box.lowerBound + offset, length) : nil
    }

    /// Returns true if a box has this text `offset` bytes from the beginning of its contents.
    func has(_ text: StaticString, at offset: Int, in box: Range<Int>) -> Bool {
        bytes[box].dropFirst(offset).starts(with: text.description.utf8)
    }

    private func signed(_ at: Int) -> Int? { number(at).map { Int(Int32(truncatingIfNeeded: $0)) } }

    /// Returns the contents of all boxes called `name` among the consecutive boxes in `range`.
    func boxes(_ name: StaticString, in range: Range<Int>) -> [Range<Int>] {
        var (found, at): ([Range<Int>], Int) = ([], range.lowerBound)
        while at <= range.upperBound - 8, let length = number(at), length >= 8, length <= range.upperBound - at {
            if bytes[at + 4..<at + 8].elementsEqual(name.description.utf8) { found.append(at + 8..<at + length) }
            at += length
        }
        return found
    }

    /// Reads a track's number and orientation from its header box (`tkhd`); nil if the box is too short.
    func header(_ tkhd: Range<Int>) -> (UInt32, PictureOrientation?)? {
        // The times in the box are longer in version 1.
        let times = bytes.indices.contains(tkhd.lowerBound) && bytes[tkhd.lowerBound] == 1 ? 32 : 20
        let matrix = tkhd.lowerBound + 4 + times + 16
        guard matrix + 36 <= tkhd.upperBound, let number = number(tkhd.lowerBound + 4 + (times == 32 ? 16 : 8)),
            let a = signed(matrix), let b = signed(matrix + 4), let c = signed(matrix + 12), let d = signed(matrix + 16)
        else { return nil }
        // Only the signs are compared: a matrix may also scale.
        let orientation: PictureOrientation? =
            switch (a.signum(), b.signum(), c.signum(), d.signum()) {
            case (1, 0, 0, 1): .upright
            case (-1, 0, 0, 1): .mirrored
            case (-1, 0, 0, -1): .upsideDown
            case (1, 0, 0, -1): .flipped
            case (0, 1, 1, 0): .transposed
            case (0, 1, -1, 0): .quarterTurn
            case (0, -1, -1, 0): .transverse
            case (0, -1, 1, 0): .threeQuarterTurn
            default: nil
            }
        return (UInt32(truncatingIfNeeded: number), orientation)
    }

    /// Returns the contents of a track's first sample description (an entry of `stsd`); nil if there is none.
    func description(_ trak: Range<Int>) -> Range<Int>? {
        guard let media = boxes("mdia", in: trak).first, let info = boxes("minf", in: media).first,
            let table = boxes("stbl", in: info).first, let list = boxes("stsd", in: table).first,
            // A version and a count come before the first entry. In an entry, the size stands after 24 bytes, boxes
            // after 78.
            let length = number(list.lowerBound + 8), length >= 86, length <= list.upperBound - list.lowerBound - 8
        else { return nil }
        return list.lowerBound + 16..<list.lowerBound + 8 + length
    }

    /// Returns true if a sample description's `colr` box says that luma uses the full range, 0 to 255.
    func isFullRange(_ entry: Range<Int>) -> Bool {
        boxes("colr", in: entry.lowerBound + 78..<entry.upperBound).contains { colr in
            // The kind, three numbers, and the flag for full range.
            colr.count >= 11 && bytes[colr.lowerBound..<colr.lowerBound + 4].elementsEqual("nclx".utf8)
                && bytes[colr.lowerBound + 10] & 0x80 != 0
        }
    }

    /// Returns the clean aperture (`clap`) of a sample description; nil if it has none, or one beyond its pictures.
    func aperture(_ entry: Range<Int>) -> TrackDisplay.Aperture? {
        guard let width = number(entry.lowerBound + 24, 2), let height = number(entry.lowerBound + 26, 2),
            let clap = boxes("clap", in: entry.lowerBound + 78..<entry.upperBound).first, clap.count >= 32
        else { return nil }
        let values = (0..<8).compactMap { signed(clap.lowerBound + 4 * $0) }
        guard values.count == 8, [1, 3, 5, 7].allSatisfy({ values[$0] > 0 }) else { return nil }
        func ratio(_ at: Int) -> Double { Double(values[at]) / Double(values[at + 1]) }
        let (columns, rows) = (ratio(0).rounded(.down), ratio(2).rounded(.down))
        // The box gives the distance between the centres of aperture and picture.
        let column = (Double(width) - 1) / 2 + ratio(4) - (columns - 1) / 2
        let row = (Double(height) - 1) / 2 + ratio(6) - (rows - 1) / 2
        guard columns >= 2, rows >= 2, column >= 0, row >= 0, column + columns <= Double(width),
            row + rows <= Double(height)
        else { return nil }
        return .init(
            column: Int(column.rounded()), row: Int(row.rounded()), columns: Int(columns), rows: Int(rows),
            width: width, height: height)
    }
}
