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
        /// The number of the newest message that was passed on; nil until the log's newest number has been read.
        var newest: Int64?
        /// The log's newest number when this node began to follow it; messages up to it are not published.
        var start: Int64 = 0
        /// True once the log has been read up to its newest message.
        var isRead = false
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
    /// The converter from batches to messages for clients, which the reader's thread holds while it converts one.
    private let messages = Mutex<FleetMessages?>(nil)
    package let feed = EventFeed(after: 0)

    /// The number of older messages that are read at the start, to find the events that are still open.
    private static let lookBack: Int64 = 5_000

    package init(_ keys: FleetKeys, engine: any FleetEngine, publish: @escaping Publish) {
        (self.keys, self.engine, self.publish) = (keys, engine, publish)
        reader = LogReader(keys, engine)
    }

    // MARK: Operations of MessageLog

    package var identity: String { state.withLock { $0.identity } }
    package var lastSeq: Int64 { state.withLock { $0.isRead ? $0.newest ?? 0 : 0 } }
    package var branches: [JournalBranch] { [] }
    package let mayBeBehind = true

    /// Throws if the fleet's log has no message of this number yet; reads etcd if it is not here yet.
    package func checkReaches(_ seq: Int64) async throws(ControlFailure) {
        guard seq > lastSeq else { return }
        let head: Int64
        do { head = try await readHead() } catch {
            throw ControlFailure(.unavailable, "the fleet's log cannot be read: \(error.description)")
        }
        guard seq <= head else {
            throw ControlFailure(.otherJournal, "there is no message \(seq) yet: the newest is \(head)")
        }
    }
    /// The reason why the fleet's log cannot be read from etcd at the moment; nil if it can.
    package var problem: String? { state.withLock { $0.problem } }

    /// Throws `unavailable` as long as the fleet's log has not been read.
    package func check() throws(ControlFailure) {
        let (isReady, problem) = state.withLock { ($0.isRead, $0.problem) }
        guard !isReady else { return }
        throw ControlFailure(
            .unavailable, "the fleet's log has not been read yet\(problem.map { ": \($0)" } ?? "; try again")")
    }

    package func openEvents() async throws -> (seq: Int64, entries: [Entry]) {
        try check()
        return messages.withLock { ($0?.newest ?? 0, $0?.openEvents ?? []) }
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
        state.withLock { state in
            guard state.identity != identity else { return }
            // The numbers of another fleet are other numbers.
            state = State(identity: identity)
            messages.withLock { $0 = nil }
            feed.restart()
        }
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
            if let newest = state.newest { return newest }
            let start = max(0, head - Self.lookBack)
            (state.newest, state.start) = (start, head)
            messages.withLock { $0 = FleetMessages(after: start) }
            feed.skip(to: start)
            return start
        }
        guard newest <= head else {
            throw EngineError(
                .refused,
                "the fleet's log ends at \(head), and had \(newest) before: its engine was restored from an older copy, so "
                    + "give the fleet a new identity")
        }
        let revision = try await reader.read(after: newest) { batch in
            self.take(batch)
            return true
        }
        state.withLock { state in
            // The newest batches are gone where nothing has come for as long as the log is kept.
            if let known = state.newest, known < head {
                state.newest = head
                messages.withLock { $0?.skip(to: head) }
                feed.skip(to: head)
            }
            state.isRead = true
        }
        return revision
    }

    private func readHead() async throws(EngineError) -> Int64 {
        let answer = try await engine.commit(EngineTransaction(if: [], then: [.read(keys.head), .read(keys.meta)]))
        let meta = answer.found.first { $0.key == keys.meta }.flatMap {
            try? WireCoding.decode(FleetMeta.self, $0.value)
        }
        guard meta?.identity == identity else {
            throw EngineError(.refused, "etcd holds another fleet's log than the one that this node has joined")
        }
        guard let value = answer.found.first(where: { $0.key == keys.head })?.value else { return 0 }
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
                    guard let self else { return }
                    await self.reader.perform { self.take(changes) }
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

    /// Adds batches from the watch, on the reader's thread; if an earlier batch is missing, cancels the watch so that
    /// both are read again.
    private func take(_ changes: [KeyChange]) {
        for case .put(let value) in changes {
            guard let batch = LogBatch(value.value) else { continue }
            let (newest, breakWatch) = state.withLock { ($0.newest ?? 0, $0.breakWatch) }
            guard batch.first - 1 <= newest else { return breakWatch?() ?? () }
            take(batch)
        }
    }

    /// Converts a batch, and publishes its messages before the log is said to have them, as heartbeats name its newest.
    private func take(_ batch: LogBatch) {
        guard let (entries, hole) = messages.withLock({ $0?.take(batch) }) else { return }
        let start = state.withLock { $0.start }
        for entry in entries where entry.seq > start { publish(entry.topic, entry.seq, entry.body) }
        // Followers that are before the hole read on by `replay`, which tells them of it.
        if let hole { feed.skip(to: hole.last) }
        feed.add(entries)
        let newest = messages.withLock { $0?.newest }
        state.withLock { $0.newest = newest }
    }

    /// Publishes a heartbeat with the log's newest number every ten seconds, until the task is cancelled.
    func beat(every pause: Duration = .seconds(10)) async {
        while !Task.isCancelled {
            let (identity, newest, isCurrent) = state.withLock {
                ($0.identity, $0.isRead ? $0.newest : nil, $0.problem == nil)
            }
            if let newest {
                let message = HeartbeatMessage(seq: newest, journal: identity, journaled: isCurrent, at: Date())
                if let body = try? WireCoding.encode(message) { publish(Topic.heartbeat, newest, body) }
            }
            try? await Task.sleep(for: pause)
        }
    }
}
