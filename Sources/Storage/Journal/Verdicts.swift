import Foundation
import GRDB

/// A person's verdict on an event: whether the alert was right or wrong.
package enum Verdict: String, Sendable, CaseIterable {
    case right, wrong
}

/// The numbers of a query's events that people marked as right and as wrong.
package struct VerdictCounts: Sendable, Equatable, Codable {
    package var right = 0
    package var wrong = 0

    package init(right: Int = 0, wrong: Int = 0) { (self.right, self.wrong) = (right, wrong) }
}

extension Journal {
    /// Returns the query and the stream of an event; nil if the journal has no event of that name.
    package func owner(ofEvent name: String) throws(JournalError) -> (query: String, stream: String)? {
        try doing("event \"\(name)\" cannot be read") {
            try database.read { database in
                let row = try Row.fetchOne(
                    database, sql: "SELECT query, stream FROM event WHERE name = ?", arguments: [name])
                guard let query: String = row?["query"], let stream: String = row?["stream"] else { return nil }
                return (query, stream)
            }
        }
    }

    /// Saves a person's verdict on an event (right or wrong), replacing the previous one; nil removes it.
    ///
    /// A verdict outlives its event, because old messages are removed but verdicts are not.
    package func save(_ verdict: Verdict?, event: String, query: String, stream: String) throws(JournalError) {
        try doing("the verdict on event \"\(event)\" cannot be written") {
            try database.write { database in
                guard let verdict else {
                    return try database.execute(sql: "DELETE FROM verdict WHERE event = ?", arguments: [event])
                }
                try database.execute(
                    sql: "INSERT OR REPLACE INTO verdict (event, query, stream, verdict, time) VALUES (?, ?, ?, ?, ?)",
                    arguments: [event, query, stream, verdict.rawValue, Date().timeIntervalSince1970])
            }
        }
    }

    /// Returns the numbers of right and wrong events of each query that has verdicts.
    package func verdicts() throws(JournalError) -> [String: VerdictCounts] {
        try doing("verdicts cannot be read") {
            try database.read { database in
                var counts: [String: VerdictCounts] = [:]
                let rows = try Row.fetchAll(
                    database, sql: "SELECT query, verdict, count(*) AS n FROM verdict GROUP BY query, verdict")
                for row in rows {
                    let (query, word, count): (String, String, Int) = (row["query"], row["verdict"], row["n"])
                    switch Verdict(rawValue: word) {
                    case .right: counts[query, default: VerdictCounts()].right = count
                    case .wrong: counts[query, default: VerdictCounts()].wrong = count
                    case nil: break
                    }
                }
                return counts
            }
        }
    }

    /// Returns the query's events that people marked as right or wrong, at most `limit`, the newest verdicts first.
    package func marked(of query: String, limit: Int) throws(JournalError) -> [(event: String, verdict: Verdict)] {
        try doing("verdicts cannot be read") {
            try database.read { database in
                try Row.fetchAll(
                    database, sql: "SELECT event, verdict FROM verdict WHERE query = ? ORDER BY time DESC LIMIT ?",
                    arguments: [query, limit]
                ).compactMap { row in
                    Verdict(rawValue: row["verdict"]).map { (event: row["event"] as String, verdict: $0) }
                }
            }
        }
    }

    /// Returns the ids of all events that people marked as right, or as wrong.
    package func marked(as verdict: Verdict) throws(JournalError) -> Set<String> {
        try doing("verdicts cannot be read") {
            try database.read { database in
                try String.fetchSet(
                    database, sql: "SELECT event FROM verdict WHERE verdict = ?", arguments: [verdict.rawValue])
            }
        }
    }
}
