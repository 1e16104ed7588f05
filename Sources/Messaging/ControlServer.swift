import CZeroMQ
package import Foundation
import Synchronization

/// The ROUTER socket: one JSON request, one JSON reply. Has a thread of its own; the work is done elsewhere.
///
/// At most `inFlight` requests are being worked on; more are answered "busy". REQ clients (an empty frame before the
/// request) and DEALER clients (with or without it) are served alike.
// @unchecked: `replies` is behind a lock; the socket is the thread's alone
package final class ControlServer: @unchecked Sendable {
    private let socket: Socket
    private let wake: Int32
    private let handler: @Sendable (Data) async -> Data
    private let busy: Data
    private let limit: Int
    private let replies = Mutex<[[Data]]>([])
    private let working = Atomic(0)
    private let stopping = Atomic(false)
    private let stopped = DispatchSemaphore(value: 0)

    package init(
        binding endpoint: String, inFlight: Int = 64, busy: Data, handler: @escaping @Sendable (Data) async -> Data
    ) throws(MessagingError) {
        socket = try Socket(.router)
        try socket.bind(endpoint)
        wake = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        self.handler = handler
        self.busy = busy
        limit = inFlight
        let thread = Thread { [self] in run() }
        thread.name = "watchword.control"
        thread.start()
    }

    deinit { close(wake) }

    /// Stops answering; returns when the thread has ended.
    package func stop() {
        guard !stopping.exchange(true, ordering: .acquiringAndReleasing) else { return }
        ring()
        stopped.wait()
    }

    private func ring() {
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
    }

    private func run() {
        defer { stopped.signal() }
        while !stopping.load(ordering: .acquiring) {
            let ready = socket.waitReadable(wake: wake, milliseconds: 1000)
            if ready.wake {
                var count: UInt64 = 0
                _ = read(wake, &count, 8)
            }
            for parts in replies.withLock({ waiting in
                defer { waiting = [] }
                return waiting
            }) {
                _ = socket.send(parts)
            }
            if ready.socket { while let parts = socket.receive() { accept(parts) } }
        }
    }

    /// parts: the peer's identity, an empty frame perhaps, the request.
    private func accept(_ parts: [Data]) {
        guard parts.count >= 2, let request = parts.last else { return }
        let envelope = Array(parts.dropLast())
        guard working.load(ordering: .relaxed) < limit else {
            _ = socket.send(envelope + [busy])
            return
        }
        working.wrappingAdd(1, ordering: .relaxed)
        Task { [self] in
            let reply = await handler(request)
            replies.withLock { $0.append(envelope + [reply]) }
            working.wrappingSubtract(1, ordering: .relaxed)
            ring()
        }
    }
}

/// Asks a daemon: one request, one reply.
package struct ControlClient: Sendable {
    /// Bytes of the largest request and reply.
    package static let largestRequest = Int(Socket.messageLimit)

    private let endpoint: String

    package init(_ endpoint: String) { self.endpoint = endpoint }

    /// Waits for the reply on the calling thread; throws if none comes in time.
    package func request(_ body: Data, timeout: TimeInterval) throws(MessagingError) -> Data {
        let silent = MessagingError("no daemon answers at \(endpoint); is watchwordd running?")
        // ZeroMQ would wait for a socket that may yet be made; a person wants to know now.
        if endpoint.hasPrefix("ipc://"), !Endpoint.isListening(String(endpoint.dropFirst(6))) {
            throw silent
        }
        let socket = try Socket(.request)
        try socket.connect(endpoint)
        guard socket.send([Data(), body]) else { throw silent }
        guard socket.waitReadable(wake: nil, milliseconds: Int(timeout * 1000)).socket,
            let parts = socket.receive(), let reply = parts.last
        else { throw silent }
        return reply
    }
}
