package import Foundation

/// The PUB socket: three parts a message, topic, decimal `seq`, JSON. Never waits; a subscriber that does not read loses.
// @unchecked: `lock` guards the socket
package final class Publisher: @unchecked Sendable {
    private let socket: Socket
    private let lock = NSLock()

    /// `queue`: messages that wait for a subscriber who does not read, before it loses the next; ZeroMQ's 1000, if nil.
    package init(binding endpoint: String, queue: Int32? = nil) throws(MessagingError) {
        socket = try Socket(.publish, queue: queue)
        try socket.bind(endpoint)
    }

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
