package import Notify
package import StreamSources
package import WireFormat
import Yams

/// The section `receivers`: where notifiers of clients may send.
///
/// Notifiers of the configuration have `addresses` of their own.
package struct ClientNotifiers: Sendable, Equatable {
    /// The private and loopback addresses that may be reached.
    package var addresses: [AddressRange] = []
    /// The hosts that may be sent to; nil means every one.
    package var hosts: [HostPattern]?

    package init() {}

    init(_ root: YAMLMapping) throws(ConfigurationError) {
        self.init()
        guard let section = try root.mapping("receivers", keys: ["addresses", "hosts"]) else { return }
        for text in try section.strings("addresses") ?? [] {
            guard let range = AddressRange(text) else {
                throw section.failure(
                    "addresses", "expected an address or a range as in 192.168.1.0/24, found \"\(text.prefix(64))\"")
            }
            addresses.append(range)
        }
        hosts = try section.hosts("hosts")
    }

    /// The keys of a notifier that a client may give.
    package static let keys = NotifyConfiguration.keys.filter { $0 != "addresses" }

    /// Keys that name files in the configuration; clients name credentials by them.
    private static let files: [(key: String, place: any WritableKeyPath<NotifierSettings, String?> & Sendable)] = [
        ("url_file", \.urlFile), ("secret", \.secret), ("token", \.token), ("password", \.password), ("ca", \.ca),
        ("certificate", \.certificate), ("key", \.key),
    ]

    /// Reads a notifier as a client describes it: with names of credentials in the place of files.
    ///
    /// The receiver is bound to the hosts of these credentials, and to `hosts`. Throws on what a client may not
    /// ask for.
    package func read(
        _ json: JSONValue, credentials: [String: CameraCredentials]
    ) throws(ConfigurationError) -> NotifierSettings {
        let values = try Mapping(json, path: "", what: "the notifier", keys: NotifyConfiguration.keys)
        guard !values.has("addresses") else {
            throw values.failure(
                "addresses",
                "leave it out: the configuration says what clients' notifiers reach (receivers: {addresses: [ADDRESS]})"
            )
        }
        var settings = try NotifyConfiguration.notifier(values)
        (settings.source, settings.addresses) = (.socket, addresses)
        for (key, place) in Self.files {
            guard let name = settings[keyPath: place] else { continue }
            guard let known = credentials[name] else {
                let names = credentials.keys.sorted().joined(separator: ", ")
                throw values.failure(
                    key,
                    "clients name credentials that the configuration binds to hosts "
                        + "(credentials: {NAME: {file: FILE, hosts: [HOST]}}); there are "
                        + "\(names.isEmpty ? "none" : names)")
            }
            settings[keyPath: place] = known.file
            settings.bonds.append(HostBond(known.hosts, key: key, credential: name))
        }
        if let hosts {
            settings.bonds.append(HostBond(hosts, reason: "the configuration's receivers: {hosts: …} allows"))
        }
        return settings
    }
}

extension Mapping {
    /// Reads a list of hosts, which may have ports; nil without the key.
    func hosts(_ key: String) throws(ConfigurationError) -> [HostPattern]? {
        guard let texts = try strings(key) else { return nil }
        var patterns: [HostPattern] = []
        for text in texts {
            guard let pattern = HostPattern(text) else {
                throw failure(
                    key, "expected a host as in camera-1.example or 10.0.0.5:554, found \"\(text.prefix(64))\"")
            }
            patterns.append(pattern)
        }
        return patterns
    }
}
