/// Locates the entries of a zip archive that are stored uncompressed, as `torch.save` stores all of them.
///
/// Of compressed entries, such as the code in a TorchScript archive, only the names are known.
///
/// The archive is untrusted. Checksums are not verified, because PyTorch can be told not to write them. Source:
/// PKWARE's APPNOTE 4.3 (records), 4.5.3 (zip64).
struct ZipArchive {
    /// The byte range in the file of each uncompressed entry, by entry name.
    private(set) var entries: [String: Range<Int>] = [:]
    /// The names of the entries that are compressed, which cannot be read.
    private(set) var compressed: Set<String> = []
    private let file: MappedFile

    private static let endSize = 22
    private static let end64Size = 56
    private static let locatorSize = 20
    private static let headerSize = 46
    private static let localSize = 30

    /// Returns whether the file begins with the signature of a zip entry.
    static func isArchive(_ file: MappedFile) -> Bool {
        file.count >= 4 && file.withBytes(0..<4) { $0.elementsEqual([0x50, 0x4B, 0x03, 0x04]) }
    }

    init(_ file: MappedFile) throws(CheckpointError) {
        self.file = file
        let directory = try Self.directory(of: file)
        var reader = try ByteReader(file, directory.range, what: "the zip archive's directory")
        var spans: [Range<Int>] = []
        for _ in 0..<directory.entries { spans.append(try readEntry(&reader, before: directory.range.lowerBound)) }
        guard reader.remaining == 0 else {
            throw CheckpointError(
                file.path, .malformed("the zip archive's directory has entries that it does not count"))
        }
        spans.sort { $0.lowerBound < $1.lowerBound }
        for (one, next) in zip(spans, spans.dropFirst()) where next.lowerBound < one.upperBound {
            throw CheckpointError(file.path, .malformed("entries of the zip archive overlap"))
        }
    }

    /// Reads one record of the central directory and records the entry by name.
    ///
    /// Returns the entry's byte range in the file, from its local header to the end of its data.
    private mutating func readEntry(_ reader: inout ByteReader, before limit: Int) throws(CheckpointError) -> Range<Int>
    {
        guard reader.remaining >= Self.headerSize, try reader.integer(UInt32.self) == 0x0201_4B50 else {
            throw malformed("the zip archive's directory is damaged")
        }
        try reader.skip(4)
        let flags = try reader.integer(UInt16.self)
        let method = try reader.integer(UInt16.self)
        try reader.skip(8)
        var packed = UInt64(try reader.integer(UInt32.self))
        var size = UInt64(try reader.integer(UInt32.self))
        let nameLength = Int(try reader.integer(UInt16.self))
        let extraLength = Int(try reader.integer(UInt16.self))
        let commentLength = Int(try reader.integer(UInt16.self))
        try reader.skip(8)
        var offset = UInt64(try reader.integer(UInt32.self))
        let nameBytes = try reader.bytes(nameLength)
        let name = String(decoding: nameBytes, as: UTF8.self)
        let shown = quoted(name)
        let extra = reader.offset..<reader.offset + extraLength
        try reader.skip(extraLength)
        try reader.skip(commentLength)
        try readZip64(extra, shown, &size, &packed, &offset)

        guard flags & 0x41 == 0 else { throw malformed("the zip archive's entry \(shown) is encrypted") }
        guard method == 8 || method == 0 && packed == size else {
            throw malformed("the zip archive's entry \(shown) is compressed; torch.save stores entries as they are")
        }
        // The local header repeats the name and has its own padding; the entry's bytes begin after both.
        guard offset <= UInt64(limit), limit - Int(offset) >= Self.localSize else {
            throw malformed("the zip archive's entry \(shown) begins beyond the directory")
        }
        let start = Int(offset)
        var local = try ByteReader(file, start..<limit, what: "the zip archive's entry \(shown)")
        guard try local.integer(UInt32.self) == 0x0403_4B50 else {
            throw malformed("the zip archive's entry \(shown) is not where the directory says")
        }
        try local.skip(22)
        let localName = Int(try local.integer(UInt16.self))
        let localExtra = Int(try local.integer(UInt16.self))
        guard localName == nameLength, try local.bytes(localName) == nameBytes else {
            throw malformed("the zip archive's entry \(shown) has another name where it lies")
        }
        try local.skip(localExtra)
        guard packed <= UInt64(local.remaining) else {
            throw CheckpointError(
                file.path,
                .truncated("the zip archive's entry \(shown) claims \(packed) bytes, there are \(local.remaining)"))
        }
        let bytes = local.offset..<local.offset + Int(packed)
        guard entries[name] == nil, !compressed.contains(name) else {
            throw malformed("the zip archive has two entries \(shown)")
        }
        if method == 0 { entries[name] = bytes } else { compressed.insert(name) }
        return start..<bytes.upperBound
    }

