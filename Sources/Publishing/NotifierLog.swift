package import Foundation
import Journal
package import Notify

/// The messages as notifiers read them: the newest from the outbox's buffer, older ones from the journal.
package struct NotifierLog: NotifyLog {
    private let outbox: Outbox

    package init(outbox: Outbox) { self.outbox = outbox }

    package var identity: String { outbox.identity }
    package var newest: Int64 { outbox.lastSeq }

    package func common(with journal: String) -> Int64? { outbox.branches.last { $0.identity == journal }?.seq }

    package func read(after seq: Int64, limit: Int) async throws -> NotifyPage {
        switch outbox.feed.next(after: seq, limit: limit) {
        case .ended: return NotifyPage(entries: [], through: seq)
        case .messages(let entries): return NotifyPage(entries: entries, through: entries.last?.seq ?? seq)
        case .behind(let newest):
            let page = try await outbox.follow(since: seq, limit: limit)
            let found = max(seq, page.entries.last?.seq ?? 0, page.holes.last?.last ?? 0)
            // Messages after the page's end are for the next one; those that were published are all in the journal.
            let isAll = page.entries.count < limit
            return NotifyPage(
                entries: page.entries, holes: page.holes,
                through: isAll ? max(found, newest) : page.entries.last?.seq ?? seq)
        }
    }

    package func wait(after seq: Int64, seconds: Double) async {
        let end = ContinuousClock.now + .seconds(seconds)
        await outbox.feed.wait(after: seq, until: end)
        // An ended feed waits for nobody; what is over must not be asked in a circle.
        if case .ended = outbox.feed.next(after: seq, limit: 1) { try? await Task.sleep(for: .seconds(seconds)) }
    }

    package func open() async throws -> Set<SensorKey> {
        Set(try await outbox.openForNotifiers().compactMap { entry in Alert(entry)?.key })
    }

    package func picture(of event: String) async -> Data? { await outbox.picture(of: event) }
    package func places() async throws -> [String: Data] { try await outbox.places() }
    package func save(place: Data, of name: String) async throws { try await outbox.save(place: place, of: name) }
    package func remove(places names: [String]) async throws { try await outbox.remove(places: names) }
}
