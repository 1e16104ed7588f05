import Daemon
import Foundation
import Journal
import Testing

/// Messages 1, 2, 3 … numbered by the journal.
private func entries(_ count: Int) throws -> [Entry] {
    let messages = (0..<count).map { _ in
        PendingMessage(topic: "match.s.q", query: "q", stream: "s") { _, _ in Data("{}".utf8) }
    }
    return try Journal(path: nil).number(messages).entries
}

@Suite("The feed of newest messages")
struct FeedTests {
    @Test("one who has read up to a number is given what comes after it, or sent to the journal if that is too old")
    func places() throws {
        let all = try entries(16)
        let feed = EventFeed(after: 10, messages: 4)
        feed.add(Array(all[10..<13]))
        feed.add(Array(all[13..<16]))
        for seq in 9...11 {
            guard case .behind(let newest) = feed.next(after: Int64(seq), limit: 100) else {
                Issue.record("\(seq) is not behind")
                continue
            }
            #expect(newest == 16)
        }
        for seq in 12...16 {
            guard case .messages(let entries) = feed.next(after: Int64(seq), limit: 3) else {
                Issue.record("\(seq) is behind")
                continue
            }
            #expect(entries.map(\.seq) == Array((Int64(seq + 1)..<17).prefix(3)))
        }
        feed.end()
        if case .ended = feed.next(after: 16, limit: 1) {} else { Issue.record("it has not ended") }
        if case .messages = feed.next(after: 15, limit: 1) {} else { Issue.record("its last message is lost") }
    }

    @Test("many who wait are all woken by news, by the end, when their time is over, or by being cancelled")
    func waiting() async throws {
        let feed = EventFeed(after: 0)
        let never = ContinuousClock.now + .seconds(86_400)
        let readers = (0..<100).map { _ in
            Task {
                var seen: [Int64] = []
                while true {
                    switch feed.next(after: seen.last ?? 0, limit: 10) {
                    case .messages(let entries) where entries.isEmpty:
                        await feed.wait(after: seen.last ?? 0, until: never)
                    case .messages(let entries): seen += entries.map(\.seq)
                    case .behind, .ended: return seen
                    }
                }
            }
        }
        let cancelled = Task { await feed.wait(after: 1000, until: never) }
        let late = Task { await feed.wait(after: 1000, until: .now + .milliseconds(20)) }
        for (seq, entry) in try entries(500).enumerated() {
            feed.add([entry])
            if seq % 50 == 0 { await Task.yield() }
        }
        cancelled.cancel()
        await cancelled.value
        await late.value
        feed.end()
        for reader in readers { #expect(await reader.value == Array(1...500)) }
    }
}
