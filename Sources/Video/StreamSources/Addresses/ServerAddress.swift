import Foundation

/// The host and port of the server that a URI names.
package struct ServerAddress: Equatable, CustomStringConvertible {
    package let host: String
    package let port: UInt16
    package let isTLS: Bool
    /// True if the URI has a user before the host, as in `rtsp://user@host/`.
    package let hasUser: Bool

    /// Reads host and port from a URI; nil if the scheme has no known default port or there is no host.
    package init?(_ uri: String) {
        let scheme = SourceURI.scheme(uri) ?? ""
        let ports: [String: UInt16] = [
            "rtsp": 554, "rtspt": 554, "rtspu": 554, "rtsph": 554, "rtsps": 322, "rtspst": 322, "rtspsu": 322,
            "rtspsh": 322, "http": 80, "https": 443, "rtmp": 1935, "rtmps": 443,
        ]
        guard let usual = ports[scheme], let start = uri.range(of: "://")?.upperBound else { return nil }
        let authority = uri[start...].prefix { !"/?#".contains($0) }
        hasUser = authority.contains("@")
        let place = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        let isBracketed = place.first == "["
        let end = isBracketed ? place.firstIndex(of: "]") ?? place.endIndex : place.lastIndex(of: ":") ?? place.endIndex
        let name = isBracketed ? place[..<end].dropFirst() : place[..<end]
        guard !name.isEmpty else { return nil }
        let rest = place[end...].drop { $0 == "]" }
        host = String(name)
        port = rest.first == ":" ? UInt16(rest.dropFirst()) ?? usual : usual
        isTLS = ["https", "rtmps"].contains(scheme) || scheme.hasPrefix("rtsps")
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
