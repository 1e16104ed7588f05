import CKernels

/// The header of a segment (a history file): its first `size` bytes.
///
/// Layout, little-endian: magic, version, width, kind, window of frames, whether it is a film's, time of creation, the
/// film's size, time and sampling rate; then model, head, stream and file, each as a 16-bit length and UTF-8; zeros; a
/// checksum in the last 8 bytes.
package struct SegmentHeader: Sendable, Equatable {
    package enum Kind: UInt32, Sendable {
        case frames = 0
        case clips = 1
        /// The file has JPEG pictures instead of embeddings; see `PictureFile`.
        case pictures = 2
    }

    package static let size = 4096
    package static let version: UInt32 = 1
    static let magic: [UInt8] = Array("WWHIST\r\n".utf8)
    package static let widest = 16_384
    package static let longestWindow = 1024
    /// The greatest size in bytes of a stream's name; `longestPath` is that of a film's path.
    static let longestName = 1024
    static let longestPath = 2560

    package var kind: Kind
    /// The identity of the model that made the embeddings; those of different models are never compared.
    package var model: String
    package var width: Int
    /// The number of frames in a window: of those whose norms are stored, or of those from which clips were made.
    package var window: Int
    /// The name of the head (the model) that made the clip embeddings; `mean` if the file has frames.
    package var head: String
    package var stream: String
    /// The path of the film; nil for a stream.
    package var file: String?
    /// The time at which the history file was created, in seconds since 1970.
    package var created: Double
    /// The size of the film's file in bytes.
    ///
    /// With `fileTime`, its time of modification, it tells whether the film was replaced.
    package var fileSize: UInt64
    package var fileTime: Double
    /// The number of frames a second that were sampled from the film.
    package var rate: Double

    package init(
        kind: Kind, model: String, width: Int, window: Int, head: String, stream: String, file: String? = nil,
        created: Double = 0, fileSize: UInt64 = 0, fileTime: Double = 0,
        rate: Double = 0
    ) {
        (self.kind, self.model, self.width, self.window) = (kind, model, width, window)
        (self.head, self.stream, self.file, self.created) = (head, stream, file, created)
        (self.fileSize, self.fileTime, self.rate) = (fileSize, fileTime, rate)
    }

    /// The number of bytes of an embedding in each plane of a block: the width, rounded up to a multiple of 64.
    package var padded: Int { ww_score_padded(width) }

    /// Returns true if frames or clips with this header and with `other` may follow each other in one file.
    package func continues(_ other: SegmentHeader) -> Bool {
        (kind, model, width, window) == (other.kind, other.model, other.width, other.window)
            && (head, stream, file) == (other.head, other.stream, other.file)
    }

    /// Encodes the header; throws if a name or a number is too large.
    package func encoded(path: String) throws(HistoryProblem) -> [UInt8] {
        let texts = [model, head, stream, file ?? ""].map { Array($0.utf8) }
        guard texts[0].count <= 256, texts[1].count <= 64, texts[2].count <= Self.longestName,
            texts[3].count <= Self.longestPath, 1...Self.widest ~= width, 1...Self.longestWindow ~= window
        else { throw HistoryProblem(.unwritable, path, "a name or a size is too long for a history") }
        var bytes = Self.magic
        bytes.put(Self.version)
        bytes.put(UInt32(width))
        bytes.put(kind.rawValue)
        bytes.put(UInt32(window))
        bytes.put(UInt32(file == nil ? 0 : 1))
        bytes.put(UInt32(0))
        bytes.put(created.bitPattern)
        bytes.put(fileSize)
        bytes.put(fileTime.bitPattern)
        bytes.put(rate.bitPattern)
        for text in texts {
            bytes.put(UInt16(text.count))
            bytes += text
        }
        bytes += [UInt8](repeating: 0, count: Self.size - 8 - bytes.count)
        bytes.put(ww_history_sum(bytes, bytes.count))
        return bytes
    }

    /// Decodes the header of a history file; throws if it is invalid or of a newer version.
    package init(_ bytes: [UInt8], path: String) throws(HistoryProblem) {
        guard bytes.count >= Self.size, Array(bytes.prefix(8)) == Self.magic else {
            throw HistoryProblem(.unreadable, path, "this is no segment of a history")
        }
        var reader = ByteReader(bytes, from: 8)
        let version = reader.uint32()
        guard version <= Self.version else {
            throw HistoryProblem(
                .future, path, "it has format \(version), and this program reads formats up to \(Self.version)")
        }
        var sum = ByteReader(bytes, from: Self.size - 8)
        guard sum.uint64() == ww_history_sum(bytes, Self.size - 8) else {
            throw HistoryProblem(.unreadable, path, "its header's checksum does not hold")
        }
        width = Int(reader.uint32())
        let kind = Kind(rawValue: reader.uint32())
        window = Int(reader.uint32())
        let isFilm = reader.uint32() == 1
        _ = reader.uint32()
        created = Double(bitPattern: reader.uint64())
        fileSize = reader.uint64()
        fileTime = Double(bitPattern: reader.uint64())
        rate = Double(bitPattern: reader.uint64())
        model = reader.text()
        head = reader.text()
        stream = reader.text()
        let path = (name: path, file: reader.text())
        file = isFilm ? path.file : nil
        guard let kind, version == 1, 1...Self.widest ~= width, 1...Self.longestWindow ~= window, !reader.isShort else {
            throw HistoryProblem(.unreadable, path.name, "its header holds what no header may")
        }
        self.kind = kind
    }
}

/// Reads little-endian numbers from bytes; beyond their end it returns zeros, and sets `isShort`.
struct ByteReader {
    private let bytes: [UInt8]
    private var at: Int
    private(set) var isShort = false

    init(_ bytes: [UInt8], from at: Int) { (self.bytes, self.at) = (bytes, at) }

    private mutating func take(_ count: Int) -> ArraySlice<UInt8> {
        guard at + count <= bytes.count else {
            isShort = true
            return []
        }
        defer { at += count }
        return bytes[at..<at + count]
    }

    private mutating func number(_ count: Int) -> UInt64 {
        take(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func uint16() -> UInt16 { UInt16(number(2)) }
    mutating func uint32() -> UInt32 { UInt32(number(4)) }
    mutating func uint64() -> UInt64 { number(8) }
    mutating func text() -> String {
        let count = Int(uint16())
        return String(decoding: take(count), as: UTF8.self)
    }
}

extension [UInt8] {
    /// Appends an integer in little-endian order.
    package mutating func put(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { self += $0 }
    }
}
