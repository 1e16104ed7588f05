import Dispatch
package import Foundation

/// The PUB socket: a message has three parts, topic, decimal `seq`, and JSON.
///
/// It never waits; a subscriber that does not read loses messages.
// @unchecked: `lock` guards the socket; the timer is thread-safe
package final class Publisher: @unchecked Sendable {
    private let socket: Socket
    private let lock = NSLock()
    private let timer: any DispatchSourceTimer
    /// The greatest size in bytes of a message from a subscriber: the prefix that it subscribes to.
    ///
    /// ZeroMQ closes the connection of a subscriber that sends more. Its client reconnects and sends it again, so none
    /// of its subscriptions takes effect. The limit is far above every topic, but a prefix costs some thirty times its
    /// size here.
    private static let largestSubscription: Int64 = 65_536

    /// Binds the socket; with a gate, only its clients receive anything.
    ///
    /// `queue` is the number of messages that wait for a subscriber before it loses the next; nil means ZeroMQ's
    /// default, 1000.
    package init(
        binding endpoint: String, queue: Int32? = nil, gate: CurveGate? = nil
    ) throws(MessagingError) {
        socket = try Socket(.publish, queue: queue, largest: Self.largestSubscription)
        if let gate { try Doorkeeper.shared().guardSocket(socket, by: gate) }
        try socket.bind(endpoint)
        // Made last: one that is let go before it was activated would be a crash.
        timer = DispatchSource.makeTimerSource()
        // ZeroMQ lets go of a connection that has ended only while its socket is used: with nothing to publish, a crowd
        // that comes and goes would stay in memory.
        timer.setEventHandler { [weak self] in self?.settle() }
        timer.schedule(deadline: .now(), repeating: .milliseconds(100), leeway: .milliseconds(50))
        timer.activate()
    }

    deinit { timer.cancel() }

    private func settle() { lock.withLock { socket.settle() } }

    package func publish(topic: String, seq: Int64, body: Data) {
        lock.withLock { _ = socket.send([Data(topic.utf8), Data("\(seq)".utf8), body]) }
    }
}

/// A message as a subscriber receives it.
package struct WireMessage: Sendable, Equatable {
    package let topic: String
    package let seq: Int64
    package let body: Data
}
