import Concurrency
import Journal

/// Reads the fleet's log from the engine, and takes its batches apart on a thread of its own.
actor LogReader {
    private static let executor = QueueExecutor(label: "watchword.fleet-log")
    nonisolated var unownedExecutor: UnownedSerialExecutor { Self.executor.asUnownedSerialExecutor() }

    private let keys: FleetKeys
    private let engine: any FleetEngine

    /// The number of batches that are read at once; each has at most 512 KB, or one message.
    private static let page = 20

    init(_ keys: FleetKeys, _ engine: any FleetEngine) { (self.keys, self.engine) = (keys, engine) }

    /// Reads batches that have messages after a number, in order, until `take` returns false.
    ///
    /// Returns the revision of the engine at which they were read.
    func read(
        after seq: Int64, _ take: @Sendable (LogBatch) -> Bool
    ) async throws(EngineError) -> Int64 {
        var page = EnginePages(range(after: seq), limit: Self.page)
        while let values = try await page.next(engine) {
            for value in values {
                if let batch = LogBatch(value.value), !take(batch) { return page.revision }
            }
        }
        return page.revision
    }

    /// Returns messages after a number, oldest first, at most `limit`, and the holes among them.
    ///
    /// `known` is a number that the log is known to have reached.
    func replay(
        after seq: Int64, through known: Int64, limit: Int, _ filter: MessageFilter
    ) async throws(EngineError) -> ReplayPage {
        var messages = FleetMessages(after: seq)
        var found = ReplayPage(entries: [], holes: [])
        var page = EnginePages(range(after: seq), limit: Self.page)
        while let values = try await page.next(engine) {
            for value in values {
                guard let batch = LogBatch(value.value) else { continue }
                let (entries, hole) = messages.take(batch)
                if let hole { found.holes.append(hole) }
                found.entries += entries.lazy.filter(filter.passes).prefix(limit - found.entries.count)
                if found.entries.count >= limit { return found }
            }
        }
        // The newest batches are gone, too, where nothing has come for as long as the log is kept.
        if messages.newest < known {
            found.holes.append(Hole(first: messages.newest + 1, last: known, reason: .retention))
        }
        return found
    }

    /// The keys of batches with messages after a number; a batch is named after its first message.
    private func range(after seq: Int64) -> KeyRange {
        KeyRange(from: keys.log(max(1, seq + 2 - Int64(Forwarder.most))), to: keys.log.end)
    }
}
