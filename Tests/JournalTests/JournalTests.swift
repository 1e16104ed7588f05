import Foundation
import Journal
import TestSupport
import Testing

@Suite("The journal")
struct JournalTests {
    private struct Broken: Error {}

    private func message(_ topic: String) -> PendingMessage {
        PendingMessage(topic: topic) { seq, prev in Data("\(seq) after \(prev ?? 0)".utf8) }
    }

    private func temporary() -> String {
        FileManager.default.temporaryDirectory.appending(path: "journal-\(UUID())/journal.sqlite").path
    }

    @Test("numbers messages without a gap, across restarts and failures, and links them by topic")
    func gapless() throws {
        let path = temporary()
        do {
            let journal = try Journal(path: path)
            let entries = try journal.append([message("a"), message("b"), message("a")])
            #expect(entries.map(\.seq) == [1, 2, 3] && entries.map(\.prev) == [nil, nil, 1])
            let broken = PendingMessage(topic: "a") { _, _ in throw Broken() }
            #expect(throws: JournalError.self) { try journal.append([self.message("b"), broken]) }
        }
        let journal = try Journal(path: path)
        #expect(try journal.lastSeq() == 3)
        #expect(try journal.append([message("b")]).map(\.prev) == [2])
        #expect(try journal.entries(since: 1, limit: 2).map(\.seq) == [2, 3])
        #expect(try journal.entries(since: 0, limit: 10, topicPrefix: "b").map(\.seq) == [2, 4])
        #expect(try journal.entries(since: 3, limit: 10).first?.body == Data("4 after 2".utf8))
    }

    @Test("keeps queries and streams")
    func kept() throws {
        let path = temporary()
        try Journal(path: path).save(.query, id: "q", json: Data("{}".utf8))
        let journal = try Journal(path: path)
        #expect(try journal.saved(.query).map(\.id) == ["q"])
        try journal.remove(.query, id: "q")
        #expect(try journal.saved(.query).isEmpty)
    }

    @Test("a file that is no database is one sentence that names it")
    func corrupt() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "no-\(UUID()).sqlite").path
        try Data(repeating: 65, count: 9000).write(to: URL(filePath: path))
        #expect { try Journal(path: path) } throws: { "\($0)".contains(path) }
    }
}
