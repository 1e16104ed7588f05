import Foundation

/// Extracts the parts of a multipart body from pieces of any size, as for MJPEG that cameras send over HTTP.
///
/// It accepts the deviations of cameras: a boundary with its own dashes in the header, no boundary before the first
/// part, another boundary than the header's, line ends of LF alone, and missing or wrong lengths. Memory is bounded:
/// headers and parts that are too large are skipped and counted.
package struct MultipartParser {
    package struct Part: Equatable {
        /// The part's media type in lower case, without parameters; empty if it has none.
        package let type: String
        package let body: [UInt8]
    }

    /// The greatest size of a multipart part in bytes, more than the largest pictures that are decoded.
    package static let maxPart = 32 << 20
    /// The greatest size in bytes of a part's headers, and of a line before them.
    package static let maxHeaders = 16 << 10

    private enum State {
        case beforePart
        case headers
        /// The parser reads a part's body, with its length if the part's headers state one.
        case body(Int?)
        /// The parser skips the rest of a part that is too large.
        case leftOut
    }

    private var state = State.beforePart
    private var buffer: [UInt8] = []
    /// The index of the first byte in `buffer` that has not been parsed.
    private var start = 0
    /// The index in `buffer` up to which no line end or delimiter was found, so the search continues there.
    private var scanned = 0
    /// The multipart boundary without leading dashes; empty while it is unknown.
    private var boundary: [UInt8]
    /// The multipart boundary with its dashes, as it stands before each part.
    private var delimiter: [UInt8]
    /// True once the boundary has been seen in the body.
    private var isKnown = false
    private var type = ""
    private var length: Int?
    private var headerBytes = 0
    /// True until the first part begins.
    private var isFirst = true
    /// The number of parts skipped because they or their headers were too large.
    package private(set) var leftOut: UInt64 = 0

    /// Makes a parser; `boundary` is that of the HTTP header, and is learnt from the body if it is empty or wrong.
    package init(boundary: String) {
        self.boundary = Array(boundary.utf8.drop { $0 == Self.dash }.prefix(256))
        delimiter = self.boundary.isEmpty ? [] : [Self.dash, Self.dash] + self.boundary
    }

    /// Returns the boundary in a `Content-Type`; empty if it has none, nil if the type is not multipart.
    package static func boundary(of contentType: String) -> String? {
        let parts = contentType.split(separator: ";", omittingEmptySubsequences: false)
        let type = parts.first?.trimmingCharacters(in: .whitespaces).lowercased() ?? ""
        guard type.hasPrefix("multipart/") else { return nil }
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, pair[0].trimmingCharacters(in: .whitespaces).lowercased() == "boundary" else {
                continue
            }
            return pair[1].trimmingCharacters(in: CharacterSet(charactersIn: " \t\""))
        }
        return ""
    }

    /// Adds the next bytes of the multipart body; returns the parts that are now complete.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) -> [Part] {
        buffer.append(contentsOf: bytes)
        var parts: [Part] = []
        while step(&parts) {}
        // The buffer is moved once for each call, not for each part in it.
        if start > 0 {
            buffer.removeFirst(start)
            (scanned, start) = (max(0, scanned - start), 0)
        }
        return parts
    }

    package mutating func append(_ bytes: [UInt8]) -> [Part] { bytes.withUnsafeBytes { append($0) } }

    /// Parses one line or one part; false if more bytes are needed for it.
    private mutating func step(_ parts: inout [Part]) -> Bool {
        switch state {
        case .beforePart, .headers:
            guard let line = nextLine() else { return false }
            if case .headers = state { header(line) } else { preamble(line) }
            return true
        case .body(let told?):
            guard buffer.count - start >= told else { return false }
            finish(told: told, &parts)
            return true
        case .body(nil), .leftOut:
            guard let found = nextDelimiter() else {
                forgetIfTooLarge()
                return false
            }
            if case .body = state { finish(at: found, &parts) } else { advance(to: found) }
            state = .beforePart
            return true
        }
    }

    // MARK: Lines

    private static let dash = UInt8(ascii: "-")
    private static let (lf, cr) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))

    /// Returns the next line without its line end; nil if it has not fully arrived.
    private mutating func nextLine() -> ArraySlice<UInt8>? {
        let from = max(start, scanned)
        guard let end = Self.index(of: Self.lf, in: buffer, from: from) else {
            scanned = buffer.count
            if buffer.count - start > Self.maxHeaders {
                // These bytes are no line: they are pictures without part headers, or something else.
                leaveOut()
                advance(to: buffer.count)
            }
            return nil
        }
        let line = buffer[start..<(end > start && buffer[end - 1] == Self.cr ? end - 1 : end)]
        advance(to: end + 1)
        return line
    }

    private static func index(of byte: UInt8, in bytes: [UInt8], from: Int) -> Int? {
        guard from < bytes.count else { return nil }
        return bytes.withUnsafeBytes { all in
            guard let base = all.baseAddress, let hit = memchr(base + from, Int32(byte), all.count - from) else {
                return nil
            }
            return UnsafeRawPointer(hit) - base
        }
    }

    private mutating func advance(to index: Int) { (start, scanned) = (index, index) }

    /// Parses a line before a part: a boundary, an empty line, or headers of a first part without boundary.
    private mutating func preamble(_ line: ArraySlice<UInt8>) {
        let text = line.suffix(from: line.firstIndex { $0 != 0x20 } ?? line.endIndex)
        let trimmed = text.prefix(upTo: (text.lastIndex { $0 != 0x20 && $0 != 0x09 } ?? text.startIndex - 1) + 1)
        guard !trimmed.isEmpty else { return }
        let dashes = trimmed.prefix { $0 == Self.dash }.count
        let rest = trimmed.dropFirst(dashes)
        if !boundary.isEmpty, rest.starts(with: boundary), rest.count == boundary.count || isEnd(rest) {
            // Some cameras go on after the closing boundary.
            delimiter = Array(trimmed.prefix(dashes)) + boundary
            isKnown = true
            return isEnd(rest) ? () : begin()
        }
        if !isKnown, dashes >= 2, !rest.isEmpty, rest.count <= 256, rest.allSatisfy({ 0x20..<0x7F ~= $0 }) {
            // The body's boundary differs from the HTTP header's.
            boundary = Array(rest)
            delimiter = Array(trimmed)
            isKnown = true
            return begin()
        }
        // Some cameras send no boundary before the first part.
        if isFirst, Self.name(of: trimmed)?.hasPrefix("content-") == true {
            begin()
            header(line)
        }
    }

    private func isEnd(_ rest: ArraySlice<UInt8>) -> Bool {
        rest.count == boundary.count + 2 && rest.suffix(2).allSatisfy { $0 == Self.dash }
    }

    private mutating func begin() {
        (state, type, length, headerBytes, isFirst) = (.headers, "", nil, 0, false)
    }

    private mutating func header(_ line: ArraySlice<UInt8>) {
        guard !line.isEmpty else {
            if let told = length, told > Self.maxPart { return leaveOut() }
            state = .body(length)
            return
        }
        headerBytes += line.count
        guard headerBytes <= Self.maxHeaders else { return leaveOut() }
        guard let name = Self.name(of: line), let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
        let value = String(decoding: line[(colon + 1)...], as: UTF8.self).trimmingCharacters(in: .whitespaces)
        switch name {
        case "content-type": type = value.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
        case "content-length": length = Int(value).flatMap { $0 > 0 ? $0 : nil }
        default: break
        }
    }

    private static func name(of line: ArraySlice<UInt8>) -> String? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon - line.startIndex <= 64 else { return nil }
        return String(decoding: line[..<colon], as: UTF8.self).trimmingCharacters(in: .whitespaces).lowercased()
    }

    // MARK: Bodies

    /// Returns the index of the next delimiter in `buffer`; nil until it and the byte after it have arrived.
    private mutating func nextDelimiter() -> Int? {
        var from = max(start, scanned)
        let needle = delimiter.isEmpty ? [Self.lf, Self.dash, Self.dash] : delimiter
        while let hit = Self.index(of: needle[0], in: buffer, from: from) {
            guard hit + needle.count < buffer.count else {
                scanned = hit
                return nil
            }
            if buffer[hit..<hit + needle.count].elementsEqual(needle) {
                if delimiter.isEmpty { return hit + 1 }
                let next = buffer[hit + needle.count]
                if [Self.lf, Self.cr, Self.dash, 0x20, 0x09].contains(next) { return hit }
            }
            from = hit + 1
        }
        scanned = buffer.count
        return nil
    }

    /// Returns the index of a delimiter that has begun before `end` and may continue after it; nil if there is none.
    private func beginningDelimiter(before end: Int) -> Int? {
        for count in stride(from: min(delimiter.count, end - start), to: 2, by: -1)
        where buffer[end - count..<end].elementsEqual(delimiter.prefix(count)) {
            return end - count
        }
        return nil
    }

    /// Ends a part's body at index `end`, where a delimiter begins; the line end before it is not part of the body.
    private mutating func finish(at end: Int, _ parts: inout [Part]) {
        var last = end
        if last > start, buffer[last - 1] == Self.lf { last -= 1 }
        if last > start, buffer[last - 1] == Self.cr { last -= 1 }
        add(start..<last, &parts)
        advance(to: end)
    }

    /// Ends a body whose headers stated `told` bytes, unless the body shows that this length is wrong.
    private mutating func finish(told: Int, _ parts: inout [Part]) {
        let end = start + told
        scanned = start
        // Bytes behind the body are not examined: they may not have arrived yet.
        let inside = nextDelimiter().flatMap { $0 + max(delimiter.count, 2) < end ? $0 : nil }
        if let found = inside ?? beginningDelimiter(before: end) {
            finish(at: found, &parts)
        } else if Self.isCut(buffer[start..<end]) {
            scanned = start
            state = .body(nil)
            return
        } else {
            add(start..<end, &parts)
            advance(to: end)
        }
        state = .beforePart
    }

    private mutating func add(_ range: Range<Int>, _ parts: inout [Part]) {
        guard range.count <= Self.maxPart else { return leftOut += 1 }
        if !range.isEmpty { parts.append(Part(type: type, body: Array(buffer[range]))) }
    }

    /// Returns true if the bytes begin like a JPEG but lack its end marker.
    private static func isCut(_ body: ArraySlice<UInt8>) -> Bool { body.starts(with: [0xFF, 0xD8]) && !hasEnd(body) }

    /// Returns true if JPEG's end marker is among the last 4096 bytes; some cameras add padding after it.
    package static func hasEnd(_ body: ArraySlice<UInt8>) -> Bool {
        let tail = body.suffix(4096)
        return zip(tail, tail.dropFirst()).contains { $0 == 0xFF && $1 == 0xD9 }
    }

    private mutating func leaveOut() {
        leftOut += 1
        state = .leftOut
    }

    private mutating func forgetIfTooLarge() {
        if case .body = state, buffer.count - start > Self.maxPart { leaveOut() }
        guard case .leftOut = state else { return }
        // The end of the buffer is kept, because a delimiter may have begun there.
        advance(to: max(start, buffer.count - delimiter.count - 4))
    }
}
