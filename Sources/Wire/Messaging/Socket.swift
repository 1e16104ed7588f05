import CZeroMQ
import Foundation

/// The sender of a message, as ZeroMQ knows it.
struct Peer {
    /// The client's name in the gate's list; nil on a socket without a gate.
    let user: String?
    /// An IP address, or `localhost:uid:gid:pid` of a local socket.
    let address: String
}

/// An event of a socket's monitor.
struct SocketEvent {
    let kind: Int32
    /// A descriptor, or the number of an error.
    let value: Int32
}

/// A ZeroMQ socket and its only owner, used by one thread at a time.
// @unchecked: the owner serialises calls; ZeroMQ allows moving between threads then
final class Socket: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer
    private var isGuarded = false
    /// The lock of the path that the socket is bound to.
    private var lock: SocketLock?
    private static let context = UncheckedPointer(zmq_ctx_new())

    // @unchecked: a ZeroMQ context is thread-safe
    private struct UncheckedPointer: @unchecked Sendable {
        let value: UnsafeMutableRawPointer?
        init(_ value: UnsafeMutableRawPointer?) { self.value = value }
    }

    /// The default limit for a part of a message from a peer, in bytes.
    static let messageLimit: Int64 = 128 << 20
    /// The greatest number of parts that are kept: identities of proxies, an empty part, the request.
    private static let partLimit = 16

    enum Kind { case publish, subscribe, router, request, reply, pair }

    /// Makes a socket that is neither bound nor connected.
    ///
    /// `queue` is the number of messages that wait for a peer at most; nil means ZeroMQ's default, 1000. `largest` is
    /// the greatest size of a part in bytes.
    init(_ kind: Kind, queue: Int32? = nil, largest: Int64 = messageLimit) throws(MessagingError) {
        let type =
            switch kind {
            case .publish: ZMQ_PUB
            case .subscribe: ZMQ_SUB
            case .router: ZMQ_ROUTER
            case .request: ZMQ_DEALER
            case .reply: ZMQ_REP
            case .pair: ZMQ_PAIR
            }
        guard let context = Self.context.value, let socket = zmq_socket(context, type) else {
            throw MessagingError("ZeroMQ cannot make a socket: \(Self.errorText)")
        }
        handle = socket
        _ = ww_set_int(socket, ZMQ_LINGER, 0)
        if let queue {
            _ = ww_set_int(socket, ZMQ_SNDHWM, queue)
            _ = ww_set_int(socket, ZMQ_RCVHWM, queue)
        }
        _ = ww_set_int64(socket, ZMQ_MAXMSGSIZE, largest)
        _ = ww_set_int(socket, ZMQ_IPV6, 1)
    }

    deinit { zmq_close(handle) }

    static var errorText: String { String(cString: zmq_strerror(ww_zmq_errno())) }

    // MARK: Ends

    func bind(_ endpoint: String) throws(MessagingError) {
        lock = try Endpoint.prepare(endpoint, isGuarded: isGuarded)
        // Whoever opens a connection and says nothing is let go soon, and so is who stops answering: each holds a
        // descriptor, and perhaps a queue.
        _ = ww_set_int(handle, ZMQ_HANDSHAKE_IVL, 10_000)
        _ = ww_set_int(handle, ZMQ_HEARTBEAT_IVL, 20_000)
        _ = ww_set_int(handle, ZMQ_HEARTBEAT_TIMEOUT, 40_000)
        _ = ww_set_int(handle, ZMQ_TCP_KEEPALIVE, 1)
        _ = ww_set_int(handle, ZMQ_BACKLOG, 1024)
        guard zmq_bind(handle, endpoint) == 0 else {
            let inUse = ww_zmq_errno() == EADDRINUSE
            throw MessagingError(
                inUse ? "\(endpoint) is in use by another process" : "\(endpoint) cannot be bound: \(Self.errorText)")
        }
    }

    func connect(_ endpoint: String) throws(MessagingError) {
        try Endpoint.verify(endpoint)
        guard zmq_connect(handle, endpoint) == 0 else {
            throw MessagingError("\(endpoint) cannot be connected to: \(Self.errorText)")
        }
    }

    // MARK: CURVE

    private func set(_ option: Int32, _ key: [UInt8]) -> Bool {
        zmq_setsockopt(handle, option, key, key.count) == 0
    }

    /// Accepts only CURVE from now on, and authenticates every client through the gate of this domain.
    func speakCurve(asServer secret: CurveSecretKey, domain: String) throws(MessagingError) {
        guard ww_set_int(handle, ZMQ_CURVE_SERVER, 1) == 0, set(ZMQ_CURVE_SECRETKEY, secret.bytes),
            set(ZMQ_ZAP_DOMAIN, Array(domain.utf8))
        else { throw MessagingError("ZeroMQ does not take the server's key: \(Self.errorText)") }
        isGuarded = true
    }

    /// Uses only CURVE from now on, with the server of this key alone.
    func speakCurve(as identity: CurveIdentity) throws(MessagingError) {
        let publicKey: CurvePublicKey
        do { publicKey = try identity.secret.publicKey() } catch { throw MessagingError("\(error)") }
        guard set(ZMQ_CURVE_SERVERKEY, identity.server.bytes), set(ZMQ_CURVE_PUBLICKEY, publicKey.bytes),
            set(ZMQ_CURVE_SECRETKEY, identity.secret.bytes)
        else { throw MessagingError("ZeroMQ does not take the keys: \(Self.errorText)") }
    }

    /// Lets ZeroMQ process connections that were opened or closed.
    func settle() {
        var events: Int32 = 0
        var size = MemoryLayout<Int32>.size
        _ = zmq_getsockopt(handle, ZMQ_EVENTS, &events, &size)
    }

    // MARK: Messages

    func subscribe(_ prefix: String) -> Bool { ww_subscribe(handle, prefix) == 0 }

    /// Sends all parts without waiting; returns false if the peer is gone or its queue is full.
    func send(_ parts: [Data]) -> Bool {
        for (index, part) in parts.enumerated() {
            let flags = ZMQ_DONTWAIT | (index < parts.count - 1 ? ZMQ_SNDMORE : 0)
            let sent = part.withUnsafeBytes { zmq_send(handle, $0.baseAddress, $0.count, flags) }
            if sent < 0 { return false }
        }
        return true
    }

    /// Returns the parts of the next message; nil if there is none now.
    func receive() -> [Data]? { receive(asking: false)?.parts }

    /// Returns the next message with its sender; nil if there is none now.
    func receiveFromPeer() -> (parts: [Data], peer: Peer)? { receive(asking: true) }

    /// Receives a message; parts above the limit are dropped, since no valid message has as many.
    private func receive(asking: Bool) -> (parts: [Data], peer: Peer)? {
        var parts: [Data] = []
        while true {
            var message = zmq_msg_t()
            zmq_msg_init(&message)
            defer { zmq_msg_close(&message) }
            guard zmq_msg_recv(&message, handle, ZMQ_DONTWAIT) >= 0 else { return nil }
            let size = zmq_msg_size(&message)
            if parts.count < Self.partLimit {
                parts.append(zmq_msg_data(&message).map { Data(bytes: $0, count: size) } ?? Data())
            }
            guard zmq_msg_more(&message) == 0 else { continue }
            let user = asking ? ww_property(&message, "User-Id").map { String(cString: $0) } : nil
            let address = asking ? ww_property(&message, "Peer-Address").map { String(cString: $0) } : nil
            return (parts, Peer(user: user, address: address ?? ""))
        }
    }

    /// Waits until the socket or `wake` (a descriptor) is readable, or the time is over.
    func waitReadable(wake: Int32?, milliseconds: Int) -> (socket: Bool, wake: Bool) {
        Self.waitReadable([self], wake: wake, milliseconds: milliseconds)
    }

    /// Waits until one of the sockets or `wake` is readable, or the time is over; -1 waits without end.
    static func waitReadable(
        _ sockets: [Socket], wake: Int32?, milliseconds: Int = -1
    ) -> (socket: Bool, wake: Bool) {
        var items = sockets.map { zmq_pollitem_t(socket: $0.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0) }
        if let wake { items.append(zmq_pollitem_t(socket: nil, fd: wake, events: Int16(ZMQ_POLLIN), revents: 0)) }
        guard zmq_poll(&items, Int32(items.count), milliseconds) > 0 else { return (false, false) }
        let isWoken = wake != nil && items.last?.revents != 0
        return (items.prefix(sockets.count).contains { $0.revents != 0 }, isWoken)
    }

    // MARK: Events

    /// Makes a socket that receives the events of this one's connections; `place` is its own inproc endpoint.
    func monitor(_ place: String, _ events: Int32) throws(MessagingError) -> Socket {
        guard zmq_socket_monitor(handle, place, events) == 0 else {
            throw MessagingError("ZeroMQ cannot watch a socket: \(Self.errorText)")
        }
        // Without a bound: ZeroMQ's own thread waits, with all sockets, for one who does not read its events.
        let listener = try Socket(.pair, queue: 0)
        try listener.connect(place)
        return listener
    }

    /// Ends the monitor; needed before its socket is closed, for which ZeroMQ would otherwise wait forever.
    func endMonitor() { _ = zmq_socket_monitor(handle, nil, 0) }

    /// Returns the next event of a monitor's socket; nil if there is none now.
    func receiveEvent() -> SocketEvent? {
        guard let parts = receive(), let first = parts.first, first.count >= 6 else { return nil }
        return first.withUnsafeBytes { bytes in
            SocketEvent(
                kind: Int32(bytes.loadUnaligned(as: UInt16.self)),
                value: bytes.loadUnaligned(fromByteOffset: 2, as: Int32.self))
        }
    }
}

/// A client's keys, and the public key of the server that it trusts.
package struct CurveIdentity: Sendable, Equatable {
    let secret: CurveSecretKey
    let server: CurvePublicKey

    package init(secret: CurveSecretKey, server: CurvePublicKey) {
        self.secret = secret
        self.server = server
    }
}
