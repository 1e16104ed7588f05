package import Matching
package import StreamSources

/// A notifier as the configuration describes it.
package struct NotifierSettings: Sendable, Equatable {
    package let name: String
    package var format = NotifyFormat.cloudevents
    /// The receiver's URL; `urlFile` is a file that contains it, since many services put a secret into it.
    package var url: String?
    package var urlFile: String?
    /// The file with the secret that signs requests (Standard Webhooks).
    package var secret: String?
    /// The file with the service's token.
    package var token: String?
    /// The chat that Telegram sends to.
    package var chat: String?
    /// Whether pictures go with alerts, where the format has a place for them.
    package var picture = false
    /// MQTT: the prefix of all topics.
    package var topic = "watchword"
    /// MQTT: who it is to the broker, and the file of the password.
    package var user: String?
    package var password: String?
    /// MQTT: files of the authority that the broker's certificate is from, of a certificate of its own, and of the key.
    package var ca: String?
    package var certificate: String?
    package var key: String?
    /// MQTT: whether Home Assistant is told of sensors.
    package var homeAssistant = false
    /// The private and loopback addresses that the notifier may reach.
    package var addresses: [AddressRange] = []
    package var filter = AlertFilter()
    /// The age in seconds after which an alert is not sent, but counted in a summary.
    package var catchUp: Double
    package var limit: AlertLimit?
    /// The hours in which alerts are kept for one summary; nil means never.
    package var quiet: ActiveHours?
    /// The time limit of a request in seconds.
    package var timeout = 10.0
    package var source = NotifierSource.file
    /// What binds a client's notifier to hosts; it may send to a host that all of them have.
    package var bonds: [HostBond] = []

    /// The greatest number of notifiers.
    package static let most = 64

    package init(name: String, format: NotifyFormat) {
        self.name = name
        self.format = format
        filter.phases = format.usualPhases
        catchUp = format.usualCatchUp
    }

    /// Whether both publish by MQTT below one prefix at one broker, as far as it can be seen here.
    ///
    /// Home Assistant's names have no slash and no dot, so that topics are compared without them.
    package func isAtOneTopic(with other: NotifierSettings) -> Bool {
        format == .mqtt && other.format == .mqtt && MQTTTopics(topic).node == MQTTTopics(other.topic).node
            && (url, urlFile) == (other.url, other.urlFile)
    }
}

/// The origin of a notifier: the configuration's file, or a client, through a socket.
package enum NotifierSource: String, Codable, Sendable, CaseIterable { case file, socket }

/// Hosts that a notifier may send to, and a reason: "the credentials \"hook\" are for".
package struct HostBond: Sendable, Equatable {
    let reason: String
    let hosts: [HostPattern]

    /// The notifier's key whose credential they are for; nil if they are for no credential.
    let key: String?
    /// The credential's name.
    let credential: String?

    package init(_ hosts: [HostPattern], reason: String) {
        (self.hosts, self.reason, key, credential) = (hosts, reason, nil, nil)
    }

    /// Hosts that the credential of a notifier's key is for.
    package init(_ hosts: [HostPattern], key: String, credential: String) {
        (self.hosts, self.key, self.credential) = (hosts, key, credential)
        reason = "the credentials \"\(credential)\" are for"
    }
}

/// The greatest number of messages in a period; further alerts become one summary.
package struct AlertLimit: Sendable, Equatable {
    package let alerts: Int
    /// The period in seconds.
    package let per: Double

    package init(alerts: Int, per: Double) {
        self.alerts = alerts
        self.per = per
    }
}

/// A notifier that cannot be used: a sentence that names it.
package struct NotifyError: Error, Equatable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
