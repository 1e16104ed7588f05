/// Transport of an RTSP camera's packets.
package enum RTSPTransport: String, Codable, Sendable, CaseIterable {
    /// TCP; UDP where the camera refuses TCP.
    case auto
    /// Packets within the RTSP connection: lost ones become delay.
    case tcp
    /// Packets by UDP, straight to this machine: lost ones become broken pictures.
    case udp
    case multicast
    /// RTSP within HTTP, for networks that let nothing else through.
    case http

    /// The transport that a scheme names by itself, as rtspu:// does.
    package static func named(by scheme: String) -> RTSPTransport? {
        switch scheme {
        case "rtspu", "rtspsu": .udp
        case "rtspt", "rtspst": .tcp
        case "rtsph", "rtspsh": .http
        default: nil
        }
    }

    package static func isRTSP(_ uri: String) -> Bool { SourceURI.scheme(uri)?.hasPrefix("rtsp") == true }

    /// The transport of a source: what is asked for, else what its scheme names; nil leaves the template's.
    package static func of(_ source: SourceDescription) -> RTSPTransport? {
        guard isRTSP(source.uri), let scheme = SourceURI.scheme(source.uri) else { return nil }
        if let asked = source.transport, asked != .auto { return asked }
        return named(by: scheme) ?? source.transport
    }

    /// The URI with the scheme that goes with this: rtspsrc takes no transport that the scheme does not name.
    package func uri(_ uri: String) -> String {
        guard let scheme = SourceURI.scheme(uri), Self.isRTSP(uri) else { return uri }
        let secure = scheme.hasPrefix("rtsps") ? "rtsps" : "rtsp"
        return secure + (self == .http ? "h" : "") + uri.dropFirst(scheme.count)
    }
}
