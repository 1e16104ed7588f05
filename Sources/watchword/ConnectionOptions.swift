import ArgumentParser
import Ingest

/// How a stream's source is connected to.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "How an RTSP camera's packets come: auto (TCP, or UDP if refused), tcp, udp, multicast, or http.")
    var transport: RTSPTransport?
    @Option(help: "A PEM file of the certificates that rtsps:// and https:// may have, or of their authorities.")
    var tlsCa: String?
    @Option(help: "The one certificate that rtsps:// and https:// may have: sha256: and its fingerprint.")
    var tlsFingerprint: String?

    var tls: TLSTrust? {
        guard tlsCa != nil || tlsFingerprint != nil else { return nil }
        return TLSTrust(ca: tlsCa.map(SourceCredentials.absolute), fingerprint: tlsFingerprint)
    }
}

extension RTSPTransport: ExpressibleByArgument {}
