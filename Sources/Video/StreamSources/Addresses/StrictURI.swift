/// The parts of a URI that every URI parser reads alike; a URI that parsers may read differently is an error.
package struct StrictURI: Sendable, Equatable {
    package let scheme: String
    /// The URI's `user:password`, as written; nil if there is none.
    package let user: String?
    /// The host in lower case, without the brackets of IPv6 and without a last dot; empty if there is none.
    package let host: String
    package let port: Int?
    /// The URI's path and query: the text from the first `/` or `?` after the host.
    package let rest: String

    /// The error that says, in words for people, why a text is not accepted as a URI.
    package struct Problem: Error, Equatable {
        package let reason: String
    }

    package init(_ text: String) throws(Problem) {
        guard let scheme = SourceURI.scheme(text), let start = text.utf8.firstRange(of: Array("://".utf8))?.upperBound
        else { throw Problem(reason: "expected a URI, as in rtsp://camera/1") }
        let after = Array(text.utf8[start...])
        guard !after.contains(where: { $0 <= 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") }) else {
            throw Problem(reason: "a space, a backslash or a control character is in it; write it as %20 and the like")
        }
        let end = after.firstIndex { "/?#".utf8.contains($0) } ?? after.count
        guard end == after.count || after[end] != UInt8(ascii: "#") else {
            throw Problem(reason: "a # follows the host")
        }
        var place = after[..<end]
        if let sign = place.firstIndex(of: UInt8(ascii: "@")) {
            user = String(decoding: place[..<sign], as: UTF8.self)
            place = place[(sign + 1)...]
        } else {
            user = nil
        }
        (host, port) = try Self.address(place)
        rest = String(decoding: after[end...], as: UTF8.self)
        self.scheme = scheme
    }

    private static func address(_ place: ArraySlice<UInt8>) throws(Problem) -> (host: String, port: Int?) {
        var (host, port) = (place, place[place.endIndex...])
        if place.first == UInt8(ascii: "[") {
            guard let close = place.firstIndex(of: UInt8(ascii: "]")) else {
                throw Problem(reason: "the address in brackets does not end")
            }
            host = place[(place.startIndex + 1)..<close]
            port = place[(close + 1)...]
            guard port.first ?? UInt8(ascii: ":") == UInt8(ascii: ":"), NetworkAddress(text(host))?.bytes != nil,
                host.contains(UInt8(ascii: ":"))
            else { throw Problem(reason: "expected an IPv6 address in the brackets") }
        } else if let colon = place.firstIndex(of: UInt8(ascii: ":")) {
            host = place[..<colon]
            port = place[colon...]
        }
        let isName = host.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: place.first == UInt8(ascii: "[")
            }
        }
        guard isName else {
            throw Problem(
                reason: "a host has letters, digits, dots and hyphens only; write a user's @ and : as %40 and %3A")
        }
        var name = text(host).lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        guard !port.isEmpty else { return (name, nil) }
        guard let number = Int(text(port.dropFirst())), (1...65_535).contains(number),
            port.dropFirst().allSatisfy({ (0x30...0x39).contains($0) })
        else { throw Problem(reason: "expected a port from 1 to 65535 after the host") }
        return (name, number)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    /// The URI's port, or the default port of its scheme; nil if neither is known.
    package var portOrUsual: Int? {
        if let port { return port }
        return switch scheme {
        case "http": 80
        case "https": 443
        case "rtmp": 1935
        case "rtmps": 443
        case "rtsps", "rtspsu", "rtspst", "rtspsh": 322
        case "rtsp", "rtspu", "rtspt", "rtsph": 554
        default: nil
        }
    }

    /// Returns true if user and password for another URI may be sent to this one, to which it redirects.
    ///
    /// They must have the same host, scheme and port. `https` may follow `http` at the same port, or at its usual
    /// port after HTTP's.
    package func mayGetCredentials(of other: StrictURI) -> Bool {
        guard host == other.host else { return false }
        if scheme == other.scheme { return portOrUsual == other.portOrUsual }
        guard scheme == "https", other.scheme == "http" else { return false }
        return portOrUsual == other.portOrUsual || portOrUsual == 443 && other.portOrUsual == 80
    }

    /// Returns the URI with another host (nil keeps it) and another user (nil removes it).
    package func with(host: String? = nil, user: String?) -> String {
        let place = host ?? self.host
        return "\(scheme)://\(user.map { "\($0)@" } ?? "")\(place.contains(":") ? "[\(place)]" : place)"
            + "\(port.map { ":\($0)" } ?? "")\(rest)"
    }
}
