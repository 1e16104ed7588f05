import WatchwordConfiguration

/// The answer to the control operation `fleet.status`: the fleet's nodes and streams as this node knows them.
package struct FleetStatus: Codable, Sendable {
    package struct Node: Codable, Sendable {
        package let name: String
        /// The node's state: "live", "draining", "drained", or "gone".
        package let state: String
        package let host: String
        package let version: String
        package let streams: Int
        package let playing: Int
        /// The CPU time of the node's process, in CPU-seconds per second; the machine has `cores` cores.
        package let cpu: Double
        package let cores: Double
        package let sheds: Bool
        package let waiting: Int64
        package let labels: [String]
    }

    package struct Stream: Codable, Sendable {
        package let name: String
        /// The node that owns the stream; empty if none does.
        package let node: String
        package let planned: String
        package let epoch: Int64
        package let state: String
        package let reason: String?
    }

    package let fleet: String
    package let node: String
    /// This node's state in the fleet: "member", "joining", "cut-off", or "refused".
    package let state: String
    package let problem: String?
    package let identity: String?
    package let planner: String?
    package let engine: [String]
    /// The number of the newest message in the fleet's log.
    package let head: Int64
    /// The number of messages in this node's journal that are not yet in the fleet's log.
    package let waiting: Int64
    package let queries: Int
    package let nodes: [Node]
    package let streams: [Stream]
    /// Error messages for keys of etcd that cannot be read, queries that this node cannot run, and nodes' clocks.
    package let problems: [String]
}

extension FleetNode {
    package func status() -> FleetStatus {
        let view = machine.view
        let state =
            machine.refusal != nil ? "refused" : machine.isCutOff ? "cut-off" : machine.isMember ? "member" : "joining"
        let streams = view.streams.keys.sorted().map { stream($0, view) }
        return FleetStatus(
            fleet: configuration.name, node: configuration.node, state: state,
            problem: machine.refusal ?? machine.trouble ?? readProblem, identity: view.meta?.identity,
            planner: view.planner?.value, engine: configuration.engine, head: view.head?.seq ?? 0, waiting: waiting,
            queries: view.queries.count, nodes: nodes(view, streams), streams: streams,
            problems: (Array(view.problems.values) + Array(queryProblems.values) + Array(clockProblems.values))
                .sorted())
    }

    private func stream(_ name: String, _ view: FleetView) -> FleetStatus.Stream {
        let own = view.own[name]?.value
        let owner = own?.node ?? ""
        var (state, reason): (String, String?) = ("waiting", Placement.reason(name, view))
        if let problem = view.problems[view.keys.own(name)] {
            reason = problem
        } else if !owner.isEmpty, let node = view.nodes[owner] {
            state = node.value.playing.contains(name) ? "playing" : node.value.troubled[name] ?? "starting"
            reason = owner == configuration.node ? failures[name] : nil
        } else if !owner.isEmpty {
            (state, reason) = ("lost", reason ?? "node \(owner) is gone, and nobody has taken it yet")
        }
        return FleetStatus.Stream(
            name: name, node: owner, planned: view.want[name]?.value ?? "", epoch: own?.epoch ?? 0, state: state,
            reason: reason)
    }

    private func nodes(_ view: FleetView, _ streams: [FleetStatus.Stream]) -> [FleetStatus.Node] {
        let gone = Set(streams.map(\.node) + streams.map(\.planned)).union(view.drained).filter {
            !$0.isEmpty && view.nodes[$0] == nil
        }
        return (Array(view.nodes.keys) + gone).sorted().map { name in
            let own = streams.filter { $0.node == name }
            let record = view.nodes[name]?.value
            let isDrained = view.drained.contains(name)
            let state = record == nil ? "gone" : isDrained ? own.isEmpty ? "drained" : "draining" : "live"
            return FleetStatus.Node(
                name: name, state: state, host: record?.host ?? "", version: record?.version ?? "",
                streams: own.count, playing: own.count { $0.state == "playing" }, cpu: record?.cpu ?? 0,
                cores: record?.cores ?? 0, sheds: record?.sheds ?? false, waiting: record?.waiting ?? 0,
                labels: record?.labels ?? [])
        }
    }
}
