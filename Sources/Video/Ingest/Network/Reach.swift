import CReach
package import StreamSources
import Synchronization

/// Checks each address that this process's streams connect to, at the time of connecting, after redirects and look-ups.
///
/// It is off until a daemon turns it on. All connections of GLib are checked: RTSP, HTTP and RTMP. SRT gets addresses
/// that were looked up and checked before, and UDP only multicast groups.
package enum Reach {
    private struct Rules {
        var policy = SourcePolicy()
        /// The hosts that the configuration names, with their ports; a nil port means any.
        var named: [String: Set<Int?>] = [:]
    }

    private static let rules = Mutex(Rules())

    /// Turns the check on for the whole process, permanently; call it before the first source is opened.
    package static func turnOn(_ policy: SourcePolicy) {
        rules.withLock { $0.policy = policy }
        ww_reach_guard { host, port, address, length in
            guard let host else { return 0 }
            let bytes = address.map { Array(UnsafeBufferPointer(start: $0, count: Int(length))) }
            return Reach.allows(String(cString: host), port: Int(port), bytes) ? 1 : 0
        }
    }

    /// Adds the hosts of the configuration's streams, which are allowed at any address.
    package static func name(_ sources: [SourceDescription]) {
        var named: [String: Set<Int?>] = [:]
        for source in sources {
            for (host, port) in hosts(of: source) { named[host, default: []].insert(port) }
        }
        rules.withLock { $0.named = named }
    }

    package static func hosts(of source: SourceDescription) -> [(host: String, port: Int?)] {
        guard let launch = source.launch else {
            return (try? StrictURI(source.uri)).map { [($0.host, $0.portOrUsual)] } ?? []
        }
        // A launch line names hosts in URIs, and behind host= and address=.
        let words = launch.split { $0.isWhitespace || $0 == "\"" || $0 == "'" }
        return words.flatMap { word -> [(host: String, port: Int?)] in
            let text = word.split(separator: "=", maxSplits: 1).last.map(String.init) ?? ""
            if let uri = try? StrictURI(text) { return [(uri.host, uri.portOrUsual)] }
            return word.hasPrefix("host=") || word.hasPrefix("address=") ? [(text.lowercased(), nil)] : []
        }
    }

    /// Whether a host may be connected to; `port` is 0 and `address` nil if they are unknown.
    package static func allows(_ host: String, port: Int, _ address: [UInt8]?) -> Bool {
        var host = host.lowercased()
        if host.hasSuffix(".") { host.removeLast() }
        let (rules, ports) = Self.rules.withLock { ($0, $0.named[host]) }
        if let ports, port == 0 || ports.contains(port) || ports.contains(nil) { return true }
        if let address { return NetworkAddress(bytes: address).map { rules.policy.allows($0) } ?? false }
        guard (try? rules.policy.checkHost(host)) != nil else { return false }
        // A name that the operator gives for one port is not a way to the others of this machine.
        return ports == nil || HostLookup.addresses(host).allSatisfy { rules.policy.allows($0) }
    }
}
