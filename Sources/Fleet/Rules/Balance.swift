import Foundation
import WatchwordConfiguration

/// The choice of a stream that is to move from a loaded node to one with more room: a pure function.
///
/// The load of a node is the share of its cores that its process takes. A stream's cost is the node's measured CPU time
/// divided by its streams.
package enum Balance {
    /// A stream that is to move to another node, with the loads of both nodes before the move.
    package struct Move: Sendable, Equatable {
        package let stream: String
        package let from: String
        package let to: String
        package let loadFrom, loadTo: Double
    }

    private struct Side {
        let name: String
        let record: NodeRecord
        /// The streams that are planned for the node, those that run there already, and whether all of them do.
        var streams: [String] = []
        var isSettled = true

        var cost: Double { record.streams > 0 ? max(record.cpu / Double(record.streams), 0.001) : Placement.guess }
        /// The CPU-seconds per second once the streams that are planned for it, and no others, run there.
        var used: Double { max(0, record.cpu + cost * Double(streams.count - record.streams)) }
        /// The share of its cores; a node that leaves out frames counts as full, whatever its own process takes.
        var load: Double { record.sheds ? max(1, used / record.cores) : used / record.cores }

        init(_ name: String, _ record: NodeRecord) { (self.name, self.record) = (name, record) }
    }

    /// Returns the stream to move; nil if no two nodes' loads differ by more than `limit`, a share of the cores.
    ///
    /// A move must make the greater load of the two smaller, and may not turn the difference round. `isRested` returns
    /// false for streams that have moved lately.
    package static func move(_ view: FleetView, above limit: Double, isRested: (String) -> Bool) -> Move? {
        let sides = sides(view)
        let movable = sides.filter { $0.isSettled && $0.record.cores > 0 }
        for from in movable.sorted(by: { ($0.load, $1.name) > ($1.load, $0.name) }) where from.streams.count > 1 {
            for to in movable.sorted(by: { ($0.load, $0.name) < ($1.load, $1.name) }) where to.name != from.name {
                guard from.load - to.load > limit, !to.record.sheds else { break }
                guard helps(from, to, limit) else { continue }
                let fit = from.streams.filter { isRested($0) && isFit($0, view, to.record) }
                let ranked = fit.max { preference($0, to, from) < preference($1, to, from) }
                guard let stream = ranked else { continue }
                return Move(stream: stream, from: from.name, to: to.name, loadFrom: from.load, loadTo: to.load)
            }
        }
        return nil
    }

    private static func sides(_ view: FleetView) -> [Side] {
        var sides: [String: Side] = [:]
        for (name, node) in view.nodes where !view.drained.contains(name) { sides[name] = Side(name, node.value) }
        for (stream, want) in view.want where view.streams[stream] != nil {
            sides[want.value]?.streams.append(stream)
            let owner = view.own[stream]?.value.node ?? ""
            guard owner != want.value else { continue }
            sides[want.value]?.isSettled = false
            sides[owner]?.isSettled = false
        }
        for name in sides.keys { sides[name]?.streams.sort() }
        return Array(sides.values)
    }

    private static func helps(_ from: Side, _ to: Side, _ limit: Double) -> Bool {
        let after = (to.used + from.cost) / to.record.cores
        guard after < from.load, after <= Placement.share else { return false }
        return from.record.sheds || after - (from.used - from.cost) / from.record.cores <= limit
    }

    private static func isFit(_ stream: String, _ view: FleetView, _ record: NodeRecord) -> Bool {
        view.streams[stream].map { Placement.isFit($0.value, record) } ?? false
    }

    /// Returns how much better a stream ranks the one node than the other.
    private static func preference(_ stream: String, _ to: Side, _ from: Side) -> Double {
        Placement.score(stream, to.name, weight: to.record.cores)
            / Placement.score(stream, from.name, weight: from.record.cores)
    }
}

extension FleetMachine {
    /// Remembers which streams were moved from one live node to another, by the planner or by an operator.
    ///
    /// `before` has the plan before the changes that were just applied.
    mutating func noteMoves(since before: [String: Versioned<String>]) {
        for (stream, old) in before {
            guard let new = view.want[stream], new.modified != old.modified, new.value != old.value else { continue }
            if view.nodes[old.value] != nil, !view.drained.contains(old.value) { movedAt[stream] = now }
        }
        movedAt = movedAt.filter { now - $0.value < FleetConfiguration.Rebalance.rest }
    }

    /// Moves one stream if the load has been uneven for long enough, and no stream was moved a short time ago.
    mutating func balance(_ planner: Versioned<String>) {
        guard let settings = setup.rebalance else { return }
        let found = Balance.move(view, above: settings.above) { movedAt[$0] == nil }
        guard let move = found, let target = view.nodes[move.to], let want = view.want[move.stream] else {
            unevenSince = nil
            return
        }
        let since = unevenSince ?? now
        unevenSince = since
        guard now - since >= settings.after, now >= balanceAt else { return }
        balanceAt = now + settings.every
        let loads = [move.loadFrom, move.loadTo].map { "\(Int(($0 * 100).rounded())) %" }
        say(
            "the load is uneven: stream \"\(move.stream)\" moves from \(move.from), which uses \(loads[0]) of its "
                + "cores, to \(move.to), which uses \(loads[1])")
        let key = setup.keys.want(move.stream)
        ask(
            .plan,
            .commit(
                EngineTransaction(
                    if: [
                        .created(setup.keys.planner, planner.created), .modified(key, want.modified),
                        .created(setup.keys.node(move.to), target.created),
                    ], then: [.put(key, Data(move.to.utf8))])))
    }
}
