package import Foundation
import GRDB

/// How much of the past is kept.
///
/// Messages of events that are still open are kept whatever this says, so that `events.open` can name them.
package struct Retention: Sendable, Equatable {
    package var days: Double?
    /// Megabytes (10^6 bytes) of messages and snapshots together; queries, streams and embeddings are not counted.
    package var megabytes: Double?

    package static let standard = Retention(days: 30, megabytes: 1000)

    package init(days: Double? = nil, megabytes: Double? = nil) {
        self.days = days
        self.megabytes = megabytes
    }
}

extension Journal {
    /// Removes what retention no longer keeps, the oldest first, at most `limit` messages in one transaction.
    ///
    /// Returns whether there may be more to remove: then call again.
    package func retire(_ retention: Retention, now: Date = Date(), limit: Int = 500) throws(JournalError) -> Bool {
        let cutoff = retention.days.map { now.timeIntervalSince1970 - $0 * 86_400 } ?? -.infinity
        let allowed = retention.megabytes.map { $0 * 1e6 } ?? .infinity
        return try doing("old messages cannot be removed") {
            let pictures = Double(snapshots?.bytes ?? 0)
            let (removed, events) = try database.write { database in
                let bytes = try Double.fetchOne(database, sql: "SELECT bytes FROM state") ?? 0
                return try Self.retire(database, older: cutoff, excess: bytes + pictures - allowed, limit)
            }
            // Files go after their events: a crash in between leaves files without events, which the next start sweeps.
            snapshots?.remove(events)
            guard removed > 0 else { return false }
            try shrink()
            return removed == limit || !events.isEmpty
        }
    }

    private static func retire(
        _ database: Database, older cutoff: Double, excess: Double, _ limit: Int
    ) throws -> (removed: Int, events: [String]) {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT seq, time, length(body) AS bytes FROM message LEFT JOIN event ON event.id = message.event
                WHERE event.phase IS NULL OR event.phase = 'end' ORDER BY seq LIMIT ?
                """, arguments: [limit])
        var (freed, runs, count) = (0, [Hole](), 0)
        for row in rows {
            let (seq, time, bytes): (Int64, Double, Int) = (row["seq"], row["time"], row["bytes"])
            guard time < cutoff || Double(freed) < excess else { break }
            freed += bytes + Schema.rowBytes
            count += 1
            if runs.last?.last == seq - 1 {
                runs[runs.count - 1].last = seq
            } else {
                runs.append(Hole(first: seq, last: seq, reason: .retention))
            }
        }
        guard let last = runs.last?.last else { return (0, []) }
        for run in runs {
            try database.execute(
                sql: "DELETE FROM message WHERE seq BETWEEN ? AND ?", arguments: [run.first, run.last])
            try record(run, database)
        }
        try database.execute(sql: "UPDATE state SET bytes = bytes - ?", arguments: [freed])
        let events = try String.fetchAll(
            database, sql: "DELETE FROM event WHERE phase = 'end' AND last <= ? RETURNING name", arguments: [last])
        return (count, events)
    }

    /// Gives free pages back to the file system, some at a time; a few are left for what comes next.
    private func shrink() throws {
        try database.writeWithoutTransaction { database in
            let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
            guard free > 256 else { return }
            try database.execute(sql: "PRAGMA incremental_vacuum(\(min(free - 128, 2000)))")
        }
    }

    /// Moves what the write-ahead log holds into the file, which then has its new size; not while somebody reads.
    package func checkpoint() { _ = try? database.writeWithoutTransaction { try $0.checkpoint(.passive) } }
}
