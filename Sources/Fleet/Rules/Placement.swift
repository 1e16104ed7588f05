package import Foundation
import SystemSupport
import WireFormat

/// The choice of a node of the fleet for each stream: a pure function with the same result on every node.
package enum Placement {
    /// The share of a node's cores that streams may use; above it, a node gets no more streams.
    static let share = 0.7
    /// The assumed cost of a stream on a node that runs none yet, in CPU-seconds per second.
    static let guess = 0.05
    /// The prefix of stream labels that choose nodes: a stream with the label `at-x` needs a node with the label `x`.
    static let labelPrefix = "at-"

    /// The node labels and camera credentials that a stream requires; the node must have at least one of the labels.
    struct Demand: Equatable {
        var labels: [String] = []
        var credentials: String?

        init(_ stream: Data) {
            guard let json = try? JSONText.parse(stream) else { return }
            let prefix = Placement.labelPrefix
            labels = (json["labels"]?.array ?? []).compactMap(\.string)
                .filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
            credentials = json["credentials"]?.string
        }

        func isMet(by node: NodeRecord) -> Bool {
            (labels.isEmpty || labels.contains(where: node.labels.contains))
                && (credentials.map(node.credentials.contains) ?? true)
        }
    }

    /// Returns true if a node has the labels and credentials that the stream's description (JSON) requires.
    package static func isFit(_ stream: Data, _ node: NodeRecord) -> Bool { Demand(stream).isMet(by: node) }

    /// A change of the plan for the fleet: the node that is to run a stream from now on.
    package struct Change: Sendable, Equatable {
        package let stream: String
        /// The node that is to run the stream; nil if the stream was removed from the fleet.
        package let node: String?

        package init(stream: String, node: String?) { (self.stream, self.node) = (stream, node) }
    }

    /// Returns a node's score for a stream by weighted rendezvous hashing; the highest score is preferred.
    ///
    /// When a node comes or goes, only the streams that gain or lose their preferred node are affected.
    static func score(_ stream: String, _ node: String, weight: Double) -> Double {
        let hash = FNV1a(Array("\(stream)\u{0}\(node)".utf8)).hash
        // The high bits of FNV hardly depend on the last byte, so the random generator mixes the hash.
        var random = SeededRandom(seed: hash)
        return -max(weight, 0.001) / log(max(random.unit(), 1e-12))
    }

    /// A node's load, counted with the streams that are planned for it but do not run yet.
    private struct Room {
        let name: String
        let record: NodeRecord
        var streams: Int

        /// The cost of one stream on this node, in CPU-seconds per second: measured, or assumed if it runs none.
        var cost: Double { record.streams > 0 ? max(record.cpu / Double(record.streams), 0.001) : Placement.guess }
        var used: Double { record.cpu + cost * Double(max(0, streams - record.streams)) }
        /// True if the node has enough free CPU time for another stream, or has no stream yet.
        var hasRoom: Bool {
            streams + record.streams == 0 || !record.sheds && used + cost <= record.cores * Placement.share
        }
    }

    /// Returns the due changes of the plan (which node runs which stream), at most `limit`.
    ///
    /// A stream stays on its planned node while that node is present and meets the stream's requirements. `isGone`
    /// returns true if an absent node has been away long enough to lose its streams.
    package static func changes(_ view: FleetView, limit: Int = 50, isGone: (String) -> Bool) -> [Change] {
        var rooms: [String: Room] = [:]
        for (name, node) in view.nodes where !view.drained.contains(name) {
            rooms[name] = Room(name: name, record: node.value, streams: 0)
        }
        var homeless: [String] = []
        for stream in view.streams.keys.sorted() {
            let demand = view.streams[stream].map { Demand($0.value) }
            let planned = view.want[stream]?.value ?? view.own[stream]?.value.node
            if let planned, let room = rooms[planned], demand?.isMet(by: room.record) ?? true {
                if view.want[stream] == nil { homeless.append(stream) } else { rooms[planned]?.streams += 1 }
            } else if let planned, !planned.isEmpty, view.nodes[planned] == nil, !isGone(planned) {
                continue
            } else {
                homeless.append(stream)
            }
        }
        var changes = view.want.keys.filter { view.isRemoved($0) }.sorted().map { Change(stream: $0, node: nil) }
        for stream in homeless {
            guard changes.count < limit else { break }
            guard let name = best(for: stream, view, rooms) else { continue }
            rooms[name]?.streams += 1
            if view.want[stream]?.value != name { changes.append(Change(stream: stream, node: name)) }
        }
        return Array(changes.prefix(limit))
    }

    /// Returns the node for a stream: the one with the best score that has room, or else the least loaded.
    ///
    /// Nodes that shed frames are left out. Returns nil if no node meets the stream's requirements.
    private static func best(for stream: String, _ view: FleetView, _ rooms: [String: Room]) -> String? {
        guard let value = view.streams[stream]?.value else { return nil }
        let demand = Demand(value)
        // A stream without a plan stays on the node that runs it.
        if let owner = view.own[stream]?.value.node, view.want[stream] == nil, let room = rooms[owner],
            demand.isMet(by: room.record)
        {
            return owner
        }
        let fit = rooms.values.filter { demand.isMet(by: $0.record) && !$0.record.sheds }
        let ranked = fit.map { ($0, score(stream, $0.name, weight: $0.record.cores)) }
            .sorted { ($0.1, $0.0.name) > ($1.1, $1.0.name) }
        if let first = ranked.first(where: { $0.0.hasRoom }) { return first.0.name }
        return ranked.min { left($0.0) > left($1.0) }?.0.name
    }

    private static func left(_ room: Room) -> Double { (room.record.cores * share - room.used) / room.record.cores }

    /// Returns the reason why no node can run a stream, as a sentence; nil if there is none.
    package static func reason(_ stream: String, _ view: FleetView) -> String? {
        guard let value = view.streams[stream]?.value else { return nil }
        let demand = Demand(value)
        let nodes = view.nodes.filter { !view.drained.contains($0.key) }
        if nodes.isEmpty { return "no node takes streams" }
        if !nodes.values.contains(where: { demand.isMet(by: $0.value) }) {
            let labels = demand.labels.isEmpty ? "" : "its labels and "
            if let name = demand.credentials { return "no node has \(labels)the credentials \"\(name)\"" }
            return "no node has the label \(demand.labels.joined(separator: " or "))"
        }
        let fit = nodes.values.filter { demand.isMet(by: $0.value) }
        return fit.allSatisfy(\.value.sheds) ? "every node that may run it sheds frames" : nil
    }
}
