import Foundation
import GRDB
import SystemSupport

extension Journal {
    /// Returns messages after `since`, oldest first, at most `limit`, and the holes among them.
    ///
    /// The holes reach to the last returned message, or to the end if there are no more messages.
    package func replay(
        since: Int64, limit: Int, filter: MessageFilter = MessageFilter()
    ) throws(JournalError) -> ReplayPage {
        try doing("messages cannot be read") {
            try database.read { database in
                let bodies = StoredBodies(database)
                let rows = try Row.fetchAll(
                    database, sql: Self.sql(filter),
                    arguments: Self.arguments(filter, since: since, limit: limit))
                let entries = try rows.compactMap { try entry($0, bodies) }
                let through = rows.count < limit ? Int64.max : rows.last?["seq"] ?? .max
                var holes = try Row.fetchAll(
                    database, sql: "SELECT first, last, reason FROM hole WHERE last > ? AND first <= ? ORDER BY first",
                    arguments: [since, through]
                ).map {
                    Hole(
                        first: max($0["first"], since + 1), last: $0["last"],
                        reason: Hole.Reason(rawValue: $0["reason"]) ?? .unjournaled)
                }
                // A message whose row is damaged is missing; those after it are not.
                if entries.count < rows.count {
                    let read = Set(entries.map(\.seq))
                    let damaged = rows.map { $0["seq"] as Int64 }.filter { !read.contains($0) }
                    holes += damaged.map { Hole(first: $0, last: $0, reason: .unjournaled) }
                    holes.sort { $0.first < $1.first }
                }
                return ReplayPage(entries: entries, holes: holes)
            }
        }
    }

    private static let columns = """
        message.seq, message.prev, topic.name, topic.query, topic.stream, message.body, event.name AS event, event.phase,
        event.snapshot
        """

    /// The SQL of a replay: with a filter by query or stream, messages are found by topic, otherwise read in order.
    private static func sql(_ filter: MessageFilter) -> String {
        let conditions = """
            (:prefix IS NULL OR substr(topic.name, 1, length(:prefix)) = :prefix)
            AND (:query IS NULL OR topic.query = :query) AND (:stream IS NULL OR topic.stream = :stream)
            AND \(seen(filter))
            """
        let joined = "JOIN topic ON topic.id = message.topic LEFT JOIN event ON event.id = message.event"
        if filter.query == nil, filter.stream == nil {
            return """
                SELECT \(columns) FROM message \(joined) WHERE seq > :since AND \(conditions) ORDER BY seq LIMIT :limit
                """
        }
        return """
            SELECT \(columns) FROM (
                SELECT seq AS found FROM message INDEXED BY message_topic
                WHERE topic IN (SELECT id FROM topic WHERE \(conditions)) AND seq > :since ORDER BY seq LIMIT :limit)
            JOIN message ON message.seq = found \(joined) ORDER BY message.seq
            """
    }

    /// The condition that a message is of a stream that is seen, or of a region of one.
    ///
    /// `GLOB` gives patterns our meaning, since no name and no pattern holds a bracket.
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

    private static func arguments(_ filter: MessageFilter, since: Int64, limit: Int) -> StatementArguments {
        var arguments: [String: (any DatabaseValueConvertible)?] = [
            "since": since, "limit": limit, "prefix": filter.topicPrefix, "query": filter.query,
            "stream": filter.stream,
        ]
        for (key, patterns) in [("in", filter.seen?.included ?? []), ("out", filter.seen?.excluded ?? [])] {
            for (index, pattern) in patterns.enumerated() { arguments["\(key)\(index)"] = pattern }
        }
        return StatementArguments(arguments)
    }

    /// Reads a message; nil if its row is damaged.
    private func entry(_ row: Row, _ bodies: StoredBodies) throws -> Entry? {
        let body: Data
        do { body = try bodies.unpack(row["body"]) } catch is StoredBodies.Unreadable { return nil }
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

    /// The newest message of each event that has not ended, oldest event first.
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

    /// The newest message of an event; nil if the journal knows no event of that name.
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

    /// Adds a hole; if it continues one of the same reason, both are joined.
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
