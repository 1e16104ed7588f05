package import Foundation
package import Journal

/// The journal as notifiers read it at their own pace, and the store of their positions.
package protocol NotifyLog: Sendable {
    /// The identity of the journal: the same number under another identity is another message.
    var identity: String { get }
    /// The newest number.
    var newest: Int64 { get }
    /// The number up to which an earlier journal is the same as this one; nil if it is unknown.
    func common(with journal: String) -> Int64?
    /// Returns messages after a number, in order, at most `limit`.
    func read(after seq: Int64, limit: Int) async throws -> NotifyPage
    /// Waits until a message after the number exists, at most `seconds`.
    func wait(after seq: Int64, seconds: Double) async
    /// The queries on streams that have an event that goes on, by the journal now.
    func open() async throws -> Set<SensorKey>
    /// The picture of an event; nil if there is none.
    func picture(of event: String) async -> Data?
    func places() async throws -> [String: Data]
    func save(place: Data, of name: String) async throws
    func remove(places names: [String]) async throws
}

/// A page of the journal.
package struct NotifyPage: Sendable {
    package let entries: [Entry]
    package let holes: [Hole]
    /// The number up to which every message is in the page.
    package let through: Int64

    package init(entries: [Entry], holes: [Hole] = [], through: Int64) {
        self.entries = entries
        self.holes = holes
        self.through = through
    }

    enum Item {
        case entry(Entry)
        case hole(Hole)

        var last: Int64 {
            switch self {
            case .entry(let entry): entry.seq
            case .hole(let hole): hole.last
            }
        }
    }

    /// The messages and holes in order.
    var items: [Item] {
        guard !holes.isEmpty else { return entries.map { .entry($0) } }
        return (entries.map { Item.entry($0) } + holes.map { Item.hole($0) }).sorted { $0.last < $1.last }
    }
}

/// The time and the random numbers, which tests replace.
package struct NotifyClock: Sendable {
    /// Seconds since 1970.
    package let now: @Sendable () -> Double
    /// Waits this many seconds, or until the task is cancelled.
    package let sleep: @Sendable (Double) async -> Void
    /// Returns a random number from 0 to 1.
    package let chance: @Sendable () -> Double

    package init(
        now: @escaping @Sendable () -> Double, sleep: @escaping @Sendable (Double) async -> Void,
        chance: @escaping @Sendable () -> Double
    ) {
        (self.now, self.sleep, self.chance) = (now, sleep, chance)
    }

    package static let system = NotifyClock(
        now: { Date().timeIntervalSince1970 }, sleep: { try? await Task.sleep(for: .seconds($0)) },
        chance: { .random(in: 0...1) })
}
