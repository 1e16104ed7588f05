import CMosquitto
import Foundation
import StreamSources

/// One connection to a broker, and the only owner of its handle; used by one thread.
///
/// The library calls back from within `step`, on the same thread.
final class MQTTSession {
    struct Arrival: Sendable {
        let topic: String
        let payload: Data
        let isRetained: Bool
    }

    private let handle: OpaquePointer
    private let options: MQTTOptions
    /// The broker's answer to the greeting; 0 is welcome.
    private var answer: Int32?
    /// Reason of the broker's farewell.
    private var farewell: Int32?
    /// The errors that the library logged, a line each.
    private var complaint: String?
    /// Numbers of messages that the broker has confirmed, with its reason, since they were taken last.
    private var confirmed: [(number: Int32, reason: Int32)] = []
    private var arrived: [Arrival] = []

    /// Seconds between signs of life.
    private static let keepalive: Int32 = 30
    private static let mostArrival = 16 << 10
    private static let longestComplaint = 2000
    private static let isReady: Bool = mosquitto_lib_init() == 0

    /// Connects, and is back when the broker has welcomed it, or after the options' timeout.
    ///
    /// A look-up of its name alone may take longer.
    /// `wake`: a descriptor that ends each wait; `isOver`: whether nobody wants it any more.
    init(_ options: MQTTOptions, version: Int32, wake: Int32, isOver: () -> Bool) throws(MQTTProblem) {
        self.options = options
        guard Self.isReady, let handle = mosquitto_new(options.client, true, nil) else {
            throw MQTTProblem("there is no memory for a connection")
        }
        self.handle = handle
        try prepare(version)
        try connect(wake: wake, isOver: isOver)
        let end = ContinuousClock.now + .seconds(options.timeout)
        while answer == nil {
            guard ContinuousClock.now < end else {
                throw MQTTProblem("the broker takes the connection and says nothing for \(Int(options.timeout)) s")
            }
            guard !isOver() else { throw Self.cancelled }
            try step(milliseconds: 100, wake: wake)
        }
        guard answer == 0 else { throw lost(MOSQ_ERR_CONN_REFUSED.value) }
        for topic in options.subscriptions { try check(mosquitto_subscribe(handle, nil, topic, 0)) }
    }

    deinit { mosquitto_destroy(handle) }

    private func prepare(_ version: Int32) throws(MQTTProblem) {
        mosquitto_user_data_set(handle, Unmanaged.passUnretained(self).toOpaque())
        mosquitto_int_option(handle, MOSQ_OPT_PROTOCOL_VERSION, version)
        mosquitto_int_option(handle, MOSQ_OPT_TCP_NODELAY, 1)
        mosquitto_max_inflight_messages_set(handle, UInt32(MQTTLink.mostUnconfirmed))
        if let topic = options.availability {
            let offline = Array("offline".utf8)
            try check(mosquitto_will_set(handle, topic, Int32(offline.count), offline, 1, true))
        }
        if let user = options.user { try check(mosquitto_username_pw_set(handle, user, options.password)) }
        if options.isTLS {
            if options.ca == nil { mosquitto_int_option(handle, MOSQ_OPT_TLS_USE_OS_CERTS, 1) }
            if options.ca != nil || options.certificate != nil {
                let places = options.ca == nil ? "/etc/ssl/certs" : nil
                let code = mosquitto_tls_set(
                    handle, options.ca, places, options.certificate, options.key, nil)
                guard code == 0 else { throw MQTTProblem("a file of ca:, certificate: or key: cannot be used") }
            }
        }
        mosquitto_connect_v5_callback_set(handle) { _, object, reason, _, _ in
            MQTTSession.of(object)?.answer = reason
        }
        mosquitto_disconnect_v5_callback_set(handle) { _, object, reason, _ in
            MQTTSession.of(object)?.farewell = reason
        }
        mosquitto_publish_v5_callback_set(handle) { _, object, number, reason, _ in
            MQTTSession.of(object)?.confirmed.append((number, reason))
        }
        mosquitto_message_callback_set(handle) { _, object, message in
            guard let message = message?.pointee, let topic = message.topic else { return }
            MQTTSession.of(object)?.take(String(cString: topic), message)
        }
        mosquitto_log_callback_set(handle) { _, object, level, text in
            guard level & MOSQ_LOG_ERR != 0, let text else { return }
            MQTTSession.of(object)?.complain(String(cString: text))
        }
    }

