package import Foundation
import Printing
import SystemSupport
import WireFormat

/// The fleet's keys and values in etcd (its shared key-value store), as this node has last read them.
///
/// The view may be out of date, so each decision is made by a transaction that checks the keys again.
package struct FleetView: Sendable {
    package let keys: FleetKeys
    /// The fleet's identity, the version of its keys, and the model of all nodes (key `meta`); nil if missing.
    package private(set) var meta: FleetMeta?
    /// The nodes that are alive, by name (keys `node/NAME`).
    package private(set) var nodes: [String: Versioned<NodeRecord>] = [:]
    /// The names of drained nodes, which are to run no streams (keys `drain/NODE`).
    package private(set) var drained: Set<String> = []
    /// The configurations of the fleet's streams as JSON, by name (keys `stream/NAME`).
    package private(set) var streams: [String: Versioned<Data>] = [:]
    /// The fleet's queries as JSON, by id (keys `query/ID`).
    package private(set) var queries: [String: Versioned<Data>] = [:]
    /// The name of the node that is to run a stream, by the stream's name (keys `want/STREAM`).
    package private(set) var want: [String: Versioned<String>] = [:]
    /// The node that runs a stream, and the epoch of its claim, by the stream's name (keys `own/STREAM`).
    package private(set) var own: [String: Versioned<Ownership>] = [:]
    /// The name of the node that plans which node runs which stream (key `planner`); nil if no node does.
    package private(set) var planner: Versioned<String>?
    /// The newest number and the size of the fleet's log (key `head`); nil if missing.
    package private(set) var head: LogHead?
    /// An error message for each key whose value cannot be read, by key.
    package private(set) var problems: [String: String] = [:]
    /// True once all of the fleet's keys have been read.
    package private(set) var isComplete = false

    /// The size limit of a value, in bytes; a larger value is reported in `problems` and otherwise ignored.
    package static let largest = 256 << 10

    package init(_ keys: FleetKeys) { self.keys = keys }

    /// Replaces the view by all of the fleet's keys and values.
    package mutating func reset(_ values: [StoredValue]) {
        self = FleetView(keys)
        for value in values { put(value) }
        isComplete = true
    }

    package mutating func apply(_ changes: [KeyChange]) {
        for change in changes {
            switch change {
            case .put(let value): put(value)
            case .delete(let key, _): remove(key)
            }
        }
    }

    private mutating func remove(_ key: String) {
        problems[key] = nil
        guard let (kind, name) = keys.parts(key) else { return }
        switch kind {
        case "meta": meta = nil
        case "planner": planner = nil
        case "head": head = nil
        case "node": nodes[name] = nil
        case "drain": drained.remove(name)
        case "stream": streams[name] = nil
        case "query": queries[name] = nil
        case "want": want[name] = nil
        case "own": own[name] = nil
        default: break
        }
    }

    private mutating func put(_ stored: StoredValue) {
        remove(stored.key)
        guard let (kind, name) = keys.parts(stored.key) else { return }
        guard stored.value.count <= Self.largest else {
            problems[stored.key] =
                "\(stored.key): expected at most \(Self.largest >> 10) KB, found \(stored.value.count >> 10) KB; "
                + "it is left alone"
            return
        }
        let isNamed = ["node", "drain", "stream", "query", "want", "own"].contains(kind)
        guard !isNamed || Identifier.isName(name) else {
            problems[stored.key] = "\(stored.key.excerpt()): expected a name of letters, digits, - and _"
            return
        }
        let text = String(decoding: stored.value, as: UTF8.self)
        switch kind {
        case "meta": meta = json(stored)
        case "planner": planner = Versioned(text, stored)
        case "head": head = json(stored)
        case "node": nodes[name] = json(stored, as: NodeRecord.self).map { Versioned($0, stored) }
        case "drain": drained.insert(name)
        case "stream", "query":
            do {
                guard case .object = try JSONText.parse(stored.value) else {
                    problems[stored.key] = "\(stored.key): expected a JSON object"
                    return
                }
                let value = Versioned(stored.value, stored)
                if kind == "stream" { streams[name] = value } else { queries[name] = value }
            } catch {
                problems[stored.key] = "\(stored.key): expected JSON, found \"\(text.excerpt())\""
            }
        case "want": want[name] = Versioned(text, stored)
        case "own":
            guard let ownership = Ownership(stored.value) else {
                problems[stored.key] =
                    "\(stored.key): expected node/epoch, found \"\(text.excerpt())\"; nobody can claim it"
                return
            }
            own[name] = Versioned(ownership, stored)
        default: break
        }
    }

    private mutating func json<Value: Decodable>(_ stored: StoredValue, as type: Value.Type = Value.self) -> Value? {
        do { return try WireCoding.decode(type, stored.value) } catch {
            let text = String(decoding: stored.value.prefix(200), as: UTF8.self)
            problems[stored.key] = "\(stored.key): expected JSON of this version, found \"\(text.excerpt())\""
            return nil
        }
    }

    /// Returns true if the fleet has no stream of this name, not even one with an unreadable description.
    func isRemoved(_ stream: String) -> Bool { streams[stream] == nil && problems[keys.stream(stream)] == nil }

    /// Returns true if the key that names the stream's owner has a value that cannot be read.
    package func isOwnerUnreadable(_ stream: String) -> Bool { problems[keys.own(stream)] != nil }
}
