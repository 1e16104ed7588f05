import Concurrency
import ControlAPI
import Foundation
import StreamSources
import WatchwordConfiguration
package import WireFormat

/// Changes that are made through any node and hold for the whole fleet.
extension FleetNode {
    /// Does an operation for the whole fleet; nil if it is this daemon's alone.
    ///
    /// `locally`: the operation as a daemon without a fleet does it.
    package nonisolated func perform(
        _ operation: String, _ args: JSONValue, locally: @escaping @Sendable () async throws -> JSONValue
    ) async throws -> JSONValue? {
        switch operation {
        case "query.add", "query.update", "query.import", "query.remove":
            // In turns with what the fleet's changes do to the daemon's queries.
            return try await queryChanges.take { [self] in
                let before = try await standing()
                let answer = try await locally()
                try await publish(operation, args, answer, over: before)
                return answer
            }
        case "stream.add": return try await add(stream: ControlArguments.read(args, as: StreamConfiguration.self))
        case "stream.update": return try await update(stream: args)
        case "stream.remove":
            let name = try ControlArguments.name(args, "name")
            try await remove(stream: name)
            return .object(["removed": .string(name), "returns": .bool(false)])
        case "query.reset", "stream.reset":
            throw ControlFailure(.refused, "it is the fleet's: there is no configuration to go back to")
        default: return nil
        }
    }

    /// The queries as the fleet has them, before one of them is changed.
    private func standing() throws -> [String: Versioned<Data>] {
        try checkReachable()
        return machine.view.queries
    }

    private func checkReachable() throws {
        if let refusal = machine.refusal { throw ControlFailure(.unavailable, "this node takes no part: \(refusal)") }
        guard machine.isMember, member != nil, machine.view.isComplete else {
            let why = machine.trouble ?? readProblem
            throw ControlFailure(
                .unavailable, "the fleet's engine cannot be reached, nothing is changed\(why.map { ": \($0)" } ?? "")")
        }
    }

    /// Commits changes; refuses them if another node has changed what they are of meanwhile.
    private func commit(_ steps: [TransactionStep], if conditions: [TransactionCondition] = []) async throws {
        do {
            let answer = try await engine.commit(EngineTransaction(if: conditions, then: steps))
            guard answer.succeeded else {
                throw ControlFailure(.refused, "it was changed through another node meanwhile; try again")
            }
            // The next request through this node shall know of the change.
            for _ in 0..<40 where !hasSeen(steps, answer.revision) { try await Task.sleep(for: .milliseconds(25)) }
        } catch let error as EngineError {
            let what =
                error.kind == .unreachable ? "it is not known whether the fleet is changed" : "the fleet is not changed"
            throw ControlFailure(.unavailable, "\(what): \(error.description)")
        }
    }

    private func hasSeen(_ steps: [TransactionStep], _ revision: Int64) -> Bool {
        steps.allSatisfy { step in
            switch step {
            case .put(let key, _, _):
                guard let (kind, name) = keys.parts(key) else { return true }
                return switch kind {
                case "stream": machine.view.streams[name]?.modified ?? 0 >= revision
                case "query": machine.view.queries[name]?.modified ?? 0 >= revision
                case "want": machine.view.want[name]?.modified ?? 0 >= revision
                case "drain": machine.view.drained.contains(name)
                default: true
                }
            case .delete(let key):
                guard let (kind, name) = keys.parts(key) else { return true }
                return switch kind {
                case "stream": machine.view.streams[name] == nil
                case "query": machine.view.queries[name] == nil
                case "drain": !machine.view.drained.contains(name)
                default: true
                }
            default: return true
            }
        }
    }

    // MARK: Queries

    /// The condition that a key is as it was seen.
    private static func unchanged(_ key: String, _ before: Versioned<Data>?) -> TransactionCondition {
        before.map { .modified(key, $0.modified) } ?? .absent(key)
    }

