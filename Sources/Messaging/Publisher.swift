package import Foundation

/// The PUB socket: three parts a message, topic, decimal `seq`, JSON. Never waits; a subscriber that does not read loses.
// @unchecked: `lock` guards the socket
package final class Publisher: @unchecked Sendable {
    private let socket: Socket
    private let lock = NSLock()

    package init(binding endpoint: String) throws(MessagingError) {
        socket = try Socket(.publish)
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

/// The SUB socket of the command line.
package final class Subscriber: Sendable {
    private let socket: Socket

    package init(connecting endpoint: String, prefixes: [String]) throws(MessagingError) {
        socket = try Socket(.subscribe)
        for prefix in prefixes { _ = socket.subscribe(prefix) }
        try socket.connect(endpoint)
    }

    /// Messages as they come, until the consumer stops; a thread of its own waits for them.
    package func messages() -> AsyncStream<WireMessage> {
        let (stream, continuation) = AsyncStream<WireMessage>.makeStream(bufferingPolicy: .bufferingOldest(10_000))
        let thread = Thread { [socket] in
            var open = true
            while open {
                guard socket.waitReadable(wake: nil, milliseconds: 100).socket else {
                    if Thread.current.isCancelled { open = false }
                    continue
                }
                while let parts = socket.receive() {
                    guard parts.count == 3, let seq = Int64(String(decoding: parts[1], as: UTF8.self)) else { continue }
                    let message = WireMessage(
                        topic: String(decoding: parts[0], as: UTF8.self), seq: seq, body: parts[2])
                    if case .terminated = continuation.yield(message) { open = false }
                }
            }
        }
        thread.name = "watchword.subscriber"
        let box = ThreadBox(thread)
        continuation.onTermination = { _ in box.thread.cancel() }
        thread.start()
        return stream
    }
}

// @unchecked: only `cancel` is called, which is thread-safe
private struct ThreadBox: @unchecked Sendable {
    let thread: Thread
    init(_ thread: Thread) { self.thread = thread }
}
