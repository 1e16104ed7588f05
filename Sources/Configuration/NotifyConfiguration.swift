import Foundation
import Matching
import Notify
import Printing
import StreamSources
import SystemSupport
import Yams

/// Reads the section `notify` of the configuration: the notifiers that send events to other systems.
enum NotifyConfiguration {
    private static let keys = [
        "name", "format", "url", "url_file", "secret", "token", "chat", "addresses", "queries", "streams", "tags",
        "phases", "catch_up", "at_most", "quiet", "timeout", "picture",
    ]
    /// The keys that only `format: mqtt` has.
    private static let mqttKeys = ["topic", "user", "password", "ca", "certificate", "key", "home_assistant"]
    private static let httpKeys = ["secret", "token", "chat"]
    /// The greatest number of notifiers.
    private static let most = 64

    static func all(_ root: YAMLMapping, path: String) throws(ConfigurationError) -> [NotifierSettings] {
        let nodes = try root.list("notify") ?? []
        guard nodes.count <= most else {
            throw root.failure("notify", "expected at most \(most) notifiers, found \(nodes.count)")
        }
        var all: [NotifierSettings] = []
        for node in nodes {
            let one = try notifier(YAMLMapping(node, path: path, what: "notify", keys: keys + mqttKeys))
            guard !all.contains(where: { $0.name == one.name }) else {
                throw root.failure("notify", "there are two of the name \"\(one.name)\"")
            }
            guard !all.contains(where: { $0.isAtOneTopic(with: one) }) else {
                throw root.failure(
                    "notify", "there are two with the topic \"\(one.topic)\"; give each a topic of its own")
            }
            all.append(one)
        }
        return all
    }

    private static func notifier(_ values: YAMLMapping) throws(ConfigurationError) -> NotifierSettings {
        let name = try values.required("name")
        guard Identifier.isName(name) else {
            throw values.failure(
                "name", "expected 1 to 64 letters, digits, - and _, found \"\(name.excerpt())\"")
        }
        var settings = NotifierSettings(name: name, format: try format(values))
        settings.url = try values.string("url")
        settings.urlFile = try values.string("url_file")
        settings.secret = try values.string("secret")
        settings.token = try values.string("token")
        settings.chat = try values.string("chat")
        for (key, value) in [
            ("url_file", settings.urlFile), ("secret", settings.secret), ("token", settings.token),
            ("chat", settings.chat),
        ] where value?.isEmpty ?? values.isEmpty(key) {
            throw values.failure(key, "expected a value, found nothing; leave \(key) out for none")
        }
        settings.picture = try values.bool("picture") ?? false
        settings.homeAssistant = try values.bool("home_assistant") ?? false
        if settings.homeAssistant { settings.catchUp = NotifyFormat.homeCatchUp }
        try mqtt(&settings, values)
        try address(settings, values)
        for text in try values.strings("addresses") ?? [] {
            guard let range = AddressRange(text) else {
                throw values.failure(
                    "addresses", "expected an address or a range as in 192.168.1.0/24, found \"\(text.excerpt())\"")
            }
            settings.addresses.append(range)
        }
        settings.filter = try filter(values, settings.filter)
        guard !settings.homeAssistant || settings.filter.phases.contains(.start) else {
            throw values.failure("phases", "expected start among them: home_assistant turns sensors on by it")
        }
        settings.catchUp = try seconds(values, "catch_up", 0...(366 * 86_400)) ?? settings.catchUp
        settings.timeout = try seconds(values, "timeout", 1...20) ?? settings.timeout
        if let limit = try values.mapping("at_most", keys: ["alerts", "per"]) {
            guard let alerts = try limit.integer("alerts"), (1...10_000).contains(alerts) else {
                throw values.failure("at_most.alerts", "expected 1 to 10000, as in {alerts: 10, per: 10m}")
            }
            guard let per = try seconds(limit, "per", 1...(7 * 86_400)) else {
                throw values.failure("at_most.per", "it is missing, as in {alerts: 10, per: 10m}")
            }
            settings.limit = AlertLimit(alerts: alerts, per: per)
        }
        settings.quiet = try quiet(values)
        return settings
    }

    /// Reads the keys of MQTT brokers; throws if a key does not fit the notifier's format.
    private static func mqtt(_ settings: inout NotifierSettings, _ values: YAMLMapping) throws(ConfigurationError) {
        let isMQTT = settings.format == .mqtt
        for key in isMQTT ? httpKeys : mqttKeys where values.has(key) {
            throw values.failure(
                key, isMQTT ? "format mqtt takes user and password" : "it is for format mqtt alone")
        }
        guard !settings.picture || settings.format.takesPictures else {
            throw values.failure("picture", "format \(settings.format.rawValue) takes none")
        }
        guard isMQTT else { return }
        settings.topic = try values.string("topic") ?? settings.topic
        guard MQTTTopics.isPrefix(settings.topic) else {
            throw values.failure(
                "topic",
                "expected letters, digits, - _ . and / between them, as in home/watchword, found "
                    + "\"\(settings.topic.excerpt())\"")
        }
        settings.user = try values.string("user")
        settings.password = try values.string("password")
        settings.ca = try values.string("ca")
        settings.certificate = try values.string("certificate")
        settings.key = try values.string("key")
        for (key, value) in [
            ("user", settings.user), ("password", settings.password), ("ca", settings.ca),
            ("certificate", settings.certificate), ("key", settings.key),
        ] where value?.isEmpty ?? values.isEmpty(key) {
            throw values.failure(key, "expected a value, found nothing; leave \(key) out for none")
        }
        guard settings.password == nil || settings.user != nil else {
            throw values.failure("password", "expected user: as well")
        }
        guard (settings.certificate == nil) == (settings.key == nil) else {
            throw values.failure("certificate", "expected certificate: and key:, found one of them")
        }
    }

