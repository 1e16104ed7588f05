package import Foundation
import Journal
package import Notify

/// The daemon's messages for notifiers, which send alerts to people: recent ones from memory, older ones from disk.
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
            // More messages than the limit may exist: they belong to the next page. All published ones are in the
            // journal.
            return NotifyPage(
                entries: page.entries, holes: page.holes, through: page.through ?? max(found, newest))
        }
    }

    package func wait(after seq: Int64, seconds: Double) async {
        let end = ContinuousClock.now + .seconds(seconds)
        await outbox.feed.wait(after: seq, until: end)
        // An ended feed returns at once: sleep, so that the caller does not loop without a pause.
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
