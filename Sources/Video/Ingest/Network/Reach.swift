import CReach
package import StreamSources
import Synchronization

/// Checks each address that this process's video sources connect to, when they connect, also after redirects.
///
/// It is off until a daemon turns it on. All connections of GLib are checked: RTSP, HTTP and RTMP. SRT gets only
/// addresses that were checked before, and UDP only multicast groups.
package enum Reach {
    private struct Rules {
        var policy = SourcePolicy()
        /// The hosts that the configuration's streams use, with their ports; a nil port means any port.
        var named: [String: Set<Int?>] = [:]
    }

    private static let rules = Mutex(Rules())

    /// Turns the check on for the whole process, permanently; must be called before the first source is opened.
    package static func turnOn(_ policy: SourcePolicy) {
        rules.withLock { $0.policy = policy }
        ww_reach_guard { host, port, address, length in
            guard let host else { return 0 }
            let bytes = address.map { Array(UnsafeBufferPointer(start: $0, count: Int(length))) }
            return Reach.allows(String(cString: host), port: Int(port), bytes) ? 1 : 0
        }
    }

    /// Sets the sources of the configuration's streams, whose hosts are allowed whatever their addresses.
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
        // A launch line names hosts in URIs, and after host= and address=.
        let words = launch.split { $0.isWhitespace || $0 == "\"" || $0 == "'" }
        return words.flatMap { word -> [(host: String, port: Int?)] in
            let text = word.split(separator: "=", maxSplits: 1).last.map(String.init) ?? ""
            if let uri = try? StrictURI(text) { return [(uri.host, uri.portOrUsual)] }
            return word.hasPrefix("host=") || word.hasPrefix("address=") ? [(text.lowercased(), nil)] : []
        }
    }

    /// Returns true if a source may connect to a host; `port` is 0 and `address` nil if they are unknown.
    package static func allows(_ host: String, port: Int, _ address: [UInt8]?) -> Bool {
        var host = host.lowercased()
        if host.hasSuffix(".") { host.removeLast() }
        let (rules, ports) = Self.rules.withLock { ($0, $0.named[host]) }
        if let ports, port == 0 || ports.contains(port) || ports.contains(nil) { return true }
        if let address { return NetworkAddress(bytes: address).map { rules.policy.allows($0) } ?? false }
        guard (try? rules.policy.checkHost(host)) != nil else { return false }
        // A name that the operator gave for one port does not open the other ports of this machine.
        return ports == nil || HostLookup.addresses(host).allSatisfy { rules.policy.allows($0) }
    }
}
