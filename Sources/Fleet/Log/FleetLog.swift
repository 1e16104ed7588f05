package import ControlAPI
package import Foundation
package import Journal
import Synchronization
import WireFormat

/// The fleet's log, the messages of all nodes in one sequence, as one node gives it to clients.
///
/// New messages are passed on as they arrive, older ones are read from etcd. Message numbers are the same on every
/// node, so a client may continue on another node.
package final class FleetLog: MessageLog {
    /// A function that publishes a message of the fleet's log, given its topic, its number and its JSON.
    package typealias Publish = @Sendable (_ topic: String, _ seq: Int64, _ body: Data) -> Void

    private struct State {
        /// The fleet's identity; empty until the node has joined the fleet.
        var identity = ""
        /// The converter from batches to messages for clients; nil until the log's newest number has been read.
        var messages: FleetMessages?
        /// The log's newest number when this node began to follow it; messages up to it are not published.
        var start: Int64 = 0
        /// The reason why the log cannot be read at the moment; nil if it can.
        var problem: String?
        /// Cancels the current watch on the log's keys in etcd.
        var breakWatch: (@Sendable () -> Void)?
    }

    private let keys: FleetKeys
    private let engine: any FleetEngine
    private let publish: Publish
    private let reader: LogReader
    private let state = Mutex(State())
    package let feed = EventFeed(after: 0)

    /// The number of older messages that are read at the start, to find the events that are still open.
    private static let lookBack: Int64 = 5_000

    package init(_ keys: FleetKeys, engine: any FleetEngine, publish: @escaping Publish) {
        (self.keys, self.engine, self.publish) = (keys, engine, publish)
        reader = LogReader(keys, engine)
    }

    // MARK: Operations of MessageLog

    package var identity: String { state.withLock { $0.identity } }
    package var lastSeq: Int64 { state.withLock { $0.messages?.newest ?? 0 } }
    package var branches: [JournalBranch] { [] }
    package let lag: Int64 = 10_000
    /// The reason why the fleet's log cannot be read from etcd at the moment; nil if it can.
    package var problem: String? { state.withLock { $0.problem } }

    /// Throws `unavailable` as long as the fleet's log has not been read.
    package func check() throws(ControlFailure) {
        let (isReady, problem) = state.withLock { ($0.messages != nil, $0.problem) }
        guard !isReady else { return }
        throw ControlFailure(
            .unavailable, "the fleet's log has not been read yet\(problem.map { ": \($0)" } ?? "; try again")")
    }

    package func openEvents() async throws -> (seq: Int64, entries: [Entry]) {
        try check()
        return state.withLock { ($0.messages?.newest ?? 0, $0.messages?.openEvents ?? []) }
    }

    package func replay(since: Int64, limit: Int, filter: MessageFilter) async throws -> ReplayPage {
        try check()
        let known = lastSeq
        do {
            return try await reader.replay(after: since, through: known, limit: limit, filter)
        } catch {
            throw ControlFailure(.unavailable, "the fleet's log cannot be read: \(error.description)")
        }
    }

    // MARK: Following

    /// Reads the fleet's log and passes on new messages, until the task is cancelled; after a failure it tries again.
    package func follow(_ identity: String) async {
        state.withLock { $0.identity = identity }
        while !Task.isCancelled {
            do throws(EngineError) {
                let revision = try await catchUp()
                state.withLock { $0.problem = nil }
                try await watch(after: revision)
            } catch {
                state.withLock { $0.problem = error.description }
            }
            try? await Task.sleep(for: .milliseconds(300))
        }
    }

    /// Reads the log's batches after the last known message; returns the revision of etcd at which they were read.
    private func catchUp() async throws(EngineError) -> Int64 {
        let head = try await readHead()
        let newest = state.withLock { state in
            if state.messages == nil {
                let start = max(0, head - Self.lookBack)
                (state.messages, state.start) = (FleetMessages(after: start), head)
                feed.begin(after: start)
            }
            return state.messages?.newest ?? 0
        }
        guard newest <= head else {
            throw EngineError(
                .refused,
                "the fleet's log ends at \(head), and had \(newest) before: its engine was restored from an older copy, so "
                    + "give the fleet a new identity")
        }
        return try await reader.read(after: newest) { batch in
            self.take(batch)
            return true
        }
    }

    private func readHead() async throws(EngineError) -> Int64 {
        let answer = try await engine.commit(EngineTransaction(if: [], then: [.read(keys.head)]))
        guard let value = answer.found.first?.value else { return 0 }
        guard let head = try? WireCoding.decode(LogHead.self, value) else {
            throw EngineError(.refused, "\(keys.head): expected the log's head, found \(value.count) other bytes")
        }
        return head.seq
    }

    /// Receives new batches of the log after `revision` until the watch on etcd breaks.
    private func watch(after revision: Int64) async throws(EngineError) {
        let watching = Task { [engine, keys] () -> EngineError? in
            do throws(EngineError) {
                try await engine.watch(keys.log, after: revision) { [weak self] changes in
                    for case .put(let value) in changes {
                        if let batch = LogBatch(value.value) { self?.take(next: batch) }
                    }
                }
                return nil
            } catch {
                return error
            }
        }
        state.withLock { $0.breakWatch = { watching.cancel() } }
        let error = await withTaskCancellationHandler {
            await watching.value
        } onCancel: {
            watching.cancel()
        }
        if let error { throw error }
    }

    /// Adds a batch from the watch; if an earlier batch is missing, cancels the watch so that both are read again.
    private func take(next batch: LogBatch) {
        let (newest, breakWatch) = state.withLock { ($0.messages?.newest ?? 0, $0.breakWatch) }
        guard batch.first <= newest + 1 else { return breakWatch?() ?? () }
        take(batch)
    }

    private func take(_ batch: LogBatch) {
        state.withLock { state in
            let entries = state.messages?.take(batch).entries ?? []
            feed.add(entries)
            for entry in entries where entry.seq > state.start { publish(entry.topic, entry.seq, entry.body) }
        }
    }

    /// Publishes a heartbeat with the log's newest number every ten seconds, until the task is cancelled.
    func beat(every pause: Duration = .seconds(10)) async {
        while !Task.isCancelled {
            let (identity, newest, isCurrent) = state.withLock {
                ($0.identity, $0.messages?.newest, $0.problem == nil)
            }
            if let newest {
                let message = HeartbeatMessage(seq: newest, journal: identity, journaled: isCurrent, at: Date())
                if let body = try? WireCoding.encode(message) { publish(Topic.heartbeat, newest, body) }
            }
            try? await Task.sleep(for: pause)
        }
    }
}
