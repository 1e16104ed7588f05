import CZeroMQ
import Foundation

/// A socket that cannot be used, or an answer that does not come: one sentence that names the endpoint.
package struct MessagingError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// Where a socket is bound: `ipc:`, `inproc:`, or TCP on the loopback interface.
package enum Endpoint {
    /// Refuses what would open Watchword to others: there is no CURVE yet, so nothing goes beyond loopback.
    package static func check(_ endpoint: String) throws(MessagingError) {
        if endpoint.hasPrefix("ipc://") || endpoint.hasPrefix("inproc://") { return }
        guard endpoint.hasPrefix("tcp://") else {
            throw MessagingError("\(endpoint): an endpoint begins with ipc:// or tcp://")
        }
        let address = endpoint.dropFirst(6)
        let host = address.prefix(upTo: address.lastIndex(of: ":") ?? address.endIndex)
        guard host == "localhost" || host.hasPrefix("127.") || host == "[::1]" else {
            throw MessagingError(
                "\(endpoint): binding beyond loopback is refused, since it would let anybody in; use 127.0.0.1 or ipc://"
            )
        }
    }

    /// Makes room for an ipc socket: its directory, and no stale file of a daemon that is gone.
    static func prepare(_ endpoint: String) throws(MessagingError) {
        try check(endpoint)
        guard endpoint.hasPrefix("ipc://") else { return }
        let path = String(endpoint.dropFirst(6))
        guard path.utf8.count < 108 else {
            throw MessagingError(
                "\(endpoint): the path of a socket has at most 107 bytes, this one has \(path.utf8.count)")
        }
        let folder = URL(filePath: path).deletingLastPathComponent().path
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw MessagingError("\(endpoint): the directory \(folder) cannot be made")
        }
        // ZeroMQ binds over any file, a living daemon's too: ask first whether somebody listens.
        guard FileManager.default.fileExists(atPath: path) else { return }
        guard !isListening(path) else { throw MessagingError("\(endpoint) is in use by another process") }
        unlink(path)
    }

    /// Whether somebody accepts connections there; a file alone may be one that a daemon left behind.
    static func isListening(_ path: String) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }
}

/// A ZeroMQ socket and its only owner. Used by one thread at a time.
// @unchecked: the owner serialises calls; ZeroMQ allows moving between threads then
final class Socket: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer
    private static let context = UncheckedPointer(zmq_ctx_new())

    // @unchecked: a ZeroMQ context is thread-safe
    private struct UncheckedPointer: @unchecked Sendable {
        let value: UnsafeMutableRawPointer?
        init(_ value: UnsafeMutableRawPointer?) { self.value = value }
    }

    /// Largest message taken from a peer.
    static let messageLimit: Int64 = 128 << 20

    enum Kind { case publish, subscribe, router, request }

    /// `queue`: messages that wait for a peer at most; ZeroMQ's 1000, if nil.
    init(_ kind: Kind, queue: Int32? = nil) throws(MessagingError) {
        let type =
            switch kind {
            case .publish: ZMQ_PUB
            case .subscribe: ZMQ_SUB
            case .router: ZMQ_ROUTER
            case .request: ZMQ_DEALER
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
        _ = ww_set_int64(socket, ZMQ_MAXMSGSIZE, Self.messageLimit)
        _ = ww_set_int(socket, ZMQ_IPV6, 1)
    }

    deinit { zmq_close(handle) }

    static var errorText: String { String(cString: zmq_strerror(ww_zmq_errno())) }

    func bind(_ endpoint: String) throws(MessagingError) {
        try Endpoint.prepare(endpoint)
        guard zmq_bind(handle, endpoint) == 0 else {
            let inUse = ww_zmq_errno() == EADDRINUSE
            throw MessagingError(
                inUse ? "\(endpoint) is in use by another process" : "\(endpoint) cannot be bound: \(Self.errorText)")
        }
    }

    func connect(_ endpoint: String) throws(MessagingError) {
        guard zmq_connect(handle, endpoint) == 0 else {
            throw MessagingError("\(endpoint) cannot be connected to: \(Self.errorText)")
        }
    }

    func subscribe(_ prefix: String) -> Bool { ww_subscribe(handle, prefix) == 0 }

    /// Sends all parts without waiting; false if the peer is gone or its queue is full.
    func send(_ parts: [Data]) -> Bool {
        for (index, part) in parts.enumerated() {
            let flags = ZMQ_DONTWAIT | (index < parts.count - 1 ? ZMQ_SNDMORE : 0)
            let sent = part.withUnsafeBytes { zmq_send(handle, $0.baseAddress, $0.count, flags) }
            if sent < 0 { return false }
        }
        return true
    }

    /// The parts of the next message, or nil if there is none now.
    func receive() -> [Data]? {
        var parts: [Data] = []
        while true {
            var message = zmq_msg_t()
            zmq_msg_init(&message)
            defer { zmq_msg_close(&message) }
            guard zmq_msg_recv(&message, handle, ZMQ_DONTWAIT) >= 0 else { return nil }
            let size = zmq_msg_size(&message)
            parts.append(zmq_msg_data(&message).map { Data(bytes: $0, count: size) } ?? Data())
            if zmq_msg_more(&message) == 0 { return parts }
        }
    }

    /// Waits until the socket can be read, `wake` (a descriptor) is readable, or the time is over.
    func waitReadable(wake: Int32?, milliseconds: Int) -> (socket: Bool, wake: Bool) {
        var items = [zmq_pollitem_t(socket: handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)]
        if let wake { items.append(zmq_pollitem_t(socket: nil, fd: wake, events: Int16(ZMQ_POLLIN), revents: 0)) }
        guard zmq_poll(&items, Int32(items.count), milliseconds) > 0 else { return (false, false) }
        return (items[0].revents != 0, items.count > 1 && items[1].revents != 0)
    }
}
