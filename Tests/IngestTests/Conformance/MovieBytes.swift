/// The seven matrices of a track that rotate or mirror its pictures.
enum TrackMatrix: CaseIterable {
    case quarter, half, threeQuarters, mirrored, flipped, transposed, transverse

    var words: String {
        switch self {
        case .quarter: "turned by 90°"
        case .half: "turned by 180°"
        case .threeQuarters: "turned by 270°"
        case .mirrored: "mirrored left to right"
        case .flipped: "mirrored top to bottom"
        case .transposed: "mirrored and turned by 270°"
        case .transverse: "mirrored and turned by 90°"
        }
    }

    /// The numbers a, b, c, d of the matrix: x' = ax + cy, y' = bx + dy.
    fileprivate var numbers: [Int32] {
        switch self {
        case .quarter: [0, 1, -1, 0]
        case .half: [-1, 0, 0, -1]
        case .threeQuarters: [0, -1, 1, 0]
        case .mirrored: [-1, 0, 0, 1]
        case .flipped: [1, 0, 0, -1]
        case .transposed: [0, 1, 1, 0]
        case .transverse: [0, -1, -1, 0]
        }
    }

    /// The filter of ffmpeg with the same effect.
    var filter: String {
        switch self {
        case .quarter: "transpose=clock"
        case .half: "hflip,vflip"
        case .threeQuarters: "transpose=cclock"
        case .mirrored: "hflip"
        case .flipped: "vflip"
        case .transposed: "transpose=cclock_flip"
        case .transverse: "transpose=clock_flip"
        }
    }
}

/// Boxes that ffmpeg does not write into an MP4 file.
enum MovieBytes {
    private static func big(_ number: Int) -> [UInt8] { (0..<4).reversed().map { UInt8(number >> (8 * $0) & 255) } }
    private static func number(_ bytes: [UInt8], _ at: Int) -> Int {
        bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
    }

    /// The range of the box called `name` within `range`, header included.
    private static func box(_ name: String, _ bytes: [UInt8], _ range: Range<Int>) -> Range<Int>? {
        var at = range.lowerBound
        while at + 8 <= range.upperBound {
            let length = number(bytes, at)
            guard length >= 8, at + length <= range.upperBound else { return nil }
            if bytes[at + 4..<at + 8].elementsEqual(name.utf8) { return at..<at + length }
            at += length
        }
        return nil
    }

    /// Zeroes all bytes of the media data.
    static func blank(_ bytes: inout [UInt8]) {
        guard let mdat = box("mdat", bytes, 0..<bytes.count) else { return }
        for at in mdat.dropFirst(8) { bytes[at] = 0 }
    }

    /// Sets the matrix of the first track.
    static func set(_ matrix: TrackMatrix, in bytes: inout [UInt8]) {
        guard let moov = box("moov", bytes, 0..<bytes.count),
            let trak = box("trak", bytes, moov.lowerBound + 8..<moov.upperBound),
            let tkhd = box("tkhd", bytes, trak.lowerBound + 8..<trak.upperBound)
        else { return }
        let place = tkhd.lowerBound + 8 + 40
        for (index, value) in zip([0, 1, 3, 4], matrix.numbers) {
            bytes.replaceSubrange(
                place + 4 * index..<place + 4 * index + 4, with: big(Int(UInt32(bitPattern: value << 16))))
        }
    }

    /// Adds a `clap` of whole numbers to the first track's first description; the index must be at the end.
    static func addAperture(width: Int, height: Int, right: Int, down: Int, to bytes: inout [UInt8]) {
        let values = [width, 1, height, 1, right, 1, down, 1].flatMap { big(Int(UInt32(bitPattern: Int32($0)))) }
        let clap = big(40) + Array("clap".utf8) + values
        var boxes: [Range<Int>] = []
        var inside = 0..<bytes.count
        for (name, head) in [
            ("moov", 8), ("trak", 8), ("mdia", 8), ("minf", 8), ("stbl", 8), ("stsd", 16), ("avc1", 0),
        ] {
            guard let found = box(name, bytes, inside) else { return }
            boxes.append(found)
            inside = found.lowerBound + head..<found.upperBound
        }
        guard let last = boxes.last else { return }
        for box in boxes {
            bytes.replaceSubrange(box.lowerBound..<box.lowerBound + 4, with: big(box.count + clap.count))
        }
        bytes.insert(contentsOf: clap, at: last.upperBound)
    }
}
