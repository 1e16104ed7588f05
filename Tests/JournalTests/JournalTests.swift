import Foundation
import GRDB
import Journal
import SystemSupport
import Testing

func message(_ topic: String) -> PendingMessage {
    PendingMessage(topic: topic) { seq, prev in Data("\(seq) after \(prev ?? 0)".utf8) }
}

/// Makes a message of an event of query `q` on a stream; the id identifies the event.
func message(event: String, _ phase: EventMark.Phase, stream: String = "s", size: Int = 100) -> PendingMessage {
    PendingMessage(
        topic: "match.\(stream).q", query: "q", stream: stream, event: EventMark(id: event, phase: phase)
    ) { seq, _ in
        // Nothing that could be packed: the journal's size is that of its messages.
        var random = SeededRandom(seed: UInt64(seq))
        return Data("\(seq) \(event) \(phase)".utf8) + (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
}

func temporary() -> String {
    FileManager.default.temporaryDirectory.appending(path: "journal-\(UUID())/journal.sqlite").path
}

extension Journal {
    func seqs(since: Int64 = 0, _ filter: MessageFilter = MessageFilter()) throws -> [Int64] {
        try replay(since: since, limit: 1_000_000, filter: filter).entries.map(\.seq)
    }
}

@Suite("The journal")
struct JournalTests {
    private struct Broken: Error {}

    @Test("numbers messages without a gap, across restarts and failures, and links them by topic")
    func gapless() throws {
        let path = temporary()
        let identity: String
        do {
            let journal = try Journal(path: path)
            identity = journal.identity
            let entries = try journal.append([message("a"), message("b"), message("a")])
            #expect(entries.map(\.seq) == [1, 2, 3] && entries.map(\.prev) == [nil, nil, 1])
            let broken = PendingMessage(topic: "a") { _, _ in throw Broken() }
            #expect(throws: JournalError.self) { try journal.append([message("b"), broken]) }
            // By itself, what cannot be written takes no number and stops nobody.
            let (some, refused) = journal.number([broken, message("c")])
            #expect(some.map(\.seq) == [4] && refused.count == 1)
            try journal.commit(some)
        }
        let journal = try Journal(path: path)
        #expect(journal.lastSeq == 4 && journal.identity == identity && journal.damage == nil)
        #expect(try journal.append([message("b")]).map(\.prev) == [2])
        #expect(try journal.replay(since: 1, limit: 2).entries.map(\.seq) == [2, 3])
        #expect(try journal.seqs(MessageFilter(topicPrefix: "b")) == [2, 5])
        #expect(try journal.replay(since: 4, limit: 10).entries.first?.body == Data("5 after 2".utf8))
    }

    @Test("keeps queries and streams, many in one transaction, and forgets with them what was learnt")
    func kept() throws {
        let path = temporary()
        let ids = (0..<2000).map { "q\($0)" }
        do {
            let journal = try Journal(path: path)
            try journal.save(.query, ids.map { ($0, Data("{}".utf8)) })
            try journal.save(.stream, id: "s", json: Data("[]".utf8))
            try journal.save(calibrations: [
                SavedCalibration(query: "q1", stream: "s", json: Data("1".utf8)),
                SavedCalibration(query: "q2", stream: "s", json: Data("2".utf8)),
            ])
            try journal.save(calibrations: [SavedCalibration(query: "q2", stream: "s", json: Data("3".utf8))])
        }
        let journal = try Journal(path: path)
        #expect(try journal.saved(.query).map(\.id) == ids.sorted())
        #expect(try journal.saved(.query, id: "q7") == Data("{}".utf8) && journal.saved(.stream, id: "no") == nil)
        try journal.remove(.query, Array(ids.dropFirst(2)))
        #expect(try journal.saved(.query).map(\.id) == ["q0", "q1"])
        #expect(try journal.calibrations().map(\.query) == ["q1"])
        try journal.remove(.stream, id: "s")
        #expect(try journal.calibrations().isEmpty && journal.saved(.stream).isEmpty)
    }

    @Test("embeddings come back to the bit, under their model only")
    func embeddings() throws {
        let path = temporary()
        let (a, b) = (Data("a red van".utf8), Data("ein Hund".utf8))
        let vector: [Float] = [1.5, -0.0, .pi, .leastNonzeroMagnitude, .infinity]
        try Journal(path: path).save(embeddings: [(a, vector), (b, [2])], model: "shapes@1")
        let journal = try Journal(path: path)
        let found = try journal.embeddings(of: [b, Data(), a], model: "shapes@1")
        #expect(found.map { $0?.map(\.bitPattern) } == [[Float(2).bitPattern], nil, vector.map(\.bitPattern)])
        #expect(try journal.embeddings(of: [a], model: "shapes@2") == [nil])
        try journal.removeEmbeddings(of: [a])
        #expect(try journal.embeddings(of: [a, b], model: "shapes@1") == [nil, [2]])
        try journal.save(embeddings: [(a, [3]), (b, [4])], model: "shapes@2")
        try journal.removeEmbeddings(except: [a], model: "shapes@2")
        #expect(try journal.embeddings(of: [a, b], model: "shapes@2") == [[3], nil])
        #expect(try journal.embeddings(of: [a, b], model: "shapes@1") == [nil, nil])
        try journal.removeEmbeddings(except: [a], model: "shapes@3")
        #expect(try journal.embeddings(of: [a], model: "shapes@2") == [nil])
    }

    @Test("what was learnt on a stream is removed with that of its regions, but for those that stay")
    func lanes() throws {
        let journal = try Journal(path: nil)
        let lanes = ["s", "s-2", "s/a", "s/b", "s0", "t/s"]
        try journal.save(calibrations: lanes.map { SavedCalibration(query: "q", stream: $0, json: Data("{}".utf8)) })
        #expect(try journal.removeCalibrations(ofStream: "s", except: ["s", "s/a"]) == ["s/b"])
        #expect(try journal.removeCalibrations(ofStream: "s") == ["s", "s/a"])
        #expect(try journal.calibrations().map(\.stream) == ["s-2", "s0", "t/s"])
    }

    @Test("knows which events are open, and their newest message")
    func openEvents() throws {
        let path = temporary()
        do {
            let journal = try Journal(path: path)
            _ = try journal.append([
                message(event: "A", .start), message(event: "B", .start), message("stream.s"),
                message(event: "A", .update), message(event: "C", .start), message(event: "B", .end),
            ])
            #expect(try journal.openEvents().map(\.seq) == [4, 5])
        }
        let journal = try Journal(path: path)
        #expect(try journal.openEvents().map { $0.event?.id } == ["A", "C"])
        _ = try journal.append([message(event: "A", .end), message(event: "A", .update)])
        #expect(try journal.openEvents().map { $0.event?.id } == ["C"])
    }

    @Test("a replay can be limited to a query, a stream, or both")
    func filters() throws {
        let journal = try Journal(path: nil)
        func match(_ stream: String, _ query: String) -> PendingMessage {
            PendingMessage(topic: "match.\(stream).\(query)", query: query, stream: stream) { _, _ in Data("{}".utf8) }
        }
        _ = try journal.append([
            match("a", "x"), match("a", "y"), match("b", "x"), message("stream.a"), match("a", "x"), match("c", "z"),
        ])
        #expect(try journal.seqs(MessageFilter(query: "x")) == [1, 3, 5])
        #expect(try journal.seqs(MessageFilter(stream: "a")) == [1, 2, 5])
        #expect(try journal.seqs(since: 1, MessageFilter(query: "x", stream: "a")) == [5])
        #expect(try journal.seqs(MessageFilter(topicPrefix: "stream.")) == [4])
        #expect(try journal.replay(since: 0, limit: 2, filter: MessageFilter(query: "x")).entries.map(\.seq) == [1, 3])
    }

    @Test("a journal of the first version is taken over whole: messages, numbers, open events, queries")
    func upgrade() throws {
        let path = temporary()
        try FileManager.default.createDirectory(
            at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
        do {
            let old = try DatabasePool(path: path)
            var migrator = DatabaseMigrator()
            migrator.registerMigration("1") { database in
                try database.execute(
                    sql: """
                        CREATE TABLE message (
                            seq INTEGER PRIMARY KEY, prev INTEGER, topic TEXT NOT NULL, body BLOB NOT NULL) STRICT;
                        CREATE INDEX message_topic ON message (topic, seq);
                        CREATE TABLE query (id TEXT PRIMARY KEY, json BLOB NOT NULL) STRICT;
                        CREATE TABLE stream (id TEXT PRIMARY KEY, json BLOB NOT NULL) STRICT;
                        """)
            }
            try migrator.migrate(old)
            try old.write { database in
                for (seq, topic, event, phase) in [
                    (1, "match.s.q", "E1", "start"), (2, "stream.s", "", ""), (3, "match.s.q", "E1", "end"),
                    (4, "match.s.q", "E2", "start"),
                ] {
                    let body =
                        event.isEmpty
                        ? "{\"stream\":\"s\"}"
                        : "{\"event\":\"\(event)\",\"phase\":\"\(phase)\",\"query\":{\"id\":\"q\"},\"stream\":\"s\"}"
                    try database.execute(
                        sql: "INSERT INTO message VALUES (?, NULL, ?, ?)", arguments: [seq, topic, Data(body.utf8)])
                }
                try database.execute(sql: "INSERT INTO query VALUES ('q', x'7b7d')")
            }
            try old.close()
        }
        let journal = try Journal(path: path)
        #expect(try journal.seqs() == [1, 2, 3, 4] && journal.saved(.query).map(\.id) == ["q"])
        #expect(try journal.openEvents().map { $0.event?.id } == ["E2"])
        #expect(try journal.seqs(MessageFilter(query: "q")) == [1, 3, 4])
        #expect(try journal.append([message("match.s.q"), message("x")]).map(\.prev) == [4, nil])
        // The file can shrink, as a new one can.
        let mode = try DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: "PRAGMA auto_vacuum") }
        #expect(mode == 2)
    }

    @Test("numbers that were published while the disk was full are not given again after a crash")
    func noted() throws {
        let path = temporary()
        do {
            let journal = try Journal(path: path)
            _ = try journal.append([message("a"), message("a")])
            let (unstored, _) = journal.number([message("a"), message("b")])
            journal.note(published: unstored.last?.seq ?? 0)
        }
        do {
            let journal = try Journal(path: path)
            #expect(journal.lastSeq == 4)
            #expect(try journal.append([message("a")]).map(\.seq) == [5])
            let page = try journal.replay(since: 1, limit: 10)
            #expect(page.entries.map(\.seq) == [2, 5])
            #expect(page.holes == [Hole(first: 3, last: 4, reason: .unjournaled)])
        }
        #expect(try Journal(path: path).lastSeq == 5)
    }
}
