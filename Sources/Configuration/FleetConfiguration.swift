import Foundation
import SystemSupport
import Yams

/// The section `fleet` of the configuration: this daemon is a node of a fleet, several daemons connected by etcd.
///
/// The nodes share queries, streams and a log of events.
package struct FleetConfiguration: Sendable, Equatable {
    /// The behaviour of a node that cannot reach etcd: it continues to watch its streams, or stops.
    package enum CutOff: String, Sendable, CaseIterable {
        case watch
        case stop
    }

    package var name: String
    package var node: String
    /// The URLs of etcd's members, such as "https://box-1:2379".
    package var engine: [String] = []
    /// The paths of PEM files for TLS to etcd: the authority of its certificates, and this node's certificate and key.
    package var (authority, certificate, key): (String?, String?, String?)
    /// The path of the file with etcd's password; the etcd user has the fleet's name.
    package var password: String?
    /// The seconds after which a node that does not renew its lease counts as gone.
    package var lease = 2
    package var onCutOff = CutOff.watch
    /// The ZeroMQ endpoint on which this node publishes the messages of all nodes of the fleet.
    package var publish = Configuration.defaultEndpoint("fleet")
    /// The node's labels: a stream with the label `at-LABEL` runs only on nodes with the label LABEL.
    package var labels: [String] = []
    /// The identity of the fleet to join, if it is another than the one that this node joined first; otherwise nil.
    package var identity: String?
    /// The greatest size in megabytes of the event log that is kept in etcd; `logHours` is its greatest age in hours.
    package var logMegabytes = 256
    package var logHours = 24.0
    /// The limits by which streams move to even out the load of the nodes; nil if they do not.
    package var rebalance: Rebalance? = Rebalance()

    private static let keys = [
        "name", "node", "engine", "tls", "password", "lease", "on_cut_off", "labels", "identity", "log",
        "publish", "rebalance",
    ]

    package init(name: String, node: String) { (self.name, self.node) = (name, node) }

    init?(_ root: YAMLMapping) throws(ConfigurationError) {
        try root.refuseEmpty("fleet", "keys and values: name, node and engine; leave fleet out for none")
        guard let section = try root.mapping("fleet", keys: Self.keys) else { return nil }
        name = try Self.name(section, "name")
        node = try Self.name(section, "node")
        engine = try Self.members(section)
        if let tls = try section.mapping("tls", keys: ["ca", "certificate", "key"]) {
            (authority, certificate) = (try tls.string("ca"), try tls.string("certificate"))
            key = try tls.string("key")
            guard (certificate == nil) == (key == nil) else {
                throw section.failure("tls", "expected certificate and key together, found one of them")
            }
            guard engine.allSatisfy({ $0.hasPrefix("https://") }) else {
                throw section.failure("tls", "expected https:// in every member of engine, found http://")
            }
        }
        password = try section.string("password")
        if let seconds = try section.integer("lease") {
            guard (2...60).contains(seconds) else {
                throw section.failure("lease", "expected 2 to 60 seconds, found \(seconds)")
            }
            lease = seconds
        }
        if let word = try section.string("on_cut_off") {
            guard let known = CutOff(rawValue: word) else {
                throw section.failure("on_cut_off", "expected watch or stop, found \"\(word.prefix(40))\"")
            }
            onCutOff = known
        }
        labels = try section.strings("labels") ?? []
        for label in labels where !Identifier.isName(label) {
            throw section.failure(
                "labels", "expected 1 to 64 letters, digits, - and _, found \"\(label.prefix(64))\"")
        }
        publish = try section.string("publish") ?? publish
        rebalance = try Rebalance.read(section)
        identity = try section.string("identity")
        if let identity, !(1...64).contains(identity.utf8.count) {
            throw section.failure("identity", "expected 1 to 64 bytes, found \(identity.utf8.count)")
        }
        if let log = try section.mapping("log", keys: ["window_megabytes", "hours"]) {
            logMegabytes = try log.integer("window_megabytes") ?? logMegabytes
            logHours = try log.double("hours") ?? logHours
            guard (1...4096).contains(logMegabytes) else {
                throw log.failure("window_megabytes", "expected 1 to 4096, found \(logMegabytes)")
            }
            guard logHours > 0, logHours <= 8784 else {
                throw log.failure("hours", "expected a number above 0 and up to 8784, found \(logHours)")
            }
        }
    }

    private static func name(_ section: YAMLMapping, _ key: String) throws(ConfigurationError) -> String {
        let name = try section.required(key)
        guard Identifier.isName(name) else {
            throw section.failure(key, "expected 1 to 64 letters, digits, - and _, found \"\(name.prefix(64))\"")
        }
        return name
    }

    private static func members(_ section: YAMLMapping) throws(ConfigurationError) -> [String] {
        let members = try section.strings("engine") ?? []
        guard (1...9).contains(members.count) else {
            throw section.failure(
                "engine", "expected 1 to 9 members, found \(members.count); one is as in https://box-1:2379")
        }
        for member in members {
            guard let url = URLComponents(string: member), ["http", "https"].contains(url.scheme ?? ""),
                url.host?.isEmpty == false, url.port != nil, url.path.isEmpty, url.user == nil, url.query == nil
            else {
                throw section.failure(
                    "engine", "expected a member as in https://box-1:2379, found \"\(member.prefix(100))\"")
            }
        }
        guard Set(members).count == members.count else {
            throw section.failure("engine", "expected each member once, found one twice")
        }
        return members
    }

    /// Returns this section with absolute paths; a name without a folder may be a systemd credential's.
    ///
    /// Other relative paths are relative to the configuration's folder.
    func located(absolute: (String) -> String) -> FleetConfiguration {
        func locate(_ path: String?) -> String? { path.map { Credential.file($0) ?? absolute($0) } }
        var located = self
        (located.authority, located.certificate) = (locate(authority), locate(certificate))
        (located.key, located.password) = (locate(key), locate(password))
        return located
    }
}

extension Configuration {
    /// Throws if a fleet is configured together with streams or queries, which are kept in etcd, or without a journal.
    func checkFleet(_ root: YAMLMapping) throws(ConfigurationError) {
        guard fleet != nil else { return }
        guard streams.isEmpty else {
            throw root.failure("streams", "expected none beside fleet: its streams are added by watchword stream add")
        }
        guard queries.isEmpty else {
            throw root.failure("queries", "expected none beside fleet: its queries are added by watchword query add")
        }
        guard journal != nil else {
            throw root.failure("fleet", "it needs a journal, which keeps this node's messages: journal: FILE")
        }
    }
}
