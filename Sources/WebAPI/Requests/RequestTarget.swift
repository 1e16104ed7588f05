/// The target of an HTTP request: the path's segments and the query string's fields, percent-decoded.
package struct RequestTarget: Sendable, Equatable {
    package struct Field: Sendable, Equatable {
        package let name: String
        package let value: String
    }

    package let segments: [String]
    package let query: [Field]

    /// The greatest length of a request's target in bytes.
    package static let longest = 8192

    /// Parses a target such as "/a/b%20c?d=e&f=g"; "+" means a space, but only in the query string.
    package init(_ target: String) throws(Refusal) {
        let bytes = target.utf8
        guard bytes.count <= Self.longest else {
            throw Refusal(414, "too-large", "the target has \(bytes.count) bytes, at most \(Self.longest) are taken")
        }
        guard bytes.first == UInt8(ascii: "/") else {
            throw Refusal(400, "bad-request", "a request's target begins with /")
        }
        let parts = bytes.prefix { $0 != UInt8(ascii: "#") }
            .split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        var segments: [String] = []
        for part in parts[0].dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            segments.append(try Self.decoded(part, plusIsSpace: false))
        }
        self.segments = segments
        var query: [Field] = []
        for part in parts.count > 1 ? parts[1].split(separator: UInt8(ascii: "&")) : [] {
            let sides = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            query.append(
                Field(
                    name: try Self.decoded(sides[0], plusIsSpace: true),
                    value: sides.count > 1 ? try Self.decoded(sides[1], plusIsSpace: true) : ""))
        }
        self.query = query
    }

    private static func decoded(_ bytes: Substring.UTF8View, plusIsSpace: Bool) throws(Refusal) -> String {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
                    throw Refusal(400, "bad-request", "after a % in the target two hexadecimal digits are expected")
                }
                decoded.append(high << 4 | low)
            } else {
                decoded.append(plusIsSpace && byte == UInt8(ascii: "+") ? 0x20 : byte)
            }
        }
        guard let text = String(validating: decoded, as: UTF8.self) else {
            throw Refusal(400, "bad-request", "the target is not UTF-8")
        }
        return text
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
