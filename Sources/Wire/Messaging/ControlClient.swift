package import Foundation

/// A client of a daemon's control socket: one request, one reply.
package struct ControlClient: Sendable {
    /// The greatest size of a request and of a reply in bytes.
    package static let largestRequest = Int(Socket.messageLimit)

    private let endpoint: String
    private let identity: CurveIdentity?

    /// Makes a client; `identity` has the keys for a daemon with CURVE.
    package init(_ endpoint: String, identity: CurveIdentity? = nil) {
        self.endpoint = endpoint
        self.identity = identity
    }

    /// Whether nobody listens at the endpoint; otherwise a local socket may have too many clients that connect at once.
    private var isGone: Bool { !endpoint.hasPrefix("ipc://") || !Endpoint.isListening(String(endpoint.dropFirst(6))) }

    /// Sends a request and waits for the reply on the calling thread; throws if none comes in time, or none will come.
    package func request(_ body: Data, timeout: TimeInterval) throws(MessagingError) -> Data {
        let silent = MessagingError("no daemon answers at \(endpoint); is watchwordd running?")
        try Endpoint.verify(endpoint)
        // ZeroMQ would wait for a socket that may yet be made; a person wants to know now.
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
