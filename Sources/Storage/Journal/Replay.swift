import Foundation
import GRDB
import Synchronization
import SystemSupport

extension Journal {
    /// Returns at most `limit` messages with greater numbers than `since`, oldest first, and the holes among them.
    ///
    /// A hole is a range of numbers whose messages are lost. The holes reach to the last returned message, or to the
    /// end if there are no more messages.
    package func replay(
        since: Int64, limit: Int, filter: MessageFilter = MessageFilter()
    ) throws(JournalError) -> ReplayPage {
        try doing("messages cannot be read") {
            try database.read { database in
                let bodies = StoredBodies(database)
                let rows = try Row.fetchAll(
                    database, sql: Self.sql(filter),
                    arguments: arguments(filter, since: since, limit: limit))
                let entries = try rows.compactMap { try entry($0, bodies) }
                let last: Int64? = rows.count < limit ? nil : rows.last?["seq"]
                var holes = try Row.fetchAll(
                    database, sql: "SELECT first, last, reason FROM hole WHERE last > ? AND first <= ? ORDER BY first",
                    arguments: [since, last ?? .max]
                ).map {
                    Hole(
                        first: max($0["first"], since + 1), last: $0["last"],
                        reason: Hole.Reason(rawValue: $0["reason"]) ?? .unjournaled)
                }
                // A message that cannot be read because its row is damaged is reported as a hole of one number.
                if entries.count < rows.count {
                    let read = Set(entries.map(\.seq))
                    let damaged = rows.map { $0["seq"] as Int64 }.filter { !read.contains($0) }
                    holes += damaged.map { Hole(first: $0, last: $0, reason: .unjournaled) }
                    holes.sort { $0.first < $1.first }
                }
                return ReplayPage(entries: entries, holes: holes, through: last)
            }
        }
    }

    private static let columns = """
        message.seq, message.prev, topic.name, topic.query, topic.stream, message.body, event.name AS event, event.phase,
        event.snapshot
        """

    /// Returns the SQL of a replay: with a filter by query or stream, it finds messages by topic, otherwise in order.
    private static func sql(_ filter: MessageFilter) -> String {
        let conditions = """
            (:prefix IS NULL OR substr(topic.name, 1, length(:prefix)) = :prefix)
            AND (:query IS NULL OR topic.query = :query) AND (:stream IS NULL OR topic.stream = :stream)
            AND \(seen(filter))
            """
        let joined = "JOIN topic ON topic.id = message.topic LEFT JOIN event ON event.id = message.event"
        if filter.query == nil, filter.stream == nil {
            return """
                SELECT \(columns) FROM message \(joined) WHERE seq > :since AND seq <= :stored AND \(conditions)
                ORDER BY seq LIMIT :limit
                """
        }
        return """
            SELECT \(columns) FROM (
                SELECT seq AS found FROM message INDEXED BY message_topic
                WHERE topic IN (SELECT id FROM topic WHERE \(conditions)) AND seq > :since AND seq <= :stored
                ORDER BY seq LIMIT :limit)
            JOIN message ON message.seq = found \(joined) ORDER BY message.seq
            """
    }

    /// Returns the SQL condition that a message is about a stream that the filter allows, or about a region of one.
    ///
    /// SQL's `GLOB` treats our patterns as we do, because names and patterns contain no brackets.
    private static func seen(_ filter: MessageFilter) -> String {
        guard let seen = filter.seen else { return "TRUE" }
        let watched = "coalesce(topic.stream, CASE WHEN topic.name GLOB 'stream.*' THEN substr(topic.name, 8) END)"
        func one(of key: String, _ patterns: [String]) -> String {
            let all = patterns.indices.map { "name GLOB :\(key)\($0)" }
            return all.isEmpty ? "FALSE" : "(" + all.joined(separator: " OR ") + ")"
        }
        return """
            EXISTS (SELECT 1 FROM (SELECT CASE instr(full, '/') WHEN 0 THEN full
                ELSE substr(full, 1, instr(full, '/') - 1) END AS name FROM (SELECT \(watched) AS full))
                WHERE \(one(of: "in", seen.included)) AND NOT \(one(of: "out", seen.excluded)))
            """
    }

