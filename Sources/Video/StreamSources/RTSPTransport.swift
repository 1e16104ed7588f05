/// The transport of an RTSP camera's packets.
package enum RTSPTransport: String, Codable, Sendable, CaseIterable {
    /// TCP, or UDP if the camera refuses TCP.
    case auto
    /// Packets inside the RTSP connection: a loss becomes delay.
    case tcp
    /// Packets by UDP, sent directly to this machine: a loss becomes broken pictures.
    case udp
    case multicast
    /// RTSP inside HTTP, for networks that allow nothing else.
    case http

    /// The transport that a scheme implies, such as rtspu://; nil for others.
    package static func named(by scheme: String) -> RTSPTransport? {
        switch scheme {
        case "rtspu", "rtspsu": .udp
        case "rtspt", "rtspst": .tcp
        case "rtsph", "rtspsh": .http
        default: nil
        }
    }

    package static func isRTSP(_ uri: String) -> Bool { SourceURI.scheme(uri)?.hasPrefix("rtsp") == true }

    /// The transport of a source: as configured, else by its scheme; nil leaves the template's.
    package static func of(_ source: SourceDescription) -> RTSPTransport? {
        guard isRTSP(source.uri), let scheme = SourceURI.scheme(source.uri) else { return nil }
        if let asked = source.transport, asked != .auto { return asked }
        return named(by: scheme) ?? source.transport
    }

    /// The URI with the scheme of this transport: rtspsrc uses only transports that the scheme allows.
    package func uri(_ uri: String) -> String {
        guard let scheme = SourceURI.scheme(uri), Self.isRTSP(uri) else { return uri }
        let secure = scheme.hasPrefix("rtsps") ? "rtsps" : "rtsp"
        return secure + (self == .http ? "h" : "") + uri.dropFirst(scheme.count)
    }
}
