import Dispatch
package import Foundation

/// The PUB socket: three parts a message, topic, decimal `seq`, JSON. Never waits; a subscriber that does not read
/// loses.
// @unchecked: `lock` guards the socket; the timer is thread-safe
package final class Publisher: @unchecked Sendable {
    private let socket: Socket
    private let lock = NSLock()
    private let timer: any DispatchSourceTimer
    /// Bytes of the largest message that a subscriber may send: the prefix that it subscribes to.
    ///
    /// ZeroMQ ends the connection of one that sends more, and its client connects and sends it again, so that none of
    /// its subscriptions is heard. It is far above every topic, but bounded: a prefix costs some thirty times its bytes
    /// here.
    private static let largestSubscription: Int64 = 65_536

    /// Binds the socket; with a gate, only its clients hear anything.
    ///
    /// `queue`: messages that wait for a subscriber who does not read, before it loses the next; ZeroMQ's 1000, if nil.
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

/// A message as a subscriber sees it.
package struct WireMessage: Sendable, Equatable {
    package let topic: String
    package let seq: Int64
    package let body: Data
}