    private func arguments(_ filter: MessageFilter, since: Int64, limit: Int) -> StatementArguments {
        var arguments: [String: (any DatabaseValueConvertible)?] = [
            "since": since, "limit": limit, "stored": stored.load(ordering: .acquiring),
            "prefix": filter.topicPrefix, "query": filter.query, "stream": filter.stream,
        ]
        for (key, patterns) in [("in", filter.seen?.included ?? []), ("out", filter.seen?.excluded ?? [])] {
            for (index, pattern) in patterns.enumerated() { arguments["\(key)\(index)"] = pattern }
        }
        return StatementArguments(arguments)
    }

    /// Makes a message from a row of the database; nil if the row is damaged.
    private func entry(_ row: Row, _ bodies: StoredBodies) throws -> Entry? {
        guard let body = try bodies.unpack(row["body"]) else { return nil }
        let phase = (row["phase"] as String?).flatMap { EventMark.Phase(rawValue: $0) }
        let mark = (row["event"] as String?).map { event in
            let snapshot = row["snapshot"] as String?
            return EventMark(
                id: event, phase: phase ?? .update,
                snapshot: snapshot == Schema.ownSnapshot ? snapshots?.path(event) : snapshot)
        }
        return Entry(
            seq: row["seq"], prev: row["prev"], topic: row["name"], query: row["query"], stream: row["stream"],
            event: mark, body: body)
    }

    /// Returns the newest message of each event that has not ended, in the order in which the events began.
    package func openEvents() throws(JournalError) -> [Entry] {
        try doing("events cannot be read") {
            try database.read { database in
                let bodies = StoredBodies(database)
                return try Row.fetchAll(
                    database,
                    sql: """
                        SELECT \(Self.columns) FROM event JOIN message ON message.seq = event.last
                        JOIN topic ON topic.id = message.topic WHERE event.phase <> 'end' ORDER BY event.first
                        """
                ).compactMap { try entry($0, bodies) }
            }
        }
    }

    /// Returns the newest message of an event; nil if the journal has no event of that name.
    package func newest(ofEvent name: String) throws(JournalError) -> Entry? {
        try doing("event \"\(name.prefix(64))\" cannot be read") {
            try database.read { database in
                try Row.fetchOne(
                    database,
                    sql: """
                        SELECT \(Self.columns) FROM event JOIN message ON message.seq = event.last
                        JOIN topic ON topic.id = message.topic WHERE event.name = ?
                        """, arguments: [name]
                ).flatMap { try entry($0, StoredBodies(database)) }
            }
        }
    }

    static func eventNames(_ database: any DatabaseWriter) throws -> Set<String> {
        try database.read { try Set(String.fetchAll($0, sql: "SELECT name FROM event")) }
    }

    /// Adds a hole (a range of lost numbers); adjacent holes of the same reason are joined.
    static func record(_ hole: Hole, _ database: Database) throws {
        var hole = hole
        let neighbours = try Row.fetchAll(
            database, sql: "SELECT first, last FROM hole WHERE reason = ? AND (last = ? OR first = ?)",
            arguments: [hole.reason.rawValue, hole.first &- 1, hole.last &+ 1])
        for row in neighbours {
            hole.first = min(hole.first, row["first"])
            hole.last = max(hole.last, row["last"])
            try database.execute(sql: "DELETE FROM hole WHERE first = ?", arguments: [row["first"] as Int64])
        }
        try database.execute(
            sql: "INSERT INTO hole (first, last, reason) VALUES (?, ?, ?)",
            arguments: [hole.first, hole.last, hole.reason.rawValue])
    }
}
