import CZeroMQ
package import Foundation
import Synchronization
package import WireFormat

/// The server of the control socket (a ZeroMQ ROUTER socket): receives JSON requests and sends a JSON reply to each.
///
/// Its thread only receives and sends; requests run in tasks.
///
/// Requests beyond the limits are answered "busy" or "too-many-requests" without being parsed. REQ clients (with an
/// empty frame before the request) and DEALER clients (with or without it) are served alike. The thread never waits for
/// a client: one that does not read its replies loses them.
// @unchecked: `replies` is behind a lock; only the server's thread uses the socket and the rates
package final class ControlServer: @unchecked Sendable {
    private let socket: Socket
    private let wake: Int32
    private let handler: @Sendable (Data, Caller) async -> Data
    private let gate: CurveGate?
    private let limits: ControlLimits
    private var rates: RateLimit
    private let busy = refusal("busy", "too many requests are being worked on; try again")
    private let tooMany = refusal("too-many-requests", "this client asks too often; try again a little later")
    private let replies = Mutex<[[Data]]>([])
    private let working = Atomic(0)
    private let workingBytes = Atomic(0)
    private let stopping = Atomic(false)
    private let stopped = DispatchSemaphore(value: 0)
    /// The number of replies that can wait for one client; further ones are dropped.
    private static let queue: Int32 = 256

    /// Binds the socket to `endpoint` and starts its thread.
    ///
    /// With `gate`, only the clients in its list are answered. If it is nil, everybody who reaches the socket may do
    /// everything.
    package init(
        binding endpoint: String, limits: ControlLimits = ControlLimits(), gate: CurveGate? = nil,
        handler: @escaping @Sendable (Data, Caller) async -> Data
    ) throws(MessagingError) {
        socket = try Socket(
            .router, queue: Self.queue, largest: Int64(max(limits.request, limits.importRequest)))
        if let gate { try Doorkeeper.shared().guardSocket(socket, by: gate) }
        try socket.bind(endpoint)
        wake = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        self.handler = handler
        self.gate = gate
        self.limits = limits
        rates = RateLimit(rate: limits.rate, burst: limits.burst)
        let thread = Thread { [self] in run() }
        thread.name = "watchword.control"
        thread.start()
    }

    /// Binds a control socket whose clients need no authentication, and starts its thread.
    package convenience init(
        binding endpoint: String, limits: ControlLimits = ControlLimits(),
        handler: @escaping @Sendable (Data) async -> Data
    ) throws(MessagingError) {
        try self.init(binding: endpoint, limits: limits) { data, _ in await handler(data) }
    }

    deinit { close(wake) }

    /// Stops answering requests; returns when the thread has ended.
    package func stop() {
        guard !stopping.exchange(true, ordering: .acquiringAndReleasing) else { return }
        ring()
        stopped.wait()
    }

    private static func refusal(_ code: String, _ message: String) -> Data {
        (try? WireCoding.encode(ControlReply(id: "", error: .init(code: code, message: message)))) ?? Data()
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
            send()
            // At most 256 requests a round, so that one client that sends without end does not delay the others'
            // replies.
            var taken = 0
            while ready.socket, taken < 256, let (parts, peer) = socket.receiveFromPeer() {
                accept(parts, peer)
                taken += 1
            }
        }
    }

    private func send() {
        let ready = replies.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for parts in ready { _ = socket.send(parts) }
    }

    /// Handles one request: checks the client and the limits, and starts a task that answers it.
    ///
    /// The message's parts are the client's ZeroMQ identity, perhaps an empty frame, and the request.
    private func accept(_ parts: [Data], _ peer: Peer) {
        guard parts.count >= 2, let request = parts.last else { return }
        var caller = Caller.local
        if let gate {
            let address = PeerAddress.told(peer.address)
            guard let role = gate.role(peer.user, from: address) else { return }
            caller = Caller(name: peer.user, role: role, address: address)
        }
        let envelope = Array(parts.dropLast())
        guard rates.admits(peer.user ?? peer.address) else {
            _ = socket.send(envelope + [tooMany])
            return
        }
        let bytes = workingBytes.load(ordering: .relaxed)
        guard working.load(ordering: .relaxed) < limits.inFlight,
            bytes == 0 || bytes + request.count <= 2 * limits.importRequest
        else {
            _ = socket.send(envelope + [busy])
            return
        }
        working.wrappingAdd(1, ordering: .relaxed)
        workingBytes.wrappingAdd(request.count, ordering: .relaxed)
        Task { [self, caller] in
            let reply = await handler(request, caller)
            replies.withLock { $0.append(envelope + [reply]) }
            working.wrappingSubtract(1, ordering: .relaxed)
            workingBytes.wrappingSubtract(request.count, ordering: .relaxed)
            ring()
        }
    }
}
