import StreamSources
import SystemSupport

/// How to connect to a broker, and what it says when the connection is lost.
struct MQTTOptions: Sendable {
    let host: String
    let port: Int32
    let isTLS: Bool
    let user: String?
    let password: String?
    let ca: String?
    let certificate: String?
    let key: String?
    let client: String
    let rule: ReachRule
    /// Seconds for the broker's answers.
    let timeout: Double
    /// Retained: `online` from now on, `offline` when the connection is lost; nil: neither.
    let availability: String?
    let subscriptions: [String]

    /// `role`: what tells one connection of a notifier from another.
    init(
        _ settings: NotifierSettings, _ target: NotifierTarget, journal: String, role: String = "",
        availability: String? = nil, subscriptions: [String] = []
    ) {
        host = target.url.host
        isTLS = target.url.scheme == "mqtts"
        // The address is of mqtt or mqtts, whose ports are known.
        port = Int32(target.url.portOrUsual ?? 0)
        (user, password) = (settings.user, target.password)
        (ca, certificate, key) = (target.ca, target.certificate, target.key)
        client = Self.client(journal, settings.name, role)
        rule = ReachRule(settings)
        timeout = settings.timeout
        self.availability = availability
        self.subscriptions = subscriptions
    }
}

extension MQTTOptions {
    /// A client's name: brokers of version 3.1.1 must take 23 letters and digits.
    static func client(_ journal: String, _ notifier: String, _ role: String = "") -> String {
        "watchword" + FNV1a("\(journal)/\(notifier)/\(role)".utf8).digits.prefix(14)
    }
}

/// Why there is no connection to a broker: a sentence without secrets.
struct MQTTProblem: Error, Sendable {
    let description: String
    /// The broker speaks an older version of the protocol.
    var isOldProtocol = false

    init(_ description: String, isOldProtocol: Bool = false) {
        self.description = description
        self.isOldProtocol = isOldProtocol
    }
}

extension MQTTProblem {
    /// A broker's refusal of the connection, by its reason of MQTT 5 or 3.1.1.
    static func refusal(_ code: Int32, hasUser: Bool) -> MQTTProblem {
        switch code {
        case 1, 132: MQTTProblem("the broker does not speak MQTT 5 or 3.1.1", isOldProtocol: true)
        case 4, 5, 134, 135, 140:
            MQTTProblem(
                hasUser
                    ? "the broker refuses the user or the password" : "the broker wants a user and a password")
        case 2, 133: MQTTProblem("the broker refuses the client's name")
        case 3, 136, 137: MQTTProblem("the broker says that it is not available")
        case 138: MQTTProblem("the broker has banned this client")
        default: MQTTProblem("the broker refuses the connection (reason \(code))")
        }
    }

    /// A failed handshake of TLS, by what the library logged of it.
    static func tls(_ complaint: String?, host: String) -> MQTTProblem {
        let text = (complaint ?? "").lowercased()
        let reason =
            if text.isEmpty {
                // The alert that says so comes after the handshake by TLS 1.3.
                "the broker ended the TLS connection; does it want a client certificate (certificate: and key:)?"
            } else if text.contains("host name verification") || text.contains("hostname mismatch") {
                "its certificate is for another name than \(host)"
            } else if text.contains("certificate verify failed") {
                "its certificate is not trusted; name the authority's by ca:"
            } else if text.contains("certificate required") || text.contains("bad certificate")
                || text.contains("handshake failure") || text.contains("unknown ca")
            {
                "the broker wants a client certificate that it trusts (certificate: and key:)"
            } else if ["wrong version number", "packet length", "unexpected eof"].contains(where: text.contains) {
                "what answers speaks no TLS; is the port right?"
            } else if text.contains("unable to load") {
                "a file of ca:, certificate: or key: cannot be used"
            } else {
                "the TLS handshake failed"
            }
        return MQTTProblem(reason)
    }
}
