package import Foundation
import GRDB

/// A message to be numbered: the body is written once its `seq`, and the `seq` before it on its topic, are known.
package struct PendingMessage: Sendable {
    package let topic: String
    package let body: @Sendable (_ seq: Int64, _ prev: Int64?) throws -> Data

    package init(topic: String, body: @escaping @Sendable (_ seq: Int64, _ prev: Int64?) throws -> Data) {
        self.topic = topic
        self.body = body
    }
}

/// A committed message.
package struct Entry: Sendable, Equatable {
    package let seq: Int64
    package let prev: Int64?
    package let topic: String
    package let body: Data
}

/// The journal cannot be opened, read or written: one sentence that names its file.
package struct JournalError: Error, Equatable, CustomStringConvertible {
    package let description: String
}

/// The durable, ordered log of messages, numbered by `seq` without gaps; and the standing queries and streams that were
/// added while running.
///
/// All calls wait for the disk: they belong on an executor that may.
package final class Journal: Sendable {
    private let database: any DatabaseWriter
    private let path: String

    /// Opens or makes the journal; in memory, if there is no path.
    package init(path: String?) throws(JournalError) {
        self.path = path ?? "journal in memory"
        do {
            if let path {
                let folder = URL(filePath: path).deletingLastPathComponent().path
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                database = try DatabasePool(path: path)  // WAL
            } else {
                database = try DatabaseQueue()
            }
            try Self.migrations.migrate(database)
        } catch {
            throw JournalError(description: "\(path ?? "journal"): the journal cannot be opened: \(Self.reason(error))")
        }
    }

    private static func reason(_ error: any Error) -> String {
        (error as? DatabaseError)?.message ?? "\((error as NSError).localizedDescription)"
    }

    private static var migrations: DatabaseMigrator {
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
        return migrator
    }

    private func doing<T>(_ what: String, _ body: () throws -> T) throws(JournalError) -> T {
        do { return try body() } catch { throw JournalError(description: "\(path): \(what): \(Self.reason(error))") }
    }

    /// Numbers and stores the messages in one transaction: all of them, or none.
    package func append(_ messages: [PendingMessage]) throws(JournalError) -> [Entry] {
        try doing("messages cannot be written") {
            try database.write { database in
                var seq = try Int64.fetchOne(database, sql: "SELECT max(seq) FROM message") ?? 0
                return try messages.map { message in
                    let prev = try Int64.fetchOne(
                        database, sql: "SELECT max(seq) FROM message WHERE topic = ?", arguments: [message.topic])
                    seq += 1
                    let body = try message.body(seq, prev)
                    try database.execute(
                        sql: "INSERT INTO message (seq, prev, topic, body) VALUES (?, ?, ?, ?)",
                        arguments: [seq, prev, message.topic, body])
                    return Entry(seq: seq, prev: prev, topic: message.topic, body: body)
                }
            }
        }
    }

    /// Messages after `since`, oldest first, at most `limit`, of topics that begin with the prefix.
    package func entries(since: Int64, limit: Int, topicPrefix: String? = nil) throws(JournalError) -> [Entry] {
        try doing("messages cannot be read") {
            try database.read { database in
                try Row.fetchAll(
                    database,
                    sql: """
                        SELECT seq, prev, topic, body FROM message
                        WHERE seq > ? AND substr(topic, 1, length(?)) = ? ORDER BY seq LIMIT ?
                        """,
                    arguments: [since, topicPrefix ?? "", topicPrefix ?? "", limit]
                ).map { Entry(seq: $0["seq"], prev: $0["prev"], topic: $0["topic"], body: $0["body"]) }
            }
        }
    }

    /// The newest number; 0 if there is no message yet.
    package func lastSeq() throws(JournalError) -> Int64 {
        try doing("messages cannot be read") {
            try database.read { try Int64.fetchOne($0, sql: "SELECT max(seq) FROM message") ?? 0 }
        }
    }

    /// What is kept besides messages.
    package enum Kind: String, Sendable { case query, stream }

    package func save(_ kind: Kind, id: String, json: Data) throws(JournalError) {
        try doing("\(kind.rawValue) \"\(id)\" cannot be written") {
            try database.write {
                try $0.execute(
                    sql: "INSERT OR REPLACE INTO \(kind.rawValue) (id, json) VALUES (?, ?)", arguments: [id, json])
            }
        }
    }

    package func remove(_ kind: Kind, id: String) throws(JournalError) {
        try doing("\(kind.rawValue) \"\(id)\" cannot be removed") {
            try database.write { try $0.execute(sql: "DELETE FROM \(kind.rawValue) WHERE id = ?", arguments: [id]) }
        }
    }

    package func saved(_ kind: Kind) throws(JournalError) -> [(id: String, json: Data)] {
        try doing("\(kind.rawValue) entries cannot be read") {
            try database.read { database in
                try Row.fetchAll(database, sql: "SELECT id, json FROM \(kind.rawValue) ORDER BY id")
                    .map { (id: $0["id"], json: $0["json"]) }
            }
        }
    }
}
