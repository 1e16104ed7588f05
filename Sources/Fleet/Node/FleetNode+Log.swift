import Foundation
import Journal
import Logging
import Notify
import WatchwordConfiguration
import WireFormat

/// Copies this node's journal to the fleet's log in etcd, and removes old batches of messages from that log.
extension FleetNode {
    /// Reads the fleet's log for this node's clients, once the node has joined its fleet.
    func readLog() async {
        while !Task.isCancelled {
            if let identity = ownIdentity {
                let following = Task { await log.follow(identity) }
                while !Task.isCancelled, ownIdentity == identity { try? await Task.sleep(for: .milliseconds(200)) }
                following.cancel()
                await following.value
            }
            try? await Task.sleep(for: .milliseconds(200))
        }
    }

    /// The identity of the fleet that this node belongs to and that etcd holds; nil while that is not known.
    private var ownIdentity: String? {
        guard let member, machine.refusal == nil, machine.view.meta?.identity == member.identity else { return nil }
        return member.identity
    }

    /// Copies new messages of the journal to the fleet's log, until the task is cancelled.
    func forward() async {
        while !Task.isCancelled {
            guard let member, ownIdentity != nil else {
                try? await Task.sleep(for: .milliseconds(200))
                continue
            }
            if forwarder == nil {
                forwarder = Forwarder(
                    keys, node: configuration.node, journal: host.journal.identity, start: member.start)
            }
            if await step() { continue }
            await host.journal.wait(after: machine.forwarded, seconds: 0.5)
        }
    }

    /// Copies the last messages of the journal to the fleet's log when the node stops; ends at the first failure.
    func bringRest() async {
        for _ in 0..<20 { guard await step() else { return } }
    }

    /// Copies one batch to the fleet's log; returns false if there is none or etcd has failed.
    private func step() async -> Bool {
        guard forwarder != nil, !isForwarding else { return false }
        isForwarding = true
        defer { isForwarding = false }
        do {
            guard let cursor = forwarder?.cursor else {
                guard let reading = forwarder?.reading else { return false }
                forwarder?.take(try await engine.commit(reading))
                machine.forwarded = forwarder?.cursor ?? machine.forwarded
                if forwarder?.cursor == nil { try? await Task.sleep(for: .milliseconds(500)) }
                return forwarder?.cursor != nil
            }
            let page = try await host.journal.read(after: cursor, limit: Forwarder.most)
            if let head = machine.view.head { forwarder?.follow(head) }
            guard let transaction = batch(page) else { return false }
            let answer = try await engine.commit(transaction)
            if answer.succeeded {
                forwarder?.succeeded()
            } else {
                forwarder?.take(answer)
                try? await Task.sleep(for: .milliseconds(20))
            }
            machine.forwarded = forwarder?.cursor ?? machine.forwarded
            return true
        } catch {
            forwarder?.forget()
            try? await Task.sleep(for: .milliseconds(200))
            return false
        }
    }

    private func batch(_ page: NotifyPage) -> EngineTransaction? {
        let (view, running, books, node) = (machine.view, machine.running, books, configuration.node)
        return forwarder?.batch(
            Self.outgoing(page), through: page.through, at: Date().timeIntervalSince1970 * 1000
        ) { stream in
            OwnerKnowledge.owner(of: stream, view, running, node: node)
        } epoch: { stream, seq in
            books[stream]?.epoch(of: seq)
        }
    }

    static func outgoing(_ page: NotifyPage) -> [OutgoingMessage] {
        var messages = page.entries.map {
            OutgoingMessage(seq: $0.seq, topic: $0.topic, stream: stream(of: $0), body: $0.body)
        }
        messages += page.holes.map {
            OutgoingMessage(first: $0.first, seq: $0.last, topic: "lost", stream: nil, body: nil)
        }
        return messages.sorted { $0.seq < $1.seq }
    }

    /// Returns the name of the stream to which a journal message belongs; nil if it belongs to none.
    ///
    /// A message on a region belongs to the region's stream. One on a stream's state has the stream in its topic.
    private static func stream(of entry: Entry) -> String? {
        if let lane = entry.stream { return lane.split(separator: "/").first.map { String($0) } }
        return entry.topic.hasPrefix("stream.") ? String(entry.topic.dropFirst(7)) : nil
    }

    // MARK: Removal of old batches

    /// Removes old batches of the fleet's log, beyond its size or age limit; only one node, the planner, does so.
    func trim() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(10))
            guard machine.isMember, machine.view.planner?.value == configuration.node else { continue }
            do { while try await trimOnce(), !Task.isCancelled {} } catch {
                logger.debug("fleet", metadata: ["what": "the log is not trimmed: \(error)"])
            }
        }
    }

    /// Removes up to 20 of the fleet's oldest log batches; returns true if more may have to be removed.
    private func trimOnce() async throws -> Bool {
        guard let head = machine.view.head else { return false }
        let oldest = try await engine.read(keys.log, limit: 20, at: nil)
        let most = Int64(configuration.logMegabytes) << 20
        let since = Int64((Date().timeIntervalSince1970 - configuration.logHours * 3600) * 1000)
        let kept = oldest.values.firstIndex { value in
            // A batch that cannot be read is of no use to anybody, and goes with those before it.
            guard let batch = LogBatch(value.value) else { return false }
            // Where clocks differ, nobody knows how old a batch is.
            return head.bytes - batch.before <= most && (batch.time >= since || !clockProblems.isEmpty)
        }
        let over = oldest.values[..<(kept ?? oldest.values.count)]
        guard let last = over.last else { return false }
        let range = KeyRange(from: keys.log.first, to: last.key + "\u{0}")
        var steps: [TransactionStep] = [.deleteAll(range)]
        if let batch = over.reversed().lazy.compactMap({ LogBatch($0.value) }).first {
            // For whoever reads the log by other programs: the last number that is gone.
            let seq = batch.first + Int64(batch.messages.count) - 1
            steps.append(.put(keys.trim, Data("\(seq)".utf8)))
        }
        _ = try await engine.commit(EngineTransaction(if: [], then: steps))
        return kept == nil
    }
}
