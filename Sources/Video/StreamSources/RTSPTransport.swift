/// The transport of an RTSP camera's packets.
package enum RTSPTransport: String, Codable, Sendable, CaseIterable {
    /// TCP, or UDP if the camera refuses TCP.
    case auto
    /// RTP packets inside the RTSP connection (TCP): a lost packet is sent again, so it only delays the video.
    case tcp
    /// RTP packets by UDP, sent directly to this machine: a lost packet damages pictures.
    case udp
    case multicast
    /// RTSP inside HTTP, for networks that allow nothing else.
    case http

    /// Returns the transport that a URI scheme implies, such as UDP for `rtspu`; nil for schemes that imply none.
    package static func named(by scheme: String) -> RTSPTransport? {
        switch scheme {
        case "rtspu", "rtspsu": .udp
        case "rtspt", "rtspst": .tcp
        case "rtsph", "rtspsh": .http
        default: nil
        }
    }

    package static func isRTSP(_ uri: String) -> Bool { SourceURI.scheme(uri)?.hasPrefix("rtsp") == true }

    /// Returns the transport to use for a source; nil if it is not RTSP, or neither its setting nor its scheme says.
    ///
    /// A setting other than `auto` comes first, then the URI's scheme.
    package static func of(_ source: SourceDescription) -> RTSPTransport? {
        guard isRTSP(source.uri), let scheme = SourceURI.scheme(source.uri) else { return nil }
        if let asked = source.transport, asked != .auto { return asked }
        return named(by: scheme) ?? source.transport
    }

    /// Returns an RTSP URI whose scheme allows this transport: `rtsph` or `rtspsh` for HTTP, else `rtsp` or `rtsps`.
    ///
    /// GStreamer's `rtspsrc` uses only transports that the scheme allows. Other URIs are returned unchanged.
    package func uri(_ uri: String) -> String {
        guard let scheme = SourceURI.scheme(uri), Self.isRTSP(uri) else { return uri }
        let secure = scheme.hasPrefix("rtsps") ? "rtsps" : "rtsp"
        return secure + (self == .http ? "h" : "") + uri.dropFirst(scheme.count)
    }
}
