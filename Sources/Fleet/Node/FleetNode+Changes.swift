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
        _ operation: String, _ args: JSONValue, locally: @Sendable () async throws -> JSONValue
    ) async throws -> JSONValue? {
        switch operation {
        case "query.add", "query.update", "query.import", "query.remove":
            try await checkReachable()
            let answer = try await locally()
            try await publish(operation, args, answer)
            return answer
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

    private func checkReachable() throws {
        if let refusal = machine.refusal { throw ControlFailure(.unavailable, "this node takes no part: \(refusal)") }
        guard machine.isMember, member != nil, machine.view.isComplete else {
            let why = machine.trouble ?? readProblem
            throw ControlFailure(
                .unavailable, "the fleet's engine cannot be reached, nothing is changed\(why.map { ": \($0)" } ?? "")")
        }
    }

    private func commit(_ steps: [TransactionStep]) async throws {
        do {
            let answer = try await engine.commit(EngineTransaction(if: [], then: steps))
            // What is asked next through this node shall know of it.
            for _ in 0..<40 where !hasSeen(steps, answer.revision) { try await Task.sleep(for: .milliseconds(25)) }
        } catch let error as EngineError {
            throw ControlFailure(.unavailable, "the fleet is not changed: \(error.description)")
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

    /// Writes what the daemon has taken; where that fails, takes it back.
    private func publish(_ operation: String, _ args: JSONValue, _ answer: JSONValue) async throws {
        var changed: [String] = []
        var kept: [String: Data] = [:]
        do {
            if operation == "query.remove" {
                changed = [args["id"]?.string ?? ""]
                return try await commit([.delete(keys.query(changed[0]))])
            }
            if let id = answer["query"]?["id"]?.string {
                changed = [id]
                kept[id] = try await host.kept(query: id)
            } else {
                kept = try await host.kept().queries
                changed = kept.filter { machine.view.queries[$0.key]?.value != $0.value }.keys.sorted()
            }
            let steps = try changed.compactMap { id -> TransactionStep? in
                guard let json = kept[id], machine.view.queries[id]?.value != json else { return nil }
                guard json.count <= FleetView.largest else {
                    throw ControlFailure(
                        .refused,
                        "query \"\(id)\": expected at most \(FleetView.largest >> 10) KB in a fleet, found "
                            + "\(json.count >> 10) KB; use fewer or smaller pictures")
                }
                return .put(keys.query(id), json)
            }
            // The engine takes requests of 1.5 MB.
            for start in stride(from: 0, to: steps.count, by: 4) {
                try await commit(Array(steps[start..<min(start + 4, steps.count)]))
            }
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

    private func add(stream: StreamConfiguration) async throws -> JSONValue {
        try checkReachable()
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
        let before = machine.view.streams[stream.name]?.value
        if before != data { try await commit([.put(keys.stream(stream.name), data)]) }
        let change = before == nil ? "added" : before == data ? "unchanged" : "replaced"
        return .object(["added": .string(stream.name), "change": .string(change)])
    }

    private func update(stream changes: JSONValue) async throws -> JSONValue {
        let name = try ControlArguments.name(changes, "name")
        try checkReachable()
        guard let before = machine.view.streams[name]?.value, case .object(let given) = changes,
            case .object(var members) = try JSONText.parse(before)
        else { throw Self.noStream(name) }
        for (key, value) in given { members[key] = value == .null ? nil : value }
        return try await add(stream: ControlArguments.read(.object(members), as: StreamConfiguration.self))
    }

    private func remove(stream: String) async throws {
        try checkReachable()
        guard machine.view.streams[stream] != nil else { throw Self.noStream(stream) }
        try await commit([.delete(keys.stream(stream))])
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
