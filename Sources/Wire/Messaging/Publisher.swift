import Dispatch
package import Foundation

/// The daemon's publishing socket (ZeroMQ PUB), whose messages have three parts: topic, decimal `seq` and JSON.
///
/// Publishing never waits; a subscriber that does not read loses messages.
// @unchecked: `lock` guards the socket; the timer is thread-safe
package final class Publisher: @unchecked Sendable {
    private let socket: Socket
    private let lock = NSLock()
    private let timer: any DispatchSourceTimer
    /// The greatest size in bytes of a message from a subscriber, which is the topic prefix that it subscribes to.
    ///
    /// ZeroMQ closes the connection of a subscriber that sends more. Its client reconnects and sends the prefix again,
    /// so none of its subscriptions takes effect. The limit is far above the size of every topic, but a prefix takes
    /// about thirty times its size in memory here.
    private static let largestSubscription: Int64 = 65_536

    /// Binds the publishing socket; with `gate`, only the clients in its list receive messages.
    ///
    /// `queue` is the number of messages that can wait for a subscriber, further ones are dropped; nil means ZeroMQ's
    /// default, 1000.
    package init(
        binding endpoint: String, queue: Int32? = nil, gate: CurveGate? = nil
    ) throws(MessagingError) {
        socket = try Socket(.publish, queue: queue, largest: Self.largestSubscription)
        if let gate { try Doorkeeper.shared().guardSocket(socket, by: gate) }
        try socket.bind(endpoint)
        // Created last, because releasing a timer that was never activated is a crash.
        timer = DispatchSource.makeTimerSource()
        // ZeroMQ frees ended connections only while their socket is used. Without this timer, they would stay in memory
        // while nothing is published.
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

/// A message as a subscriber receives it; `body` is JSON.
package struct WireMessage: Sendable, Equatable {
    package let topic: String
    package let seq: Int64
    package let body: Data
}
