import Concurrency
import Journal

/// Reads the fleet's log (the messages of all nodes) from etcd, and decodes it on a separate thread.
actor LogReader {
    private static let executor = QueueExecutor(label: "watchword.fleet-log")
    nonisolated var unownedExecutor: UnownedSerialExecutor { Self.executor.asUnownedSerialExecutor() }

    private let keys: FleetKeys
    private let engine: any FleetEngine

    /// The number of batches in the first request to etcd; each has at most 512 KB, or one message.
    private static let page = 20
    /// The bytes of batches after which a replay ends, and its client asks again.
    private static let mostBytes = 16 << 20

    init(_ keys: FleetKeys, _ engine: any FleetEngine) { (self.keys, self.engine) = (keys, engine) }

    /// Calls a function on this reader's thread.
    func perform(_ work: @Sendable () -> Void) { work() }

    /// Passes the batches with messages after number `seq` to `take`, in order, until `take` returns false.
    ///
    /// Returns the revision of etcd at which they were read.
    func read(
        after seq: Int64, _ take: @Sendable (LogBatch) -> Bool
    ) async throws(EngineError) -> Int64 {
        var page = EnginePages(range(after: seq), limit: Self.page)
        while !Task.isCancelled, let values = try await page.next(engine) {
            for value in values {
                if let batch = LogBatch(value.value), !take(batch) { return page.revision }
            }
        }
        return page.revision
    }

    /// Returns at most `limit` messages after number `seq` that pass the filter, oldest first, and the gaps among them.
    ///
    /// `known` is a number that the log is known to have reached, even if its batches have been removed since. A page
    /// that ends before the log does, because enough was read, says through which number it is complete.
    func replay(
        after seq: Int64, through known: Int64, limit: Int, _ filter: MessageFilter
    ) async throws(EngineError) -> ReplayPage {
        var messages = FleetMessages(after: seq)
        var found = ReplayPage(entries: [], holes: [])
        var page = EnginePages(range(after: seq), limit: Self.page)
        var bytes = 0
        while let values = try await page.next(engine) {
            if Task.isCancelled { throw EngineError(.unreachable, "the request was cancelled") }
            for value in values {
                guard let batch = LogBatch(value.value) else { continue }
                bytes += value.value.count
                let (entries, hole) = messages.take(batch)
                if let hole { found.holes.append(hole) }
                found.entries += entries.lazy.filter(filter.passes).prefix(limit - found.entries.count)
                if found.entries.count >= limit {
                    found.through = found.entries.last?.seq
                    return found
                }
                guard bytes < Self.mostBytes || messages.newest <= seq else {
                    found.through = messages.newest
                    return found
                }
            }
        }
        // The log may be empty, if no message was added for as long as batches are kept.
        if messages.newest < known {
            found.holes.append(Hole(first: messages.newest + 1, last: known, reason: .retention))
        }
        return found
    }

    /// Returns the range of the keys whose batches may contain messages after number `seq`.
    ///
    /// A key names only its batch's first number, so the range begins up to one batch earlier.
    private func range(after seq: Int64) -> KeyRange {
        KeyRange(from: keys.log(max(1, seq - Int64(Forwarder.most) + 2)), to: keys.log.end)
    }
}
