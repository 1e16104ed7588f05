package import Foundation
import GRDB
import Synchronization

/// The limits on the age and size of the messages and pictures of events that the journal keeps.
///
/// Messages of events that have not ended are always kept, so that the operation `events.open` can return them.
package struct Retention: Sendable, Equatable {
    package var days: Double?
    /// The greatest size of messages and pictures of events together, in megabytes (10^6 bytes).
    ///
    /// Queries, streams and embeddings are not counted.
    package var megabytes: Double?

    package static let standard = Retention(days: 30, megabytes: 1000)

    package init(days: Double? = nil, megabytes: Double? = nil) {
        self.days = days
        self.megabytes = megabytes
    }
}

/// The result of one step of retention: the messages and pictures that were removed from the journal.
package struct Retired: Sendable, Equatable {
    package var count = 0
    package var snapshots = 0
    /// The first and the last number of the removed messages; nil if none was removed.
    ///
    /// `stored` has the first and the last time at which these messages were stored.
    package var numbers: ClosedRange<Int64>?
    package var stored: ClosedRange<Date>?
    /// True if there may be more to remove now.
    package var isMore = false
    /// The clock's time if the clock has jumped and is not trusted yet; nil otherwise.
    ///
    /// Until the clock is trusted, only messages that were due before the jump are removed by age.
    package var disbelieved: Date?
    /// True if more messages have exceeded the age limit than may be removed in an hour.
    package var isHeldBack = false

    package init() {}

    /// Adds the result of the next step of removal; flags such as `isMore` are taken from that step.
    package mutating func add(_ next: Retired) {
        count += next.count
        snapshots += next.snapshots
        numbers = Self.span(numbers, next.numbers)
        stored = Self.span(stored, next.stored)
        (isMore, disbelieved, isHeldBack) = (next.isMore, next.disbelieved, next.isHeldBack)
    }

    private static func span<T>(_ one: ClosedRange<T>?, _ other: ClosedRange<T>?) -> ClosedRange<T>? {
        guard let one, let other else { return one ?? other }
        return min(one.lowerBound, other.lowerBound)...max(one.upperBound, other.upperBound)
    }
}

/// The state of removal by age, kept in memory while the process runs.
struct Aging {
    /// The number of messages that may still be removed by age in the hour that began at `hour`.
    var left = 0
    var hour: ContinuousClock.Instant?
    /// The trusted time as last observed; `saved` is the one that was last written to the journal.
    var time: TrustedTime?
    var saved: TrustedTime?

    /// The fraction of messages that may be removed by age in an hour, as a divisor: 10 means a tenth.
    ///
    /// `least` is the number that may always be removed.
    static let share = 10
    static let least = 1000
}

extension Journal {
    /// Removes messages that exceed the limits, the oldest first, at most `limit` in one transaction.
    ///
    /// The caller calls again if the result's `isMore` is true.
    ///
    /// It is protected from a wrong clock: by age it removes only messages that were due at a trusted time, and at most
    /// a tenth of all messages in an hour. `now` is the clock's time, and `instant` that of a clock that does not jump.
    package func prune(
        _ retention: Retention, now: Date = Date(), at instant: ContinuousClock.Instant = .now, limit: Int = 500
    ) throws(JournalError) -> Retired {
        let now = now.timeIntervalSince1970
        return try doing("old messages cannot be removed") {
            let time = try observe(now)
            let left = try budget(instant)
            var retired = try step(retention, present: time.present(now), limit: limit, byAge: left)
            aging.withLock { $0.left = max(0, $0.left - retired.count) }
            if time.elsewhere != nil { retired.disbelieved = Date(timeIntervalSince1970: now) }
            return retired
        }
    }

    /// Removes messages as `prune` does, but without its protection from a wrong clock; only tests call it.
    ///
    /// `now` is trusted. Returns true if there may be more to remove.
    package func pruneWithoutClockCheck(
        _ retention: Retention, now: Date = Date(), limit: Int = 500
    ) throws(JournalError) -> Bool {
        let now = now.timeIntervalSince1970
        return try doing("old messages cannot be removed") {
            try step(retention, present: now, limit: limit, byAge: limit).isMore
        }
    }

    /// Updates the trusted time from the clock; saves it in the journal if it changed by minutes or the clock jumped.
    private func observe(_ now: Double) throws -> TrustedTime {
        let (known, saved) = aging.withLock { ($0.time, $0.saved) }
        var time = try known ?? database.read { try TrustedTime.read($0, now: now) }
        let before = time
        time.observe(now)
        aging.withLock { [time] in $0.time = time }
        guard saved.map({ time.differs(from: $0) }) ?? true else { return time }
        try database.write { [time] database in
            let retired = try Double.fetchOne(database, sql: "SELECT retired FROM clock") ?? TrustedTime.never
            // If the trusted time goes back, the times of messages removed meanwhile were wrong too, and are limited to
            // it.
            try time.write(database, retired: time.believed < before.believed ? min(retired, time.believed) : retired)
        }
        aging.withLock { [time] in $0.saved = time }
        return time
    }

