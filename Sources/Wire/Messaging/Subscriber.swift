import Foundation

/// A subscriber (ZeroMQ SUB socket) for one thread.
///
/// It reconnects automatically, and loses messages while its queue is full or it is disconnected.
package final class Subscriber {
    private let socket: Socket
    private let watch: HandshakeWatch
    /// The greatest size in bytes of a topic prefix; no topic is longer.
    package static let longestPrefix = 256

    /// Connects to the publishing socket at `endpoint`, and subscribes to topics that begin with one of the prefixes.
    ///
    /// `queue` is the number of unread messages that are kept; nil means ZeroMQ's default, 1000. `identity` has the
    /// keys for a daemon that uses CURVE.
    package init(
        connecting endpoint: String, prefixes: [String], queue: Int32? = nil, identity: CurveIdentity? = nil
    ) throws(MessagingError) {
        for prefix in prefixes where prefix.utf8.count > Self.longestPrefix || prefix.utf8.contains(0) {
            throw MessagingError(
                "a prefix of topics has at most \(Self.longestPrefix) bytes and no NUL, this one has \(prefix.utf8.count)"
            )
        }
        socket = try Socket(.subscribe, queue: queue)
        if let identity { try socket.speakCurve(as: identity) }
        watch = try HandshakeWatch(socket, endpoint, hasKeys: identity != nil)
        for prefix in prefixes where !socket.subscribe(prefix) {
            throw MessagingError("ZeroMQ does not subscribe to \"\(prefix)\": \(Socket.errorText)")
        }
        try socket.connect(endpoint)
    }

    /// Waits for the next message; returns nil if none arrives within this time.
    ///
    /// Throws if the daemon refuses this client.
    package func next(milliseconds: Int) throws(MessagingError) -> WireMessage? {
        let end = ContinuousClock.now + .milliseconds(milliseconds)
        while true {
            while let news = watch.next() { if case .denied(let error) = news { throw error } }
            while let parts = socket.receive() {
                guard parts.count == 3, let seq = Int64(String(decoding: parts[1], as: UTF8.self)) else { continue }
                return WireMessage(topic: String(decoding: parts[0], as: UTF8.self), seq: seq, body: parts[2])
            }
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero else { return nil }
            _ = Socket.waitReadable([socket, watch.events], wake: nil, milliseconds: Int(left / .milliseconds(1)) + 1)
        }
    }
}
