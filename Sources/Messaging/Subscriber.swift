import Foundation

/// A SUB socket, for one thread: it reconnects by itself, and loses what comes while it is full or away.
package final class Subscriber {
    private let socket: Socket

    /// `queue`: messages that wait to be read, at most; ZeroMQ's 1000, if nil.
    package init(connecting endpoint: String, prefixes: [String], queue: Int32? = nil) throws(MessagingError) {
        socket = try Socket(.subscribe, queue: queue)
        for prefix in prefixes { _ = socket.subscribe(prefix) }
        try socket.connect(endpoint)
    }

    /// The next message; nil if none comes in time.
    package func next(milliseconds: Int) -> WireMessage? {
        let end = ContinuousClock.now + .milliseconds(milliseconds)
        while true {
            while let parts = socket.receive() {
                guard parts.count == 3, let seq = Int64(String(decoding: parts[1], as: UTF8.self)) else { continue }
                return WireMessage(topic: String(decoding: parts[0], as: UTF8.self), seq: seq, body: parts[2])
            }
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero else { return nil }
            let wait = Int(left / .milliseconds(1)) + 1
            guard socket.waitReadable(wake: nil, milliseconds: wait).socket else { return nil }
        }
    }
}
