import Foundation
import GRDB

/// Trust in the wall clock: retention by age goes by this, so that a clock which jumps deletes nothing.
///
/// The clock is looked at again and again, over restarts too. A step of at most a day, from one look to the next, is
/// taken for time that has passed. A longer one, in either direction, is believed after a day in which the clock went
/// on by smaller steps from there; if it comes back before, nothing has happened.
struct TrustedTime: Equatable, Sendable {
    /// Seconds of a step that is believed at once, and of the day that another must last.
    static let step = 86_400.0
    static let proof = 86_400.0

    /// The newest time that is believed, in seconds since 1970.
    private(set) var believed: Double
    /// Times of the clock since it jumped, from first to newest; nil if it has not.
    private(set) var elsewhere: ClosedRange<Double>?

    init(believed: Double, elsewhere: ClosedRange<Double>? = nil) {
        self.believed = believed
        self.elsewhere = elsewhere
    }

    /// Takes a look at the clock.
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

    /// The time that ages are counted from: the clock's, but none that is not believed.
    func present(_ now: Double) -> Double { min(now, believed) }

    // MARK: Kept in the journal

    /// A time before anything was ever stored.
    static let never = -1e10

    /// Whether a number of seconds is a date at all: within three thousand years.
    static func isDate(_ time: Double) -> Bool { abs(time) < 1e11 }

    /// Reads the stored state; without one, the newest message tells when the clock was last right.
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

    /// Whether the state is worth storing: minutes have passed, or the clock has jumped.
    func differs(from saved: TrustedTime) -> Bool {
        guard (elsewhere == nil) == (saved.elsewhere == nil) else { return true }
        let moved = abs((elsewhere?.upperBound ?? 0) - (saved.elsewhere?.upperBound ?? 0))
        return max(moved, abs(believed - saved.believed)) >= 600 || elsewhere?.lowerBound != saved.elsewhere?.lowerBound
    }
}

/// Times at which messages were stored, by their order: a stamp that does not fit between its neighbours is wrong.
///
/// A message was stored no later than those after it. One whose stamp is before an earlier message's, or after the
/// present, has the time of the next one whose stamp can be right: so it is kept too long rather than too short.
struct StoredTimes {
    private let present: Double
    /// The newest time so far, in order of `seq`.
    private(set) var floor: Double
    /// Time that replaces wrong stamps of messages before `seq`.
    private var next: (seq: Int64, time: Double?)?

    init(present: Double, floor: Double) {
        self.present = present
        self.floor = floor
    }

    /// Latest time at which the message was stored; nil if that is not known yet.
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

    /// Goes through some thousand messages, then looks further and further away: a long run of wrong stamps costs few
    /// looks.
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
