import CGStreamer
package import Pixels

/// How a track of MP4 or QuickTime wants its pictures shown.
package struct TrackDisplay: Equatable {
    /// The clean aperture (`clap`): the part of each picture that is shown, in pixels of pictures of a size.
    package struct Aperture: Equatable {
        package let column: Int
        package let row: Int
        package let columns: Int
        package let rows: Int
        /// Size of the pictures that it is cut out of.
        package let width: Int
        package let height: Int
    }

    /// By the track's matrix, or the stream's tags; nil where they say none, or another thing than turns and mirrors.
    package var orientation: PictureOrientation?
    package var aperture: Aperture?
    /// Whether the index says that Y spans 0...255 (`colr`), which `qtdemux` takes for limited range.
    package var isFullRange = false

    package init(orientation: PictureOrientation? = nil, aperture: Aperture? = nil) {
        (self.orientation, self.aperture) = (orientation, aperture)
    }
}

/// Reads the index (`moov`) of MP4 and QuickTime for what GStreamer's `qtdemux` leaves out of it: mirrors, clean
/// apertures, full range.
///
/// Source: ISO/IEC 14496-12, 8.3.2 (`tkhd`), 12.1.4 (`clap`) and 12.1.5 (`colr`).
package enum MovieHeader {
    /// Most bytes of an index that are read.
    static let largest = 32 << 20

    /// What each track asks for, by its number; `box` is the whole `moov`, with its head.
    package static func displays(in box: [UInt8]) -> [UInt32: TrackDisplay] {
        let bytes = BoxBytes(box)
        var found: [UInt32: TrackDisplay] = [:]
        for moov in bytes.boxes("moov", in: 0..<box.count).prefix(1) {
            for trak in bytes.boxes("trak", in: moov) {
                guard let tkhd = bytes.boxes("tkhd", in: trak).first, let (number, orientation) = bytes.header(tkhd)
                else { continue }
                var display = TrackDisplay(orientation: orientation)
                if let entry = bytes.description(trak) {
                    display.aperture = bytes.aperture(entry)
                    display.isFullRange = bytes.isFullRange(entry)
                }
                found[number] = display
            }
        }
        return found
    }
}

/// The boxes of a file, each a length, a name and what is in it; nothing beyond a box is read, whatever it says.
private struct BoxBytes {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private func number(_ at: Int, _ length: Int = 4) -> Int? {
        guard at >= 0, at <= bytes.count - length else { return nil }
        return bytes[at..<at + length].reduce(0) { $0 << 8 | Int($1) }
    }

    private func signed(_ at: Int) -> Int? { number(at).map { Int(Int32(truncatingIfNeeded: $0)) } }

    /// What is in the boxes of a name that lie one after the other in `range`.
    func boxes(_ name: StaticString, in range: Range<Int>) -> [Range<Int>] {
        var (found, at): ([Range<Int>], Int) = ([], range.lowerBound)
        while at <= range.upperBound - 8, let length = number(at), length >= 8, length <= range.upperBound - at {
            if bytes[at + 4..<at + 8].elementsEqual(name.description.utf8) { found.append(at + 8..<at + length) }
            at += length
        }
        return found
    }

    /// The number and the orientation of a track's header.
    func header(_ tkhd: Range<Int>) -> (UInt32, PictureOrientation?)? {
        // Times are longer in version 1.
        let times = bytes.indices.contains(tkhd.lowerBound) && bytes[tkhd.lowerBound] == 1 ? 32 : 20
        let matrix = tkhd.lowerBound + 4 + times + 16
        guard matrix + 36 <= tkhd.upperBound, let number = number(tkhd.lowerBound + 4 + (times == 32 ? 16 : 8)),
            let a = signed(matrix), let b = signed(matrix + 4), let c = signed(matrix + 12), let d = signed(matrix + 16)
        else { return nil }
        // Only the signs: a matrix may scale, too.
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

    /// What is in the first description of a track's pictures.
    func description(_ trak: Range<Int>) -> Range<Int>? {
        guard let media = boxes("mdia", in: trak).first, let info = boxes("minf", in: media).first,
            let table = boxes("stbl", in: info).first, let list = boxes("stsd", in: table).first,
            // A version, a count, the first description's head; its size stands after 24 bytes, its boxes after 78.
            let length = number(list.lowerBound + 8), length >= 86, length <= list.upperBound - list.lowerBound - 8
        else { return nil }
        return list.lowerBound + 16..<list.lowerBound + 8 + length
    }

    /// Whether a description says full range.
    func isFullRange(_ entry: Range<Int>) -> Bool {
        boxes("colr", in: entry.lowerBound + 78..<entry.upperBound).contains { colr in
            // Its kind, three numbers, and the flag.
            colr.count >= 11 && bytes[colr.lowerBound..<colr.lowerBound + 4].elementsEqual("nclx".utf8)
                && bytes[colr.lowerBound + 10] & 0x80 != 0
        }
    }

    /// The clean aperture of a description, if it has one that lies in its pictures.
    func aperture(_ entry: Range<Int>) -> TrackDisplay.Aperture? {
        guard let width = number(entry.lowerBound + 24, 2), let height = number(entry.lowerBound + 26, 2),
            let clap = boxes("clap", in: entry.lowerBound + 78..<entry.upperBound).first, clap.count >= 32
        else { return nil }
        let values = (0..<8).compactMap { signed(clap.lowerBound + 4 * $0) }
        guard values.count == 8, [1, 3, 5, 7].allSatisfy({ values[$0] > 0 }) else { return nil }
        func ratio(_ at: Int) -> Double { Double(values[at]) / Double(values[at + 1]) }
        let (columns, rows) = (ratio(0).rounded(.down), ratio(2).rounded(.down))
        // The offsets lie between the middles of both.
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

/// Finds the index in the bytes of a file that come one after the other.
package struct MovieScanner {
    private var held: [UInt8] = []
    private var skipping = 0
    /// Where the bytes must go on.
    private var next: UInt64?

    package init() {}

    /// Takes bytes from `offset` of the file on (nil where that is not known); the whole index, once it is there.
    package mutating func take(_ bytes: UnsafeRawBufferPointer, at offset: UInt64?) -> [UInt8]? {
        if let offset, let next, offset != next { (held, skipping) = ([], 0) }
        next = (offset ?? next).map { $0 &+ UInt64(bytes.count) }
        var rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(skipping))
        skipping -= bytes.count - rest.count
        while skipping == 0 {
            // The head, then as much as it says.
            let isIndex = held.count >= 8 && held[4..<8].elementsEqual("moov".utf8)
            let length = held.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            let wanted = isIndex ? length : 8
            if held.count >= 8, !isIndex || length < 8 || length > MovieHeader.largest {
                // A length that is 0 or 1 is that of the media: what follows is no index.
                skipping = length >= 8 ? length - 8 : .max
                held = []
                let skipped = min(skipping, rest.count)
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(skipped))
                skipping -= skipping == .max ? 0 : skipped
                continue
            }
            if isIndex, held.count == length { return held }
            guard !rest.isEmpty else { return nil }
            let part = rest.prefix(wanted - held.count)
            held.append(contentsOf: part)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
        }
        return nil
    }
}
