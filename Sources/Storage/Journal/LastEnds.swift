package import Foundation
import GRDB

extension Journal {
    /// A message about the end of an event that is the newest message of its topic.
    package struct LastEnd: Sendable, Equatable {
        package let query: String
        package let stream: String
        /// The time at which the message was stored, in seconds since 1970.
        package let stored: Double
        package let body: Data
    }

    /// Returns the messages about ends of events that are the newest of their topics and not older than `since`.
    ///
    /// `since` is the time of storing, in seconds since 1970.
    package func lastEnds(since: Double) throws(JournalError) -> [LastEnd] {
        try doing("the last events cannot be read") {
            try database.read { database in
                let bodies = StoredBodies(database)
                return try Row.fetchAll(
                    database,
                    sql: """
                        SELECT topic.query, topic.stream, message.time, message.body
                        FROM topic JOIN message ON message.seq = topic.last JOIN event ON event.id = message.event
                        WHERE event.phase = 'end' AND event.last = message.seq AND message.time >= ?
                            AND topic.query IS NOT NULL AND topic.stream IS NOT NULL
                        ORDER BY message.seq
                        """, arguments: [since]
                ).compactMap { row in
                    // A message that cannot be read because its row is damaged is left out.
                    guard let body = try bodies.unpack(row["body"]) else { return nil }
                    return LastEnd(query: row["query"], stream: row["stream"], stored: row["time"], body: body)
                }
            }
        }
    }
}
