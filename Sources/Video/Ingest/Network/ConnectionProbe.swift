import CGStreamer
package import StreamSources

/// Finds the step at which connecting to a server fails, by doing the steps one by one.
///
/// It is for sources whose own error does not tell the cause. It connects to the server, sends no request, and closes.
/// It blocks; the end of the source cancels it.
package final class ConnectionProbe: Sendable {
    package enum Outcome: Equatable, Sendable {
        case connected
        case unresolved
        case noNameServer
        case refused
        case unreachable
        case timedOut
        /// The server's TLS certificate is not accepted: the reason in words, and the certificate's fingerprint.
        case badCertificate(String, fingerprint: String = "")
        case noTLS
        case notConnected
    }

    private static let connecting: UInt32 = 2

    private let limit: Int
    /// Ends each run by a cancellable of its own, since one that was cancelled stays so.
    private let cancellation = FetchCancellation()

    /// Makes a probe; `limit` is the time limit of all steps of a run together, in seconds, shorter than the time after
    /// which a silent live source is closed.
    package init(limit: Int = 4) { self.limit = limit }

    func cancel() { cancellation.cancel() }

    package func run(_ server: ServerAddress, trusting database: TLSDatabase? = nil) -> Outcome {
        cancellation.limit(seconds: limit)
        var handshake = ww_handshake()
        handshake.database = database?.pointer
        let outcome = ww_connect(
            server.host, server.port, server.isTLS ? 1 : 0, Self.connecting,
            cancellation.pointer?.assumingMemoryBound(to: GCancellable.self), &handshake)
        return switch outcome {
        case WW_CONNECTED: .connected
        case WW_UNRESOLVED: .unresolved
        case WW_NO_NAME_SERVER: .noNameServer
        case WW_REFUSED: .refused
        case WW_UNREACHABLE: .unreachable
        case WW_TIMED_OUT: .timedOut
        case WW_BAD_CERTIFICATE:
            .badCertificate(
                Self.words(handshake.errors), fingerprint: Self.fingerprint(&handshake))
        case WW_NO_TLS: .noTLS
        default: .notConnected
        }
    }

    private static func fingerprint(_ handshake: inout ww_handshake) -> String {
        withUnsafeBytes(of: &handshake.fingerprint) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func words(_ errors: GTlsCertificateFlags) -> String {
        let all = [
            (G_TLS_CERTIFICATE_UNKNOWN_CA, "it is signed by itself or by an authority that is unknown here"),
            (G_TLS_CERTIFICATE_BAD_IDENTITY, "it is for another name"),
            (G_TLS_CERTIFICATE_NOT_ACTIVATED, "it is not valid yet; check the clocks"),
            (G_TLS_CERTIFICATE_EXPIRED, "it has expired"), (G_TLS_CERTIFICATE_REVOKED, "it has been revoked"),
            (G_TLS_CERTIFICATE_INSECURE, "its algorithm is insecure"),
        ]
        let found = all.filter { errors.rawValue & $0.0.rawValue != 0 }.map(\.1)
        return found.isEmpty ? "it is not accepted" : found.joined(separator: ", and ")
    }
}
