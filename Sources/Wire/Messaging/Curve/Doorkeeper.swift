import CZeroMQ
import Foundation
import Synchronization

/// Answers ZeroMQ's authentication requests (ZAP, RFC 27) for all sockets of the process that use CURVE.
///
/// ZeroMQ sends these requests to one endpoint, `inproc://zeromq.zap.01`. Each socket has its own ZAP domain, which
/// identifies its gate (the key and the list of clients). The class also watches the sockets' handshakes, because a
/// client without CURVE never reaches authentication.
// @unchecked: only the class's thread uses the sockets; everything else is behind locks
final class Doorkeeper: @unchecked Sendable {
    private struct Door {
        let domain: String
        let gate: CurveGate
    }

    /// Watches the handshakes of one socket that uses CURVE.
    private final class Watch {
        let events: Socket
        let door: Door
        /// The clients' addresses, by the file descriptor of their connection.
        var peers: [Int32: String] = [:]
        var failed: String?

        init(_ events: Socket, _ door: Door) {
            self.events = events
            self.door = door
        }
    }

    // @unchecked: a new watch is handed over to the thread, and nobody else uses it afterwards
    private struct Handed: @unchecked Sendable { let watch: Watch }

    private static let instance = Mutex<Doorkeeper?>(nil)
    private let questions: Socket
    private let wake: Int32
    private let doors = Mutex<[String: Door]>([:])
    private let arriving = Mutex<[Handed]>([])
    private let number = Atomic(0)

    /// Returns the only instance of the process, made on first use; it never ends.
    static func shared() throws(MessagingError) -> Doorkeeper {
        try instance.withLock { (kept) throws(MessagingError) in
            if let kept { return kept }
            let made = try Doorkeeper()
            kept = made
            return made
        }
    }

    private init() throws(MessagingError) {
        questions = try Socket(.reply)
        try questions.bind("inproc://zeromq.zap.01")
        wake = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        let thread = Thread { [self] in run() }
        thread.name = "watchword.zap"
        thread.start()
    }

    /// Makes a socket refuse clients that are not in the list of `gate`; call it before the socket is bound.
    func guardSocket(_ socket: Socket, by gate: CurveGate) throws(MessagingError) {
        let id = number.wrappingAdd(1, ordering: .relaxed).newValue
        let door = Door(domain: "watchword-\(id)", gate: gate)
        try socket.speakCurve(asServer: gate.secret, domain: door.domain)
        let place = "inproc://watchword-watch-\(id)"
        let events = try socket.monitor(
            place,
            ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_MONITOR_STOPPED)
        doors.withLock { $0[door.domain] = door }
        arriving.withLock { $0.append(Handed(watch: Watch(events, door))) }
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
    }

    private func run() {
        var watches: [Watch] = []
        while true {
            let ready = Socket.waitReadable([questions] + watches.map(\.events), wake: wake)
            if ready.wake {
                var count: UInt64 = 0
                _ = read(wake, &count, 8)
                watches += arriving.withLock { waiting in
                    defer { waiting = [] }
                    return waiting.map(\.watch)
                }
            }
            while let question = questions.receive() { answer(question) }
            watches.removeAll { watch in
                while let event = watch.events.receiveEvent() { if !take(event, watch) { return true } }
                return false
            }
        }
    }

    /// Answers an authentication request of ZeroMQ (ZAP).
    ///
    /// The parts of `question` are version, request, domain, address, identity, mechanism and key.
    private func answer(_ question: [Data]) {
        var name: String?
        if question.count == 7, question[5] == Data("CURVE".utf8),
            let door = doors.withLock({ $0[String(decoding: question[2], as: UTF8.self)] })
        {
            let address = PeerAddress.told(String(decoding: question[3], as: UTF8.self))
            name = door.gate.admit(CurvePublicKey(bytes: question[6]), from: address)
        }
        let request = question.count > 1 ? question[1] : Data()
        let verdict = name == nil ? ["400", "not allowed"] : ["200", "welcome"]
        _ = questions.send(
            [Data("1.0".utf8), request] + verdict.map { Data($0.utf8) } + [Data((name ?? "").utf8), Data()])
    }

    /// Handles an event of a socket's monitor; returns false when the socket is closed, and its watch can end.
    private func take(_ event: SocketEvent, _ watch: Watch) -> Bool {
        switch event.kind {
        case ZMQ_EVENT_MONITOR_STOPPED:
            doors.withLock { $0[watch.door.domain] = nil }
            return false
        case ZMQ_EVENT_ACCEPTED: watch.peers[event.value] = PeerAddress.of(event.value)
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
            switch event.value {
            case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: watch.failed = "no CURVE"
            case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: watch.failed = "wrong server key"
            default: watch.failed = "malformed handshake"
            }
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: watch.failed = watch.failed ?? "handshake broken off"
        default:
            // ZeroMQ first reports a failed handshake, then the end of its connection; only the second has the
            // descriptor.
            let address = watch.peers.removeValue(forKey: event.value) ?? "unknown"
            if let reason = watch.failed { watch.door.gate.deny(address, reason) }
            watch.failed = nil
        }
        return true
    }
}

/// Makes names for connected clients, for log lines.
enum PeerAddress {
    /// Returns the name for an address in ZeroMQ's form: an IP address, or `localhost:uid:gid:pid` of a local socket.
    static func told(_ address: String) -> String {
        let parts = address.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "localhost" else {
            return address.isEmpty ? "local" : address
        }
        return "local user \(parts[1])"
    }

    /// Returns the name of the client at the other end of a connected descriptor: an IP address, or a local user.
    static func of(_ descriptor: Int32) -> String {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let found = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
        }
        guard found == 0 else { return "unknown" }
        guard storage.ss_family != sa_family_t(AF_UNIX) else {
            let user = ww_peer_user(descriptor)
            return user < 0 ? "local" : "local user \(user)"
        }
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let named = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getnameinfo($0, length, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST)
            }
        }
        return named == 0
            ? String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            : "unknown"
    }
}
