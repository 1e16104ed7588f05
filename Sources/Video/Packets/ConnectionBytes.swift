/// A parser of the bytes that a server sends on an RTSP connection with interleaved RTP (RTSP over TCP).
///
/// It finds RTP packets, answers and requests. A hostile camera cannot make it use more memory than one fixed buffer.
package struct ConnectionBytes {
    package enum Piece: Equatable {
        /// An RTP or RTCP packet of an interleaved channel; the range is its place in `bytes` until the next `read`.
        case packet(channel: UInt8, Range<Int>)
        case answer
        /// A request of the server, which must be answered with this `CSeq` number.
        case request(sequence: String)
    }

    /// The error thrown when received bytes are neither an interleaved packet nor an RTSP message.
    package struct Broken: Error, Equatable {}

    /// The size of the receive buffer in bytes: room for the largest packet (65,539 bytes) and part of the next.
    static let capacity = 1 << 17
    static let maxHead = 1 << 14
    static let maxBody = 1 << 16

    package private(set) var bytes = [UInt8](repeating: 0, count: Self.capacity)
    private var start = 0
    private var end = 0
    /// The number of bytes of an RTSP message's body that have not arrived yet and will be skipped.
    private var ignored = 0

    package init() {}

    /// Lets `body` write received bytes into the free part of the buffer, and returns what `body` returned.
    ///
    /// `body` returns the number of bytes that it wrote; 0 or less means that it wrote none, as with `read(2)`.
    package mutating func read(_ body: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        if start > 0 {
            bytes.withUnsafeMutableBytes { all in
                UnsafeMutableRawBufferPointer(rebasing: all[..<(end - start)]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: all[start..<end]))
            }
            (start, end) = (0, end - start)
        }
        let count = bytes.withUnsafeMutableBytes { body(UnsafeMutableRawBufferPointer(rebasing: $0[end...])) }
        end += min(max(count, 0), bytes.count - end)
        return count
    }

    /// Returns the next complete packet or message, and removes it from the buffer; nil if more bytes are needed.
    package mutating func next() throws(Broken) -> Piece? {
        if ignored > 0 {
            let count = min(ignored, end - start)
            (start, ignored) = (start + count, ignored - count)
        }
        // Empty lines may stand between messages.
        while start < end, bytes[start] == 13 || bytes[start] == 10 { start += 1 }
        guard ignored == 0, start < end else { return nil }
        guard bytes[start] == UInt8(ascii: "$") else { return try message() }
        guard end - start >= 4 else { return nil }
        let from = start + 4
        let until = from + Int(bytes[start + 2]) << 8 + Int(bytes[start + 3])
        guard until <= end else { return nil }
        defer { start = until }
        return .packet(channel: bytes[start + 1], from..<until)
    }

    // MARK: Messages

    private mutating func message() throws(Broken) -> Piece? {
        // A message begins with a word in capital letters; other bytes are an error, found after at most four of them.
        let first = bytes[start..<min(end, start + 4)]
        guard first.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == UInt8(ascii: "_") })
        else { throw Broken() }
        guard let past = endOfHead() else {
            guard end - start < Self.maxHead else { throw Broken() }
            return nil
        }
        let lines = String(decoding: bytes[start..<past], as: UTF8.self).split(whereSeparator: \.isNewline)
        let length = Self.value("content-length", lines).map { Int($0) ?? -1 } ?? 0
        guard (0...Self.maxBody).contains(length), let line = lines.first else { throw Broken() }
        (start, ignored) = (past, length)
        if line.hasPrefix("RTSP/") { return .answer }
        guard line.hasSuffix("RTSP/1.0") || line.hasSuffix("RTSP/2.0") else { throw Broken() }
        let sequence = Self.value("cseq", lines) ?? "0"
        return .request(sequence: String(sequence.utf8.count <= 20 ? sequence : "0"))
    }

    /// Returns the index after the empty line that ends a message's header; nil if that line has not arrived yet.
    private func endOfHead() -> Int? {
        let limit = min(end, start + Self.maxHead)
        var at = start
        while at + 4 <= limit {
            if bytes[at] == 13, bytes[at + 1] == 10, bytes[at + 2] == 13, bytes[at + 3] == 10 { return at + 4 }
            at += 1
        }
        return nil
    }

    private static func value(_ name: String, _ lines: [Substring]) -> String? {
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            return String(value.prefix { $0 != " " && $0 != "\t" })
        }
        return nil
    }
}