    /// Returns the number of messages that may be removed by age now; a new number is set each hour.
    private func budget(_ instant: ContinuousClock.Instant) throws -> Int {
        let (hour, left) = aging.withLock { ($0.hour, $0.left) }
        if let hour, instant - hour < .seconds(3600) { return left }
        let count = try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM message") } ?? 0
        return aging.withLock {
            ($0.hour, $0.left) = (instant, max(Aging.least, count / Aging.share))
            return $0.left
        }
    }

    private func step(_ retention: Retention, present: Double, limit: Int, byAge: Int) throws -> Retired {
        let cutoff = retention.days.map { present - $0 * 86_400 } ?? -.infinity
        let allowed = retention.megabytes.map { $0 * 1e6 } ?? .infinity
        let pictures = Double(snapshots?.bytes ?? 0)
        var (retired, events) = try database.write { database in
            let bytes = try Double.fetchOne(database, sql: "SELECT bytes FROM state") ?? 0
            return try Self.removeOldest(
                database, older: cutoff, present: present, excess: bytes + pictures - allowed, limit, byAge)
        }
        // Pictures are removed after their events. A crash in between leaves pictures without events, which the next
        // start removes.
        retired.snapshots = snapshots?.remove(events) ?? 0
        guard retired.count > 0 else { return retired }
        try shrink()
        retired.isMore = retired.count == limit || !events.isEmpty
        return retired
    }

    private static func removeOldest(
        _ database: Database, older cutoff: Double, present: Double, excess: Double, _ limit: Int, _ byAge: Int
    ) throws -> (retired: Retired, events: [String]) {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT seq, time, length(body) AS bytes FROM message LEFT JOIN event ON event.id = message.event
                WHERE event.phase IS NULL OR event.phase = 'end' ORDER BY seq LIMIT ?
                """, arguments: [limit])
        let kept = try Double.fetchOne(database, sql: "SELECT retired FROM clock") ?? TrustedTime.never
        let floor = TrustedTime.isDate(kept) ? kept : TrustedTime.never
        var times = StoredTimes(present: present, floor: floor)
        var (freed, runs, retired) = (0, [Hole](), Retired())
        for row in rows {
            let (seq, stamp, bytes): (Int64, Double, Int) = (row["seq"], row["time"], row["bytes"])
            let time = try times.time(seq, stamp: stamp, database)
            let isDue = time.map { $0 < cutoff } ?? false
            let isExcess = Double(freed) < excess
            guard isDue && retired.count < byAge || isExcess else {
                retired.isHeldBack = isDue
                break
            }
            freed += bytes + Schema.rowBytes
            retired.count += 1
            retired.numbers = (retired.numbers?.lowerBound ?? seq)...seq
            if let time, TrustedTime.isDate(time) {
                let date = Date(timeIntervalSince1970: time)
                retired.stored = min(retired.stored?.lowerBound ?? date, date)...date
            }
            if runs.last?.last == seq - 1 {
                runs[runs.count - 1].last = seq
            } else {
                runs.append(Hole(first: seq, last: seq, reason: .retention))
            }
        }
        guard let last = runs.last?.last else { return (retired, []) }
        for run in runs {
            try database.execute(
                sql: "DELETE FROM message WHERE seq BETWEEN ? AND ?", arguments: [run.first, run.last])
            try record(run, database)
        }
        try database.execute(sql: "UPDATE state SET bytes = bytes - ?", arguments: [freed])
        let newest = retired.stored?.upperBound.timeIntervalSince1970 ?? floor
        try database.execute(sql: "UPDATE clock SET retired = max(retired, ?)", arguments: [newest])
        let events = try String.fetchAll(
            database, sql: "DELETE FROM event WHERE phase = 'end' AND last <= ? RETURNING name", arguments: [last])
        return (retired, events)
    }

    /// Returns some of the database's free pages to the file system, and keeps a few for new messages.
    private func shrink() throws {
        try database.writeWithoutTransaction { database in
            let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
            guard free > 256 else { return }
            try database.execute(sql: "PRAGMA incremental_vacuum(\(min(free - 128, 2000)))")
        }
    }

    /// Copies the write-ahead log into the database file (a passive checkpoint, which waits for no reader).
    package func checkpoint() { _ = try? database.writeWithoutTransaction { try $0.checkpoint(.passive) } }
}
