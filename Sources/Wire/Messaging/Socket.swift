import CZeroMQ
import Foundation

/// The client that sent a message, as ZeroMQ identifies it.
struct Peer {
    /// The client's name in the daemon's list of clients; nil on a socket without authentication.
    let user: String?
    /// The client's IP address, or `localhost:uid:gid:pid` for a local socket.
    let address: String
}

/// An event from a socket's monitor, such as a new connection.
struct SocketEvent {
    let kind: Int32
    /// The connection's file descriptor or an error number, depending on the kind of event.
    let value: Int32
}

/// A ZeroMQ socket, which is closed with this object and must be used by one thread at a time.
// @unchecked: the owner serialises calls, and ZeroMQ then allows use by different threads
final class Socket: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer
    private var isGuarded = false
    /// The lock on the path of the `ipc:` endpoint to which the socket is bound; nil if there is none.
    private var lock: SocketLock?
    private static let context = UncheckedPointer(zmq_ctx_new())

    // @unchecked: a ZeroMQ context is thread-safe
    private struct UncheckedPointer: @unchecked Sendable {
        let value: UnsafeMutableRawPointer?
        init(_ value: UnsafeMutableRawPointer?) { self.value = value }
    }

    /// The default limit for the size of one part of a received message, in bytes.
    static let messageLimit: Int64 = 128 << 20
    /// The greatest number of parts of a message that are kept: proxies' identities, an empty part, the request.
    private static let partLimit = 16

    enum Kind { case publish, subscribe, router, request, reply, pair }

    /// Makes a socket that is neither bound nor connected.
    ///
    /// `queue` is the number of messages that can wait for a peer; nil means ZeroMQ's default, 1000. `largest` is the
    /// greatest size of a received part in bytes.
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

    // MARK: Binding and connecting

    func bind(_ endpoint: String) throws(MessagingError) {
        lock = try Endpoint.prepare(endpoint, isGuarded: isGuarded)
        // Peers that do not finish the handshake, or no longer answer heartbeats, are disconnected: each one holds a
        // file descriptor and perhaps a queue.
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

    /// Makes the socket accept only clients with CURVE that are in the list of clients registered for `domain` (ZAP).
    func speakCurve(asServer secret: CurveSecretKey, domain: String) throws(MessagingError) {
        guard ww_set_int(handle, ZMQ_CURVE_SERVER, 1) == 0, set(ZMQ_CURVE_SECRETKEY, secret.bytes),
            set(ZMQ_ZAP_DOMAIN, Array(domain.utf8))
        else { throw MessagingError("ZeroMQ does not take the server's key: \(Self.errorText)") }
        isGuarded = true
    }

    /// Makes the socket connect only by CURVE, and only to the server with the public key in `identity`.
    func speakCurve(as identity: CurveIdentity) throws(MessagingError) {
        let publicKey: CurvePublicKey
        do { publicKey = try identity.secret.publicKey() } catch { throw MessagingError("\(error)") }
        guard set(ZMQ_CURVE_SERVERKEY, identity.server.bytes), set(ZMQ_CURVE_PUBLICKEY, publicKey.bytes),
            set(ZMQ_CURVE_SECRETKEY, identity.secret.bytes)
        else { throw MessagingError("ZeroMQ does not take the keys: \(Self.errorText)") }
    }

    /// Lets ZeroMQ process connections that were opened or closed; ZeroMQ does so only while the socket is used.
    func settle() {
        var events: Int32 = 0
        var size = MemoryLayout<Int32>.size
        _ = zmq_getsockopt(handle, ZMQ_EVENTS, &events, &size)
    }

    // MARK: Messages

    func subscribe(_ prefix: String) -> Bool { ww_subscribe(handle, prefix) == 0 }

    /// Sends a message of these parts without waiting; returns false if the peer is gone or its queue is full.
    func send(_ parts: [Data]) -> Bool {
        for (index, part) in parts.enumerated() {
            let flags = ZMQ_DONTWAIT | (index < parts.count - 1 ? ZMQ_SNDMORE : 0)
            let sent = part.withUnsafeBytes { zmq_send(handle, $0.baseAddress, $0.count, flags) }
            if sent < 0 { return false }
        }
        return true
    }

    /// Returns the parts of the next message; nil if none has arrived.
    func receive() -> [Data]? { receive(asking: false)?.parts }

    /// Returns the parts of the next message, and its sender; nil if none has arrived.
    func receiveFromPeer() -> (parts: [Data], peer: Peer)? { receive(asking: true) }

    /// Receives a message without waiting; returns nil if none has arrived.
    ///
    /// `asking` looks up the sender's name and address. Parts beyond `partLimit` are dropped, since no valid message
    /// has as many.
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

    /// Waits until the socket or the descriptor `wake` is readable, or the time is over; tells which are readable.
    func waitReadable(wake: Int32?, milliseconds: Int) -> (socket: Bool, wake: Bool) {
        Self.waitReadable([self], wake: wake, milliseconds: milliseconds)
    }

    /// Waits until one of the sockets or the descriptor `wake` is readable, or the time is over; -1 waits without end.
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

    /// Makes a socket that receives the events of this socket's connections; `place` is a new inproc endpoint for it.
    func monitor(_ place: String, _ events: Int32) throws(MessagingError) -> Socket {
        guard zmq_socket_monitor(handle, place, events) == 0 else {
            throw MessagingError("ZeroMQ cannot watch a socket: \(Self.errorText)")
        }
        // The queue is unbounded (0): otherwise ZeroMQ's I/O thread, which serves all sockets, would wait if this one
        // is not read.
        let listener = try Socket(.pair, queue: 0)
        try listener.connect(place)
        return listener
    }

    /// Ends the socket's monitor; needed before the monitor's socket is closed, which would otherwise never return.
    func endMonitor() { _ = zmq_socket_monitor(handle, nil, 0) }

    /// Returns the next event, if this is a monitor's socket; nil if none has arrived.
    func receiveEvent() -> SocketEvent? {
        guard let parts = receive(), let first = parts.first, first.count >= 6 else { return nil }
        return first.withUnsafeBytes { bytes in
            SocketEvent(
                kind: Int32(bytes.loadUnaligned(as: UInt16.self)),
                value: bytes.loadUnaligned(fromByteOffset: 2, as: Int32.self))
        }
    }
}

/// A client's secret key for CURVE, and the public key of the only server that it trusts.
package struct CurveIdentity: Sendable, Equatable {
    let secret: CurveSecretKey
    let server: CurvePublicKey

    package init(secret: CurveSecretKey, server: CurvePublicKey) {
        self.secret = secret
        self.server = server
    }
}
