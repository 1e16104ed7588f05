import Concurrency
import ControlAPI
import Foundation
import Journal
import Logging
import Notify
import Synchronization
import SystemSupport
import WatchwordConfiguration
import WireFormat

/// Keeps this node's view of the fleet up to date, applies the fleet's queries, and joins the fleet.
extension FleetNode {
    private static let page = 500

    /// Reads all of the fleet's keys from etcd, then follows their changes, until the task is cancelled.
    ///
    /// The keys are read again when the changes cannot be followed, for example after a compaction of etcd.
    func watchState() async {
        while !Task.isCancelled {
            do throws(EngineError) {
                let (values, revision) = try await readAll()
                inbox.send(.reset(values, revision))
                await follow(after: revision)
            } catch {
                if error.kind != .unreachable, readProblem != error.description {
                    logger.warning("fleet", metadata: ["what": "the fleet cannot be read: \(error.description)"])
                }
                readProblem = error.description
            }
            try? await Task.sleep(for: .milliseconds(300))
        }
    }

    private func readAll() async throws(EngineError) -> (values: [StoredValue], revision: Int64) {
        var values: [StoredValue] = []
        var revision: Int64?
        for range in keys.state {
            var pages = EnginePages(range, limit: Self.page, at: revision)
            while let page = try await pages.next(engine) { values += page }
            revision = pages.revision
        }
        readProblem = nil
        return (values, revision ?? 0)
    }

