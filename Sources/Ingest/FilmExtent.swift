import Foundation

/// How long a film's file is by its own headers: what is shorter was cut off.
///
/// MP4 and MOV by their boxes, Matroska and WebM by their segment, AVI and WAV by RIFF. Reads headers alone, wherever
/// they stand.
struct FilmExtent: Equatable {
    /// Bytes that the file has.
    let found: Int
    /// Bytes that its headers announce.
    let announced: Int

    var isCut: Bool { found < announced }

    /// Nil for files of other kinds, and those that announce nothing.
    init?(file path: SourcePath) {
        let descriptor = open(path.terminated, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        self.init(size: Int(status.st_size)) { offset, count in
            var bytes = [UInt8](repeating: 0, count: count)
            let got = pread(descriptor, &bytes, count, off_t(offset))
            return Array(bytes.prefix(max(got, 0)))
        }
    }

    /// `read` gives as many bytes as there are of those asked for.
    init?(size: Int, read: (_ offset: Int, _ count: Int) -> [UInt8]) {
        let head = read(0, 64)
        let announced =
            head.starts(with: [0x1A, 0x45, 0xDF, 0xA3])
            ? Self.matroska(head) : head.starts(with: "RIFF".utf8) ? Self.riff(head) : Self.boxes(size, read)
        guard let announced else { return nil }
        (found, self.announced) = (size, announced)
    }

    /// Boxes that a film may begin with; what begins otherwise is none.
    private static let first: Set<String> = ["ftyp", "moov", "mdat", "free", "skip", "wide", "styp", "pnot"]
    private static let mostBoxes = 100_000

    private static func boxes(_ size: Int, _ read: (Int, Int) -> [UInt8]) -> Int? {
        var at = 0
        for number in 0..<mostBoxes {
            let head = read(at, 16)
            guard head.count >= 8 else { return number == 0 ? nil : at }
            guard head[4..<8].allSatisfy({ (0x20..<0x7F).contains($0) || $0 == 0xA9 }) else { return nil }
            if number == 0, !first.contains(String(decoding: head[4..<8], as: UTF8.self)) { return nil }
            var length = number32(head[0..<4])
            if length == 1 {
                guard head.count == 16, head[8] < 0x40 else { return nil }
                length = number32(head[8..<12]) << 32 | number32(head[12..<16])
            }
            // To the end, wherever that is; or nonsense.
            guard length >= 8 else { return nil }
            let (end, isTooLarge) = at.addingReportingOverflow(length)
            guard !isTooLarge else { return nil }
            at = end
            if at >= size { return at }
        }
        return nil
    }

    /// The end of the segment, which follows EBML's own header.
    private static func matroska(_ head: [UInt8]) -> Int? {
        guard let header = length(head, 4), header.value < 40 else { return nil }
        let segment = 4 + header.bytes + header.value
        guard head.count > segment + 12, Array(head[segment..<segment + 4]) == [0x18, 0x53, 0x80, 0x67],
            let body = length(head, segment + 4)
        else { return nil }
        return segment + 4 + body.bytes + body.value
    }

    /// A length of EBML, of which the first byte tells how many it has.
    ///
    /// All ones say that it is not known.
    private static func length(_ head: [UInt8], _ at: Int) -> (value: Int, bytes: Int)? {
        guard at < head.count, head[at] != 0 else { return nil }
        let bytes = head[at].leadingZeroBitCount + 1
        guard at + bytes <= head.count else { return nil }
        let value = head[at..<at + bytes].reduce(0) { $0 << 8 | Int($1) } & (1 << (7 * bytes) - 1)
        return value == 1 << (7 * bytes) - 1 ? nil : (value, bytes)
    }

    private static func riff(_ head: [UInt8]) -> Int? {
        guard head.count >= 12 else { return nil }
        let length = head[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        // Recorders that never finished leave 0 or all ones.
        return length == 0 || length >= 0xFFFF_FFF0 ? nil : length + 8
    }

    private static func number32(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

    /// The sentence about a film that was cut off; nil for one that is whole.
    static func cut(_ uri: String) -> String? {
        guard let path = SourcePath(uri), let extent = FilmExtent(file: path), extent.isCut else { return nil }
        return "the film is cut off: it announces \(extent.announced) bytes, and has \(extent.found)"
    }
}