    private static func format(_ values: YAMLMapping) throws(ConfigurationError) -> NotifyFormat {
        guard let word = try values.string("format") else { return .cloudevents }
        guard let format = NotifyFormat(rawValue: word) else {
            let known = NotifyFormat.allCases.map(\.rawValue).joined(separator: ", ")
            throw values.failure("format", "\"\(word.excerpt())\" is none of \(known)")
        }
        return format
    }

    /// Throws if the receiver's address is missing, given twice or invalid; an address in a file is checked at start.
    private static func address(_ settings: NotifierSettings, _ values: YAMLMapping) throws(ConfigurationError) {
        guard settings.url == nil || settings.urlFile == nil else {
            throw values.failure("url_file", "expected url or url_file, found both")
        }
        guard settings.url != nil || settings.urlFile != nil || settings.format == .telegram else {
            let example = settings.format == .mqtt ? "mqtt://192.168.1.5" : "https://example.org/hook"
            throw values.failure("url", "it is missing: where to send, as in \(example)")
        }
        guard let url = settings.url else { return }
        let parts: StrictURI
        do throws(StrictURI.Problem) { parts = try StrictURI(url) } catch {
            throw values.failure("url", "expected an address as in https://example.org/hook: \(error.reason)")
        }
        let schemes = settings.format.schemes
        guard schemes.contains(parts.scheme), !parts.host.isEmpty else {
            throw values.failure(
                "url", "expected an address of \(schemes.joined(separator: " or ")), found \(parts.scheme)://")
        }
        guard parts.user == nil else {
            throw values.failure("url", "expected no user in the address; \(settings.format.userKeys)")
        }
        guard settings.format == .mqtt else { return }
        guard ["", "/"].contains(parts.rest) else {
            throw values.failure("url", "expected a host and perhaps a port; the topic is named by topic:")
        }
        if parts.scheme == "mqtt", let key = ["ca", "certificate", "key"].first(where: values.has) {
            throw values.failure(key, "expected mqtts:// in url: mqtt:// is without TLS")
        }
    }

    private static func filter(
        _ values: YAMLMapping, _ usual: AlertFilter
    ) throws(ConfigurationError) -> AlertFilter {
        var filter = usual
        filter.queries = try values.strings("queries").map { Set($0) }
        filter.tags = try values.strings("tags").map { Set($0) }
        for (key, set) in [("queries", filter.queries), ("tags", filter.tags)] where set?.isEmpty == true {
            throw values.failure(key, "it is empty; leave it out for all")
        }
        if let patterns = try values.strings("streams") {
            do throws(QueryPartError) { filter.streams = try StreamSelector(patterns) } catch {
                throw values.failure("streams", error.reason)
            }
            guard !patterns.contains(where: { $0.contains("label:") }) else {
                throw values.failure("streams", "expected names with * and ?; labels select streams for queries alone")
            }
        }
        guard let words = try values.strings("phases") else { return filter }
        filter.phases = []
        for word in words {
            guard let phase = AlertFilter.Phase(rawValue: word) else {
                throw values.failure("phases", "\"\(word.excerpt())\" is none of start, update, end")
            }
            filter.phases.insert(phase)
        }
        guard !filter.phases.isEmpty else {
            throw values.failure("phases", "it is empty; leave it out for the format's usual ones")
        }
        return filter
    }

    private static func quiet(_ values: YAMLMapping) throws(ConfigurationError) -> ActiveHours? {
        guard let parts = try ActivePart.list(values, key: "quiet") else { return nil }
        do throws(QueryPartError) {
            var rules: [ActiveHours.Rule] = []
            for part in parts { rules.append(try part.rule()) }
            return rules.isEmpty ? nil : ActiveHours(rules)
        } catch {
            throw values.failure("quiet", error.reason)
        }
    }

    /// Reads a duration such as "90s", "10m", "1h", "3d" or a number of seconds; returns seconds, or nil without the
    /// key.
    private static func seconds(
        _ values: YAMLMapping, _ key: String, _ range: ClosedRange<Double>
    ) throws(ConfigurationError) -> Double? {
        guard let node = values.node(key) else { return nil }
        let found = node.number ?? node.text.flatMap(Self.length)
        guard let found, range.contains(found) else {
            throw values.failure(
                key,
                "expected a time as in 90s, 10m, 1h or 3d, from \(Int(range.lowerBound)) to "
                    + "\(Int(range.upperBound)) seconds, found \(node.name)")
        }
        return found
    }

    private static func length(_ text: String) -> Double? {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard text.utf8.count <= 16, let unit = text.last.flatMap({ units[$0] }),
            let count = Double(text.dropLast()), count.isFinite
        else { return nil }
        return count * unit
    }
}

extension Configuration {
    /// Returns the notifiers with absolute paths of their files; a name without a folder may be a systemd credential's.
    static func located(_ notifiers: [NotifierSettings], absolute: (String) -> String) -> [NotifierSettings] {
        func place(_ file: String?) -> String? {
            guard let file else { return nil }
            return file.contains("/") || FileManager.default.fileExists(atPath: absolute(file)) ? absolute(file) : file
        }
        return notifiers.map { one in
            var one = one
            (one.urlFile, one.secret, one.token) = (place(one.urlFile), place(one.secret), place(one.token))
            (one.password, one.ca) = (place(one.password), place(one.ca))
            (one.certificate, one.key) = (place(one.certificate), place(one.key))
            return one
        }
    }
}