    private static func of(_ object: UnsafeMutableRawPointer?) -> MQTTSession? {
        object.map { Unmanaged<MQTTSession>.fromOpaque($0).takeUnretainedValue() }
    }

    private func complain(_ line: String) {
        let all = (complaint.map { $0 + "\n" } ?? "") + line
        complaint = String(all.suffix(Self.longestComplaint))
    }

    private func take(_ topic: String, _ message: mosquitto_message) {
        let count = Int(message.payloadlen)
        guard count <= Self.mostArrival else { return }
        let payload = message.payload.map { Data(bytes: $0, count: count) } ?? Data()
        arrived.append(Arrival(topic: topic, payload: payload, isRetained: message.retain))
    }

    /// Connects to an address that the rule allows, within the options' timeout for all of them.
    ///
    /// Without TLS to the address itself that was checked. With it by name, for the certificate is held against the
    /// name: every address of the name must be allowed then, each family is tried, and the address that answers is
    /// checked once more before anything is said.
    private func connect(wake: Int32, isOver: () -> Bool) throws(MQTTProblem) {
        let host = options.host
        let found = NetworkAddress(host).map { [$0] } ?? HostLookup.addresses(host)
        // By name the library may take any of them.
        if options.isTLS, let bad = found.first(where: { !options.rule.allows($0) }),
            case .failure(let problem) = options.rule.choose([bad], of: host)
        {
            throw MQTTProblem(problem.description)
        }
        let addresses: [NetworkAddress]
        switch options.rule.choose(found, of: host) {
        case .failure(let problem): throw MQTTProblem(problem.description)
        case .success(let chosen): addresses = chosen
        }
        let end = ContinuousClock.now + .seconds(options.timeout)
        let places = self.places(host, addresses)
        for (index, place) in places.enumerated() {
            let now = ContinuousClock.now
            do throws(MQTTProblem) {
                try connect(to: place, until: now + (end - now) / (places.count - index), wake: wake, isOver: isOver)
                break
            } catch {
                if isOver() || index == places.count - 1 { throw error }
            }
        }
        guard options.isTLS else { return }
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = Int(ww_peer_address(mosquitto_socket(handle), &bytes))
        guard count > 0 else { throw lost(MOSQ_ERR_CONN_LOST.value) }
        guard let peer = NetworkAddress(bytes: Array(bytes.prefix(count))), options.rule.allows(peer) else {
            throw MQTTProblem("\(host) leads to an address that is not allowed")
        }
    }

    /// A host to connect to, and the local address to connect from; nil means any.
    private struct Place {
        let host: String
        let bind: String?
    }

    /// The places to try in order: the first addresses, or with TLS the name by each family that it has.
    private func places(_ host: String, _ addresses: [NetworkAddress]) -> [Place] {
        guard options.isTLS else { return addresses.prefix(4).map { Place(host: $0.text, bind: nil) } }
        var binds: [String] = []
        for address in addresses {
            let bind = address.text.contains(":") ? "::" : "0.0.0.0"
            if !binds.contains(bind) { binds.append(bind) }
        }
        return binds.map { Place(host: host, bind: $0) }
    }

    /// Connects without blocking: the library's own way would wait for minutes, and could not be interrupted.
    private func connect(
        to place: Place, until end: ContinuousClock.Instant, wake: Int32, isOver: () -> Bool
    ) throws(MQTTProblem) {
        let code = mosquitto_connect_bind_async(handle, place.host, options.port, Self.keepalive, place.bind)
        let number = errno
        guard code == 0 else { throw problem(code, number) }
        let socket = mosquitto_socket(handle)
        guard socket >= 0 else { throw lost(MOSQ_ERR_NO_CONN.value) }
        while true {
            let left = Int32(clamping: max(0, Int((end - .now) / .milliseconds(1))))
            let found = ww_wait(socket, 1, wake, left)
            if found & Int32(WW_WOKEN) != 0 { ww_wake_take(wake) }
            guard !isOver() else { throw Self.cancelled }
            if found & Int32(WW_READABLE | WW_WRITABLE) != 0 { break }
            guard ContinuousClock.now < end else {
                throw MQTTProblem("no connection: nothing answers within \(Int(options.timeout)) s")
            }
        }
        let error = ww_connect_error(socket)
        guard error == 0 else { throw problem(MOSQ_ERR_ERRNO.value, error) }
    }

