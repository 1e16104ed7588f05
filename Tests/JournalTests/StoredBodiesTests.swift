import Foundation
import GRDB
import Journal
import Testing

@Suite("Bodies in the journal's file")
struct StoredBodiesTests {
    /// A body of some 400 bytes as an event's messages have it.
    private func body(_ number: Int) -> Data {
        Data(
            """
            {"event":"01JMZY7V7JC4C7WM1JP86Y\(number)","head":"transformer","media":{"end":\(Double(number) / 7),"start":0.04},\
            "model":"shapes@3f27a9d1c0","peak":{"at":"2026-12-01T04:16:12.337Z","score":0.\(number * 7919)},"phase":"start",\
            "query":{"id":"red-\(number)","text":"a red circle \(number)"},"score":0.99982,"seq":\(number),\
            "snapshot":"/var/lib/watchword/journal.sqlite.d/snapshots/\(number).jpg","stream":"yard","v":1}
            """.utf8)
    }

    private func message(_ topic: String, _ body: Data) -> PendingMessage {
        PendingMessage(topic: topic) { _, _ in body }
    }

    private func stored(_ path: String) throws -> [Data] {
        try DatabaseQueue(path: path).read { try Data.fetchAll($0, sql: "SELECT body FROM message ORDER BY seq") }
    }

    @Test("they take a third of what is sent, and are read as they were sent, also by the next process")
    func packed() throws {
        let path = temporary()
        let bodies =
            (0..<500).map { body($0) } + [Data("{}".utf8), Data(), Data([1, 2, 3]), Data(repeating: 1, count: 300)]
        do {
            let journal = try Journal(path: path)
            for piece in [bodies[..<7], bodies[7...]] {
                _ = try journal.append(piece.map { message("match.yard.red", $0) })
            }
            _ = try journal.append([message("stream.yard", body(1) + Data(repeating: 32, count: 5000))])
            #expect(try journal.replay(since: 0, limit: 500).entries.map(\.body) == Array(bodies[..<500]))
        }
        let journal = try Journal(path: path)
        let read = try journal.replay(since: 0, limit: 1000).entries.map(\.body)
        #expect(Array(read.dropLast()) == bodies && read.last?.count == body(1).count + 5000)
        let (before, after) = (
            bodies[..<500].reduce(0) { $0 + $1.count }, try stored(path)[..<500].reduce(0) { $0 + $1.count }
        )
        #expect(after * 3 < before, "\(before) bytes became \(after)")
    }

    @Test("what an earlier version stored is read, and what cannot be unpacked is missing alone")
    func others() throws {
        let path = temporary()
        do {
            let journal = try Journal(path: path)
            _ = try journal.append((0..<3).map { message("match.yard.red", body($0)) })
        }
        try DatabaseQueue(path: path).write {
            try $0.execute(sql: "UPDATE message SET body = ? WHERE seq = 1", arguments: [Data("{\"v\":1}".utf8)])
        }
        do {
            let journal = try Journal(path: path)
            #expect(
                try journal.replay(since: 0, limit: 3).entries.map(\.body) == [
                    Data("{\"v\":1}".utf8), body(1), body(2),
                ])
        }
        for wrong in [
            Data([1]), Data([1, 1, 0, 0, 0, 9, 9, 0, 0, 1, 2, 3]), Data([1, 9, 0, 0, 0, 5, 0, 0, 0, 1, 2, 3]),
        ] {
            try DatabaseQueue(path: path).write {
                try $0.execute(sql: "UPDATE message SET body = ? WHERE seq = 2", arguments: [wrong])
            }
            let journal = try Journal(path: path)
            let page = try journal.replay(since: 0, limit: 3)
            #expect(page.entries.map(\.seq) == [1, 3])
            #expect(page.holes == [Hole(first: 2, last: 2, reason: .unjournaled)])
            // A page that is full of rows has more behind it, however few of them can be read.
            let part = try journal.replay(since: 0, limit: 2)
            #expect(part.entries.map(\.seq) == [1] && part.through == 2)
            #expect(try journal.replay(since: 2, limit: 2).through == nil)
        }
    }

    @Test("a message that is stored and not yet noted beside the journal is nobody's yet")
    func noted() throws {
        let path = temporary()
        let journal = try Journal(path: path)
        let bodies = [body(0), body(1)]
        _ = try journal.append(
            bodies.map { body in PendingMessage(topic: "stream.yard", stream: "yard") { _, _ in body } })
        // As it stands between a commit and the note of its number: if the process is killed there, and the journal is
        // restored from a copy, the number is given again.
        try DatabaseQueue(path: path).write {
            try $0.execute(
                sql: """
                    INSERT INTO message (seq, topic, time, body)
                    SELECT 3, topic, time, body FROM message WHERE seq = 2
                    """)
        }
        for filter in [MessageFilter(), MessageFilter(stream: "yard")] {
            #expect(try journal.replay(since: 0, limit: 9, filter: filter).entries.map(\.seq) == [1, 2])
        }
    }
}
