/// The names of a fleet's keys in etcd, the key-value store that its nodes share; all begin with `ww/FLEET/`.
package struct FleetKeys: Sendable, Equatable {
    package let root: String

    package init(_ fleet: String) { root = "ww/\(fleet)/" }

    package var meta: String { root + "meta" }
    package var planner: String { root + "planner" }
    package var head: String { root + "head" }
    package var trim: String { root + "trim" }
    package func node(_ name: String) -> String { "\(root)node/\(name)" }
    package func drain(_ node: String) -> String { "\(root)drain/\(node)" }
    package func stream(_ name: String) -> String { "\(root)stream/\(name)" }
    package func query(_ id: String) -> String { "\(root)query/\(id)" }
    package func want(_ stream: String) -> String { "\(root)want/\(stream)" }
    package func own(_ stream: String) -> String { "\(root)own/\(stream)" }
    package func learn(_ stream: String) -> String { "\(root)learn/\(stream)" }
    package func cursor(_ journal: String) -> String { "\(root)cursor/\(journal)" }
    /// Returns the key of the batch of log messages that begins with number `seq`; the keys sort as the numbers do.
    package func log(_ seq: Int64) -> String {
        let digits = "\(seq)"
        return "\(root)log/\(String(repeating: "0", count: max(0, 19 - digits.utf8.count)))\(digits)"
    }

    package var log: KeyRange { KeyRange(prefix: root + "log/") }
    package var learnt: KeyRange { KeyRange(prefix: root + "learn/") }
    /// Two key ranges that together hold all of the fleet's keys except its log and what its nodes have learnt.
    ///
    /// These are long, and no node needs all of them. No key of the fleet lies between the two.
    package var state: [KeyRange] {
        let all = KeyRange(prefix: root)
        return [KeyRange(from: all.first, to: learnt.first), KeyRange(from: log.end, to: all.end)]
    }

    /// Splits a key into its kind and name, such as ("own", "door"); returns nil for a key outside the fleet.
    ///
    /// The name is empty if the kind has only one key.
    package func parts(_ key: String) -> (kind: Substring, name: String)? {
        guard key.hasPrefix(root) else { return nil }
        let parts = key.dropFirst(root.count).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let kind = parts.first else { return nil }
        return (kind, parts.count > 1 ? String(parts[1]) : "")
    }
}
