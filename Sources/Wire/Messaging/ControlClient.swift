package import Foundation

/// A client of a daemon's control socket, which sends a request and waits for its reply.
package struct ControlClient: Sendable {
    /// The greatest size in bytes of a request, and also of a reply.
    package static let largestRequest = Int(Socket.messageLimit)

    private let endpoint: String
    private let identity: CurveIdentity?

    /// Makes a client of the control socket at `endpoint`; `identity` has the keys for a daemon that uses CURVE.
    package init(_ endpoint: String, identity: CurveIdentity? = nil) {
        self.endpoint = endpoint
        self.identity = identity
    }

    /// True if no process listens at a local endpoint; always true for endpoints that are not local.
    ///
    /// A local socket can refuse a connection although a process listens, if too many clients connect at once.
    private var isGone: Bool { !endpoint.hasPrefix("ipc://") || !Endpoint.isListening(String(endpoint.dropFirst(6))) }

    /// Sends a request and waits for the reply on the calling thread.
    ///
    /// Throws after `timeout` seconds, or at once if the daemon is not running, refuses this client or closes the
    /// connection.
    package func request(_ body: Data, timeout: TimeInterval) throws(MessagingError) -> Data {
        let silent = MessagingError("no daemon answers at \(endpoint); is watchwordd running?")
        try Endpoint.verify(endpoint)
        // ZeroMQ would wait for the socket file to appear, but a person wants to know at once that it is missing.
        if endpoint.hasPrefix("ipc://"), isGone { throw silent }
        let socket = try Socket(.request)
        if let identity { try socket.speakCurve(as: identity) }
        let watch = try HandshakeWatch(socket, endpoint, hasKeys: identity != nil)
        try socket.connect(endpoint)
        guard socket.send([Data(), body]) else { throw silent }
        let end = ContinuousClock.now + .seconds(timeout)
        while true {
            if let reply = socket.receive()?.last { return reply }
            while let news = watch.next() {
                switch news {
                case .connected: break
                case .unreachable where isGone: throw silent
                case .unreachable: break
                case .lost:
                    if let reply = socket.receive()?.last { return reply }
                    throw MessagingError("the daemon at \(endpoint) closed the connection before it answered")
                case .denied(let error): throw error
                }
            }
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero else { throw silent }
            _ = Socket.waitReadable([socket, watch.events], wake: nil, milliseconds: Int(left / .milliseconds(1)) + 1)
        }
    }
}