    /// Follows the changes of the fleet's two key ranges, until one of them must be read again.
    private func follow(after revision: Int64) async {
        await withTaskGroup(of: Void.self) { group in
            for range in keys.state {
                group.addTask { [engine, inbox] in await Self.follow(range, after: revision, engine, inbox) }
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// Follows the changes of one key range, with a new watch after each lost connection, until it must be read again.
    private static func follow(
        _ range: KeyRange, after revision: Int64, _ engine: any FleetEngine, _ inbox: Mailbox<Input?>
    ) async {
        let reached = Mutex(revision)
        while !Task.isCancelled {
            do throws(EngineError) {
                try await engine.watch(range, after: reached.withLock { $0 }) { changes in
                    reached.withLock { $0 = max($0, changes.map(\.revision).max() ?? $0) }
                    inbox.send(.changes(changes))
                }
            } catch {
                if error.kind != .unreachable { return }
            }
            try? await Task.sleep(for: .milliseconds(200))
        }
    }

    /// Compares the clocks of nodes whose records were written just now with this node's.
    ///
    /// Changes that waited since this node was paused or cut off say nothing about clocks.
    func compareClocks(_ changes: [KeyChange]) {
        clockProblems = clockProblems.filter { machine.view.nodes[$0.key] != nil }
        guard machine.isMember, now - roundAt < 5 else { return }
        for case .put(let value) in changes {
            guard let (kind, name) = keys.parts(value.key), kind == "node", name != configuration.node,
                let clock = machine.view.nodes[name]?.value.clock
            else { continue }
            let ahead = clock - Date().timeIntervalSince1970
            guard abs(ahead) > 60 else {
                if clockProblems.removeValue(forKey: name) != nil {
                    logger.notice("fleet", metadata: ["what": "the clock of \(name) shows this node's time again"])
                }
                continue
            }
            let sentence =
                "the clock of \(name) is \(Int(min(abs(ahead), 1e12))) s "
                + "\(ahead > 0 ? "ahead of" : "behind") this node's: "
                + "set the wrong one right; until then messages have wrong times, and this node removes none by age"
            if clockProblems.updateValue(sentence, forKey: name) == nil {
                logger.warning("fleet", metadata: ["what": "\(sentence)"])
            }
        }
    }

    // MARK: Queries

    /// Applies changes of the fleet's queries to the daemon, until the task is cancelled.
    func followQueries() async {
        while !Task.isCancelled {
            if let at = queriesRetryAt, .now >= at { (queriesRetryAt, areQueriesNew) = (nil, true) }
            if areQueriesNew, machine.view.isComplete, machine.refusal == nil, member != nil {
                areQueriesNew = false
                try? await queryChanges.take { [self] in await applyQueries() }
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    private func applyQueries() async {
        let wanted = machine.view.queries
        let changed = wanted.filter { applied[$0.key] != $0.value.modified }.sorted { $0.key < $1.key }
        var revisions: [String: Int64] = [:]
        var queries: [JSONValue] = []
        for (id, value) in changed {
            guard case .object(var members)? = try? JSONText.parse(value.value) else { continue }
            members["id"] = .string(id)
            revisions[id] = value.modified
            queries.append(.object(members))
        }
        if !queries.isEmpty {
            do {
                try await host.add(queries: queries)
                for id in revisions.keys { queryProblems[id] = nil }
            } catch {
                // One of the queries is invalid, so each is added separately.
                for query in queries where await !applyAlone(query) { revisions[query["id"]?.string ?? ""] = nil }
            }
            applied.merge(revisions) { $1 }
        }
        for id in queryProblems.keys where wanted[id] == nil { queryProblems[id] = nil }
        for id in applied.keys.sorted() where wanted[id] == nil && machine.view.problems[keys.query(id)] == nil {
            do {
                try await host.remove(query: id)
                applied[id] = nil
            } catch {
                logger.warning("fleet", metadata: ["query.id": "\(id)", "what": "it cannot be removed: \(error)"])
            }
        }
    }

    /// Adds one of the fleet's queries to the daemon; returns false if it must be tried again.
    ///
    /// Returns true also for a query that is invalid on this node, which is reported once.
    private func applyAlone(_ query: JSONValue) async -> Bool {
        let id = query["id"]?.string ?? ""
        do {
            try await host.add(queries: [query])
            queryProblems[id] = nil
            return true
        } catch {
            let isNew = queryProblems[id] == nil
            queryProblems[id] = "query \"\(id)\" cannot stand here: \(error)"
            if isNew {
                logger.warning("fleet", metadata: ["query.id": "\(id)", "what": "it cannot stand here: \(error)"])
            }
            guard (error as? ControlFailure)?.code == FailureCode.unavailable.rawValue || error is JournalError else {
                return true
            }
            queriesRetryAt = .now + .seconds(5)
            return false
        }
    }

    // MARK: Joining

    /// Saves that this node has joined the fleet; at first, it also copies the node's queries and streams to the fleet.
    func joined(_ identity: String) {
        guard member?.identity != identity else { return }
        let first = member == nil
        let joining = Member(identity: identity, start: member?.start ?? host.journal.newest)
        Task {
            do {
                if first { try await contribute() }
                try await host.save("member", WireCoding.encode(joining))
                becomes(joining)
            } catch {
                logger.error("fleet", metadata: ["what": "this node cannot join: \(error)"])
                try? await Task.sleep(for: .seconds(1))
                joined(identity)
            }
        }
    }

    private func becomes(_ joining: Member) {
        member = joining
        areQueriesNew = true
        logger.notice("fleet", metadata: ["what": "joined \(configuration.name) as \(configuration.node)"])
    }

    /// Copies this node's own queries and streams to the fleet, except those whose names the fleet has already.
    private func contribute() async throws {
        hasContributed = true
        let kept = try await host.kept()
        let all =
            kept.queries.map { (keys.query($0.key), $0.value) } + kept.streams.map { (keys.stream($0.key), $0.value) }
        for (key, json) in all.sorted(by: { $0.0 < $1.0 }) {
            guard json.count <= FleetView.largest else {
                logger.warning(
                    "fleet",
                    metadata: [
                        "what": "\(key) stays this node's alone: it has \(json.count >> 10) KB, too much for a fleet"
                    ])
                continue
            }
            _ = try await engine.commit(EngineTransaction(if: [.absent(key)], then: [.put(key, json)]))
        }
    }
}