    private static let cancelled = MQTTProblem("cancelled")

    // MARK: At work

    /// Waits for the socket or a wake, and does what there is to do.
    func step(milliseconds: Int32, wake: Int32) throws(MQTTProblem) {
        let socket = mosquitto_socket(handle)
        guard socket >= 0 else { throw lost(MOSQ_ERR_NO_CONN.value) }
        let found = ww_wait(socket, mosquitto_want_write(handle) ? 1 : 0, wake, milliseconds)
        if found & Int32(WW_WOKEN) != 0 { ww_wake_take(wake) }
        if found & Int32(WW_READABLE) != 0 { try check(mosquitto_loop_read(handle, 1)) }
        if mosquitto_want_write(handle) { try check(mosquitto_loop_write(handle, 1)) }
        try check(mosquitto_loop_misc(handle))
    }

    /// The outcome of publishing a message.
    enum Published {
        /// It is on its way, by this number.
        case sent(Int32)
        /// It is not sent: too large for the broker, or of a kind that it does not take.
        case unfit(String)
    }

    func publish(_ message: MQTTMessage) throws(MQTTProblem) -> Published {
        var number: Int32 = 0
        let code = message.payload.withUnsafeBytes {
            mosquitto_publish(
                handle, &number, message.topic, Int32($0.count), $0.baseAddress, 1, message.isRetained)
        }
        switch code {
        case MOSQ_ERR_OVERSIZE_PACKET.value, MOSQ_ERR_PAYLOAD_SIZE.value:
            return .unfit("the broker does not take \(message.payload.count) bytes at once")
        case MOSQ_ERR_RETAIN_NOT_SUPPORTED.value: return .unfit("the broker retains no messages")
        case MOSQ_ERR_QOS_NOT_SUPPORTED.value: return .unfit("the broker does not confirm messages (QoS 1)")
        default:
            try check(code)
            return .sent(number)
        }
    }

    /// Returns the broker's confirmations and messages since the last call.
    func take() -> (confirmed: [(number: Int32, reason: Int32)], arrived: [Arrival]) {
        defer { (confirmed, arrived) = ([], []) }
        return (confirmed, arrived)
    }

    /// Says good-bye: the broker then keeps the will to itself.
    func end() { mosquitto_disconnect(handle) }

    // MARK: Problems

    private func check(_ code: Int32) throws(MQTTProblem) {
        guard code != 0 else { return }
        let number = errno
        throw lost(code, number)
    }

    /// Why the connection is over.
    private func lost(_ code: Int32, _ number: Int32 = 0) -> MQTTProblem {
        if let answer, answer != 0 { return .refusal(answer, hasUser: options.user != nil) }
        if let farewell, farewell >= 128 {
            return farewell == 142
                ? MQTTProblem(
                    "another client of the same name has taken its place; give each notifier a topic of its own")
                : MQTTProblem("the broker ended the connection: \(String(cString: mosquitto_reason_string(farewell)))")
        }
        return problem(code, number)
    }

    private func problem(_ code: Int32, _ number: Int32) -> MQTTProblem {
        switch code {
        case MOSQ_ERR_ERRNO.value where number == EPROTO && options.isTLS: .tls(complaint, host: options.host)
        case MOSQ_ERR_ERRNO.value where number != 0:
            MQTTProblem("no connection: \(String(cString: strerror(number)).lowercased())")
        case MOSQ_ERR_EAI.value: MQTTProblem("the name \(options.host) has no address")
        case MOSQ_ERR_TLS.value: .tls(complaint, host: options.host)
        case MOSQ_ERR_KEEPALIVE.value: MQTTProblem("the broker does not answer")
        case MOSQ_ERR_PROTOCOL.value, MOSQ_ERR_MALFORMED_PACKET.value:
            MQTTProblem("what answers is no MQTT broker")
        case _ where complaint?.contains("OpenSSL") == true && answer == nil: .tls(complaint, host: options.host)
        case _ where answer == nil && options.isTLS:
            MQTTProblem("the broker ended the TLS handshake; is the port one of TLS, and are its wishes met?")
        case _ where answer == nil: MQTTProblem("the broker ended the connection at once; does its port want TLS?")
        default: MQTTProblem("the broker ended the connection")
        }
    }
}

extension mosq_err_t {
    fileprivate var value: Int32 { Int32(rawValue) }
}
