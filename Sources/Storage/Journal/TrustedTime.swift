import Foundation
import GRDB

/// The time by which messages are removed by age, protected from a clock that jumps.
///
/// The clock is observed repeatedly, also across restarts. A step of at most a day between two observations counts as
/// elapsed time. A longer step, in either direction, is trusted only after the clock has run for a day from there. If
/// the clock returns before, the step is forgotten.
struct TrustedTime: Equatable, Sendable {
    /// The longest step of the clock that is trusted at once, in seconds.
    ///
    /// `proof` is the number of seconds for which the clock must run after a longer step until it is trusted.
    static let step = 86_400.0
    static let proof = 86_400.0

    /// The trusted time as last observed, in seconds since 1970.
    private(set) var believed: Double
    /// The clock's first and newest time since it jumped, in seconds since 1970; nil if it has not jumped.
    private(set) var elsewhere: ClosedRange<Double>?

    init(believed: Double, elsewhere: ClosedRange<Double>? = nil) {
        self.believed = believed
        self.elsewhere = elsewhere
    }

    /// Updates the trusted time from the clock's time, in seconds since 1970.
    mutating func observe(_ now: Double) {
        guard now.isFinite else { return }
        if abs(now - believed) <= Self.step {
            (believed, elsewhere) = (now, nil)
        } else if let seen = elsewhere, abs(now - seen.upperBound) <= Self.step, now >= seen.lowerBound {
            elsewhere = seen.lowerBound...now
            if now - seen.lowerBound >= Self.proof { (believed, elsewhere) = (now, nil) }
        } else {
            elsewhere = now...now
        }
    }

    /// Returns the time from which ages are counted: the clock's time, but never later than the trusted time.
    func present(_ now: Double) -> Double { min(now, believed) }

    // MARK: Saving in the journal

    /// A time before any message was stored, in seconds since 1970.
    static let never = -1e10

    /// Returns true if a number of seconds since 1970 is a plausible date, within about three thousand years.
    static func isDate(_ time: Double) -> Bool { abs(time) < 1e11 }

    /// Reads the saved trusted time; if none is saved, the time of the newest message is trusted.
    static func read(_ database: Database, now: Double) throws -> TrustedTime {
        if let row = try Row.fetchOne(database, sql: "SELECT believed, since, until FROM clock") {
            let (believed, since, until): (Double, Double, Double) = (row["believed"], row["since"], row["until"])
            if [believed, since, until].allSatisfy(isDate), since <= until {
                return TrustedTime(believed: believed, elsewhere: until == 0 ? nil : since...until)
            }
        }
        let newest = try Double.fetchOne(database, sql: "SELECT time FROM message ORDER BY seq DESC LIMIT 1") ?? now
        return TrustedTime(believed: isDate(newest) ? newest : now)
    }

    func write(_ database: Database, retired: Double) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO clock (id, believed, since, until, retired) VALUES (1, ?, ?, ?, ?)",
            arguments: [believed, elsewhere?.lowerBound ?? 0, elsewhere?.upperBound ?? 0, retired])
    }

    /// Returns true if the trusted time should be saved: minutes have passed, or the clock has jumped.
    func differs(from saved: TrustedTime) -> Bool {
        guard (elsewhere == nil) == (saved.elsewhere == nil) else { return true }
        let moved = abs((elsewhere?.upperBound ?? 0) - (saved.elsewhere?.upperBound ?? 0))
        return max(moved, abs(believed - saved.believed)) >= 600 || elsewhere?.lowerBound != saved.elsewhere?.lowerBound
    }
}

/// Corrects wrong times at which messages were stored, using the order of the messages.
///
/// A message was stored no later than those after it. If a message's time is before an earlier message's, or in the
/// future, it gets the next plausible time after it; so it is kept too long rather than too short.
struct StoredTimes {
    private let present: Double
    /// The newest plausible time among the messages so far, in order of their numbers.
    private(set) var floor: Double
    /// The time that replaces wrong times of messages with smaller numbers than `seq`; nil before the first search.
    ///
    /// Its `time` is nil if no later message has a plausible time.
    private var next: (seq: Int64, time: Double?)?

    init(present: Double, floor: Double) {
        self.present = present
        self.floor = floor
    }

    /// Returns the latest time at which the message may have been stored; nil if no later message has a plausible time.
    mutating func time(_ seq: Int64, stamp: Double, _ database: Database) throws -> Double? {
        if isRight(stamp) {
            floor = stamp
            return stamp
        }
        if let next, seq < next.seq { return next.time }
        let found = try search(after: seq, database)
        next = found
        return found.time
    }

    private func isRight(_ stamp: Double) -> Bool { stamp >= floor && stamp <= present }

    /// Searches the messages after `seq` for the next plausible time; returns it with its message's number.
    ///
    /// `time` is nil if there is none. The search looks at the next 4,096 numbers, then in growing steps, so that a
    /// long run of wrong times costs few reads.
    private func search(after seq: Int64, _ database: Database) throws -> (seq: Int64, time: Double?) {
        let near: Int64 = 4096
        let found = try Row.fetchOne(
            database,
            sql: """
                SELECT seq, time FROM message WHERE seq > ? AND seq <= ? AND time BETWEEN ? AND ? ORDER BY seq LIMIT 1
                """, arguments: [seq, seq + near, floor, present])
        if let found { return (found["seq"], found["time"]) }
        var distance = near
        while distance < Numbers.most {
            let row = try Row.fetchOne(
                database, sql: "SELECT seq, time FROM message WHERE seq >= ? ORDER BY seq LIMIT 1",
                arguments: [seq + distance])
            guard let row else { break }
            if isRight(row["time"]) { return (row["seq"], row["time"]) }
            distance *= 2
        }
        return (.max, nil)
    }
}