    /// Writes the queries that the daemon has taken; where that fails, takes them back.
    private func publish(
        _ operation: String, _ args: JSONValue, _ answer: JSONValue, over before: [String: Versioned<Data>]
    ) async throws {
        var changed: [String] = []
        var kept: [String: Data] = [:]
        do {
            if operation == "query.remove" {
                changed = [args["id"]?.string ?? ""]
                let key = keys.query(changed[0])
                try await commit([.delete(key)], if: [Self.unchanged(key, before[changed[0]])])
                applied[changed[0]] = nil
                areQueriesNew = true
                return
            }
            if let id = answer["query"]?["id"]?.string {
                changed = [id]
                kept[id] = try await host.kept(query: id)
            } else {
                // Of an import: those that it names, and not what else differs at this moment.
                let ids = try Set((args["queries"]?.array ?? []).map { try QueryConfiguration(json: $0).idOrSlug })
                kept = try await host.kept().queries.filter { ids.contains($0.key) }
                changed = kept.keys.sorted()
            }
            var batch: (steps: [TransactionStep], conditions: [TransactionCondition], bytes: Int) = ([], [], 0)
            for id in changed {
                guard let json = kept[id], before[id]?.value != json else { continue }
                guard json.count <= FleetView.largest else {
                    throw ControlFailure(
                        .refused,
                        "query \"\(id)\": expected at most \(FleetView.largest >> 10) KB in a fleet, found "
                            + "\(json.count >> 10) KB; use fewer or smaller pictures")
                }
                // The engine takes requests of 1.5 MB, which the gateway's base64 makes of 1.1, and 128 steps.
                if batch.steps.count >= 100 || batch.bytes + json.count > 1_000_000 {
                    try await commit(batch.steps, if: batch.conditions)
                    batch = ([], [], 0)
                }
                batch.steps.append(.put(keys.query(id), json))
                batch.conditions.append(Self.unchanged(keys.query(id), before[id]))
                batch.bytes += json.count
            }
            if !batch.steps.isEmpty { try await commit(batch.steps, if: batch.conditions) }
            // They stand here already; where another node was faster, its change is applied over them.
            for id in changed {
                let seen = machine.view.queries[id]
                applied[id] = seen?.value == kept[id] ? seen?.modified : 0
            }
            areQueriesNew = true
        } catch {
            for id in changed {
                applied[id] = nil
                if machine.view.queries[id] == nil { try? await host.remove(query: id) }
            }
            areQueriesNew = true
            throw error
        }
    }

    // MARK: Streams

    /// Adds a stream, or replaces the one that stands, if nobody else has changed that meanwhile.
    private func add(stream: StreamConfiguration, over seen: Versioned<Data>? = nil) async throws -> JSONValue {
        try checkReachable()
        let before = seen ?? machine.view.streams[stream.name]
        if let problem = stream.problem { throw ControlFailure(.badArgument, "\(problem.key): \(problem.reason)") }
        guard SourceURI.redacted(stream.uri) == stream.uri, stream.launch.map({ SourceURI.redacted($0) == $0 }) ?? true
        else {
            throw ControlFailure(
                .refused, "uri: expected no password in a fleet, whose engine would keep it; name credentials")
        }
        // Where it names credentials, those of the node that runs it count.
        var checked = stream
        checked.credentials = nil
        try await host.check(checked)
        let data = try WireCoding.encode(stream)
        let key = keys.stream(stream.name)
        if before?.value != data { try await commit([.put(key, data)], if: [Self.unchanged(key, before)]) }
        let change = before == nil ? "added" : before?.value == data ? "unchanged" : "replaced"
        return .object(["added": .string(stream.name), "change": .string(change)])
    }

    private func update(stream changes: JSONValue) async throws -> JSONValue {
        let name = try ControlArguments.name(changes, "name")
        try checkReachable()
        guard let before = machine.view.streams[name], case .object(let given) = changes,
            case .object(var members) = try JSONText.parse(before.value)
        else { throw Self.noStream(name) }
        members.apply(changes: given)
        return try await add(
            stream: ControlArguments.read(.object(members), as: StreamConfiguration.self), over: before)
    }

    private func remove(stream: String) async throws {
        try checkReachable()
        guard let before = machine.view.streams[stream] else { throw Self.noStream(stream) }
        let key = keys.stream(stream)
        try await commit([.delete(key), .delete(keys.learn(stream))], if: [Self.unchanged(key, before)])
    }

    private static func noStream(_ name: String) -> ControlFailure {
        ControlFailure(.notFound, "there is no stream \"\(name.prefix(128))\" in the fleet")
    }

    // MARK: Nodes

    package func drain(_ node: String, _ isDrained: Bool) async throws {
        try checkReachable()
        guard machine.view.nodes[node] != nil || machine.view.drained.contains(node) else {
            let known = machine.view.nodes.keys.sorted().joined(separator: ", ")
            throw ControlFailure(.notFound, "there is no node \"\(node.prefix(64))\"; there are \(known)")
        }
        let key = keys.drain(node)
        try await commit([isDrained ? .put(key, Data("1".utf8)) : .delete(key)])
    }

    package func move(_ stream: String, to node: String) async throws {
        try checkReachable()
        let view = machine.view
        guard let value = view.streams[stream]?.value else { throw Self.noStream(stream) }
        guard let record = view.nodes[node]?.value else {
            throw ControlFailure(.notFound, "there is no node \"\(node.prefix(64))\"")
        }
        guard !view.drained.contains(node) else {
            throw ControlFailure(.refused, "node \"\(node)\" is drained; undrain it first")
        }
        guard Placement.isFit(value, record) else {
            throw ControlFailure(.refused, "node \"\(node)\" lacks the labels or the credentials of \"\(stream)\"")
        }
        try await commit([.put(keys.want(stream), Data(node.utf8))])
    }
}
