package import Foundation
import SystemSupport
import WireFormat

/// Which node should run which stream: pure, the same on every node.
package enum Placement {
    /// Share of the cores that streams may take.
    static let share = 0.7
    /// CPU-seconds a stream-second, as long as nothing is measured.
    static let guess = 0.05
    /// A stream's label that begins so names a label of the nodes that may run it.
    static let labelPrefix = "at-"

    /// A stream's demands on its node.
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

    /// Whether a node has the labels and credentials that a stream asks for.
    package static func isFit(_ stream: Data, _ node: NodeRecord) -> Bool { Demand(stream).isMet(by: node) }

    /// A change of the plan.
    package struct Change: Sendable, Equatable {
        package let stream: String
        /// Nil: the stream is there no more.
        package let node: String?

        package init(stream: String, node: String?) { (self.stream, self.node) = (stream, node) }
    }

    /// Weighted rendezvous hashing: a node that comes or goes moves only what it must.
    static func score(_ stream: String, _ node: String, weight: Double) -> Double {
        let hash = FNV1a(Array("\(stream)\u{0}\(node)".utf8)).hash
        // FNV's high bits hardly move with the last byte: mix them once.
        var random = SeededRandom(seed: hash)
        return -max(weight, 0.001) / log(max(random.unit(), 1e-12))
    }

    /// Room of a node in CPU-seconds a second, with what the plan gives it beside what it runs.
    private struct Room {
        let name: String
        let record: NodeRecord
        var streams: Int

        /// The measured cost of one stream on this node, in processor seconds a second.
        var cost: Double { record.streams > 0 ? max(record.cpu / Double(record.streams), 0.001) : Placement.guess }
        var used: Double { record.cpu + cost * Double(max(0, streams - record.streams)) }
        /// A node that runs nothing takes one, however busy it is with its start.
        var hasRoom: Bool {
            streams + record.streams == 0 || !record.sheds && used + cost <= record.cores * Placement.share
        }
    }

    /// Returns the changes of the plan that are due, at most `limit`.
    ///
    /// A stream stays where it is planned as long as that node is there and may run it. `isGone`: whether a node that
    /// is not in the view has been away long enough.
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

    /// The node for a stream: the first by rank with room; where none has, the one with the most left that does not
    /// shed.
    private static func best(for stream: String, _ view: FleetView, _ rooms: [String: Room]) -> String? {
        guard let value = view.streams[stream]?.value else { return nil }
        let demand = Demand(value)
        // Where it runs it stays.
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

    /// Why a stream has no node; nil if it has one, or will.
    package static func reason(_ stream: String, _ view: FleetView) -> String? {
        guard let value = view.streams[stream]?.value else { return nil }
        let demand = Demand(value)
        let nodes = view.nodes.filter { !view.drained.contains($0.key) }
        if nodes.isEmpty { return "no node takes streams" }
        if !nodes.values.contains(where: { demand.isMet(by: $0.value) }) {
            if let name = demand.credentials { return "no node here has its labels and the credentials \"\(name)\"" }
            return "no node has the label \(demand.labels.joined(separator: " or "))"
        }
        let fit = nodes.values.filter { demand.isMet(by: $0.value) }
        return fit.allSatisfy(\.value.sheds) ? "every node that may run it sheds frames" : nil
    }
}
