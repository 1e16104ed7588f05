package import ArgumentParser
package import StreamSources

/// The options for connecting to a stream's source.
package struct ConnectionOptions: ParsableArguments {
    @Option(help: "How an RTSP camera's packets come: auto (TCP, or UDP if refused), tcp, udp, multicast, or http.")
    package var transport: RTSPTransport?
    @Option(help: "A PEM file of the certificates that rtsps:// and https:// may have, or of their authorities.")
    package var tlsCa: String?
    @Option(help: "The one certificate that rtsps:// and https:// may have: sha256: and its fingerprint.")
    package var tlsFingerprint: String?

    package init() {}

    /// The certificates that the options name as trusted; nil if no such option is given.
    package var tls: TLSTrust? {
        guard tlsCa != nil || tlsFingerprint != nil else { return nil }
        return TLSTrust(ca: tlsCa.map(SourceCredentials.absolute), fingerprint: tlsFingerprint)
    }
}
