import CZeroMQ
import Foundation

/// Watches the connection of a client's socket, so that a refusal by the daemon becomes an error, not a timeout.
final class HandshakeWatch {
    let events: Socket
    private let endpoint: String
    private let hasKeys: Bool
    private let socket: Socket
    private var isConnected = false
    /// The number of handshakes that ended without a reason; the daemon may only have closed the connection early.
    private var failures = 0
    /// The number of handshakes that end without a reason after which the connection counts as refused by the daemon.
    private static let patience = 5

    /// Begins to watch a socket; call it before the socket connects.
    init(_ socket: Socket, _ endpoint: String, hasKeys: Bool) throws(MessagingError) {
        self.endpoint = endpoint
        self.hasKeys = hasKeys
        self.socket = socket
        events = try socket.monitor(
            "inproc://watchword-client-\(UUID().uuidString)",
            ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED)
    }

    deinit { socket.endMonitor() }

    /// A change of the connection's state.
    enum News {
        case connected
        /// The connection has ended after a successful handshake.
        case lost
        /// The connection failed because no process listens at the endpoint.
        case unreachable
        case denied(MessagingError)
    }

    func next() -> News? {
        guard let event = events.receiveEvent() else { return nil }
        switch event.kind {
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
            isConnected = true
            return .connected
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
            return .denied(
                denial("does not let this key in; is it in the daemon's file of clients?"))
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL where event.value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            return .denied(
                denial(
                    hasKeys
                        ? "does not speak CURVE; leave --curve-key and --server-key out"
                        : "speaks only CURVE; give --curve-key and --server-key"))
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            failures += 1
            guard failures >= Self.patience else { return next() }
            return .denied(
                denial(
                    hasKeys
                        ? "breaks the handshake off; is --server-key its public key, or does it not speak CURVE?"
                        : "breaks the handshake off, as one does that speaks only CURVE; give --curve-key and --server-key"
                ))
        case ZMQ_EVENT_CLOSED:
            return .unreachable
        default:
            return isConnected ? .lost : next()
        }
    }

    private func denial(_ what: String) -> MessagingError {
        MessagingError("the daemon at \(endpoint) \(what)", isDenied: true)
    }
}
