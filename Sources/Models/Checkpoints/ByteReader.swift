/// Reads one byte range of an untrusted file from front to back.
///
/// Every read is checked against the end of the range; a read beyond it throws `.truncated`.
struct ByteReader {
    let file: MappedFile
    private(set) var offset: Int
    let end: Int
    /// The name of the data in the byte range, for error messages: "the pickle".
    let what: String

    /// Makes a reader of `range`; throws `.truncated` if the range reaches beyond the end of the file.
    init(_ file: MappedFile, _ range: Range<Int>, what: String) throws(CheckpointError) {
        guard range.lowerBound >= 0, range.upperBound <= file.count else {
            throw CheckpointError(file.path, .truncated("\(what) would reach beyond its end"))
        }
        self.file = file
        self.what = what
        offset = range.lowerBound
        end = range.upperBound
    }

    var remaining: Int { end - offset }

    /// Reads the next little-endian integer of the type `T`.
    mutating func integer<T: FixedWidthInteger>(_: T.Type = T.self) throws(CheckpointError) -> T {
        let range = try next(MemoryLayout<T>.size)
        return file.withBytes(range) { T(littleEndian: $0.loadUnaligned(as: T.self)) }
    }

    mutating func bytes(_ count: Int) throws(CheckpointError) -> [UInt8] {
        file.withBytes(try next(count)) { Array($0) }
    }

    /// Reads the bytes before the next line feed, and skips the line feed.
    ///
    /// Throws if no line feed follows within 1,000 bytes.
    mutating func line() throws(CheckpointError) -> [UInt8] {
        let window = offset..<offset + min(remaining, 1000)
        guard let length = file.withBytes(window, { $0.firstIndex(of: 0x0A) }) else {
            throw CheckpointError(file.path, .malformed("\(what) has a name without an end"))
        }
        let line = try bytes(length)
        _ = try next(1)
        return line
    }

    mutating func skip(_ count: Int) throws(CheckpointError) { _ = try next(count) }

    private mutating func next(_ count: Int) throws(CheckpointError) -> Range<Int> {
        guard count >= 0, count <= remaining else {
            throw CheckpointError(file.path, .truncated("\(what) ends too early"))
        }
        defer { offset += count }
        return offset..<offset + count
    }
}