    /// Replaces the sizes and the offset that do not fit into 32 bits by those of the zip64 extra field.
    private func readZip64(
        _ extra: Range<Int>, _ shown: String, _ size: inout UInt64, _ packed: inout UInt64, _ offset: inout UInt64
    ) throws(CheckpointError) {
        guard [size, packed, offset].contains(0xFFFF_FFFF) else { return }
        var reader = try ByteReader(file, extra, what: "the zip archive's entry \(shown)")
        while reader.remaining >= 4 {
            let kind = try reader.integer(UInt16.self)
            let length = Int(try reader.integer(UInt16.self))
            guard kind == 1 else {
                try reader.skip(length)
                continue
            }
            if size == 0xFFFF_FFFF { size = try reader.integer() }
            if packed == 0xFFFF_FFFF { packed = try reader.integer() }
            if offset == 0xFFFF_FFFF { offset = try reader.integer() }
            return
        }
        throw malformed("the zip archive's entry \(shown) lacks its zip64 sizes")
    }

    /// Finds the central directory; returns its byte range and the number of its entries.
    private static func directory(of file: MappedFile) throws(CheckpointError) -> (range: Range<Int>, entries: Int) {
        // The end record is the last one of an archive, followed only by a comment of at most 65,535 bytes.
        let first = max(0, file.count - endSize - 0xFFFF)
        var place = file.count - endSize
        while place >= first {
            let comment = file.withBytes(place..<place + endSize) { bytes -> UInt16? in
                guard bytes.loadUnaligned(as: UInt32.self).littleEndian == 0x0605_4B50 else { return nil }
                return bytes.loadUnaligned(fromByteOffset: 20, as: UInt16.self).littleEndian
            }
            if let comment, place + endSize + Int(comment) == file.count { break }
            place -= 1
        }
        guard place >= first else {
            throw CheckpointError(
                file.path, .truncated("it begins as a zip archive does and lacks the directory at the end"))
        }
        var reader = try ByteReader(file, place..<place + endSize, what: "the zip archive's last record")
        try reader.skip(4)
        var disks = UInt64(try reader.integer(UInt16.self)) | UInt64(try reader.integer(UInt16.self))
        try reader.skip(2)
        var entries = UInt64(try reader.integer(UInt16.self))
        var size = UInt64(try reader.integer(UInt32.self))
        var offset = UInt64(try reader.integer(UInt32.self))
        var limit = place
        if let record = try zip64Record(of: file, before: place) {
            reader = try ByteReader(file, record..<record + end64Size, what: "the zip archive's zip64 record")
            try reader.skip(16)
            disks = UInt64(try reader.integer(UInt32.self)) | UInt64(try reader.integer(UInt32.self))
            try reader.skip(8)
            entries = try reader.integer()
            size = try reader.integer()
            offset = try reader.integer()
            limit = record
        }
        guard disks == 0 else {
            throw CheckpointError(file.path, .malformed("the zip archive is one of several parts"))
        }
        guard offset <= UInt64(limit), size <= UInt64(limit) - offset, entries <= size / UInt64(headerSize) else {
            throw CheckpointError(
                file.path, .malformed("the zip archive's directory is not where its last record says"))
        }
        return (Int(offset)..<Int(offset + size), Int(entries))
    }

    /// Returns the offset of the zip64 end record, or nil if the archive has none.
    private static func zip64Record(of file: MappedFile, before place: Int) throws(CheckpointError) -> Int? {
        guard place >= locatorSize else { return nil }
        let start = place - locatorSize
        var reader = try ByteReader(file, start..<place, what: "the zip archive's zip64 locator")
        guard try reader.integer(UInt32.self) == 0x0706_4B50 else { return nil }
        try reader.skip(4)
        let offset = try reader.integer(UInt64.self)
        guard offset <= UInt64(start), start - Int(offset) >= end64Size,
            file.withBytes(Int(offset)..<Int(offset) + 4, { $0.elementsEqual([0x50, 0x4B, 0x06, 0x06]) })
        else {
            throw CheckpointError(file.path, .malformed("the zip archive's zip64 record is not where it should be"))
        }
        return Int(offset)
    }

    private func malformed(_ what: String) -> CheckpointError { CheckpointError(file.path, .malformed(what)) }
}
