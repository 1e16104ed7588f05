import Foundation
import GRDB

/// The journal's tables, and the migrations of files of older versions.
enum Schema {
    static var migrations: DatabaseMigrator {
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
        migrator.registerMigration("2") { database in
            try database.execute(sql: second)
            try database.execute(
                sql: "UPDATE message SET time = ?", arguments: [Date().timeIntervalSince1970])
            try database.execute(
                sql:
                    "INSERT INTO state (id, seq, bytes, identity) SELECT 1, coalesce(max(seq), 0), \(weights), ? FROM message",
                arguments: [UUID().uuidString])
        }
        migrator.registerMigration("branches and clock") { database in
            try database.execute(
                sql: """
                    CREATE TABLE branch (
                        identity TEXT PRIMARY KEY, seq INTEGER NOT NULL, complete INTEGER NOT NULL) STRICT;
                    CREATE TABLE clock (
                        id INTEGER PRIMARY KEY CHECK (id = 1), believed REAL NOT NULL, since REAL NOT NULL,
                        until REAL NOT NULL, retired REAL NOT NULL) STRICT;
                    """)
        }
        migrator.registerMigration("verdicts") { database in
            try database.execute(
                sql: """
                    CREATE TABLE verdict (
                        event TEXT PRIMARY KEY, query TEXT NOT NULL, stream TEXT NOT NULL, verdict TEXT NOT NULL,
                        time REAL NOT NULL) STRICT;
                    CREATE INDEX verdict_query ON verdict (query);
                    """)
        }
        migrator.registerMigration("notifiers") { database in
            try database.execute(sql: "CREATE TABLE notifier (name TEXT PRIMARY KEY, json BLOB NOT NULL) STRICT")
        }
        migrator.registerMigration("packed bodies") { database in
            try database.execute(
                sql: """
                    CREATE TABLE dictionary (
                        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, body BLOB NOT NULL) STRICT
                    """)
        }
        migrator.registerMigration("fleet") { database in
            try database.execute(sql: "CREATE TABLE fleet (id TEXT PRIMARY KEY, json BLOB NOT NULL) STRICT")
        }
        return migrator
    }

    /// Stored in place of the path of an event's picture if the picture is at the usual path for that event.
    static let ownSnapshot = ""

    /// The bytes that each message adds to `state.bytes` besides its body, as an estimate for its rows and indexes.
    static let rowBytes = 100
    static let weights = "coalesce(sum(length(body) + \(rowBytes)), 0)"

    /// The SQL that makes the second version of the journal's tables from the first.
    ///
    /// The tables `state` (overall) and `topic` (by topic) keep the newest message numbers, and nothing is deleted from
    /// them, so numbers survive the removal of old messages. Events are derived from the old messages; all times become
    /// the time of migration.
    private static let second = """
        CREATE TABLE state (
            id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, bytes INTEGER NOT NULL, identity TEXT NOT NULL
        ) STRICT;
        CREATE TABLE topic (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, query TEXT, stream TEXT, last INTEGER NOT NULL) STRICT;
        CREATE INDEX topic_query ON topic (query);
        CREATE INDEX topic_stream ON topic (stream);
        CREATE TABLE event (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, query TEXT, stream TEXT, first INTEGER NOT NULL,
            last INTEGER NOT NULL, phase TEXT NOT NULL, snapshot TEXT) STRICT;
        CREATE INDEX event_open ON event (first) WHERE phase <> 'end';
        CREATE INDEX event_last ON event (last);
        CREATE TABLE hole (first INTEGER PRIMARY KEY, last INTEGER NOT NULL UNIQUE, reason TEXT NOT NULL) STRICT;
        CREATE TABLE calibration (
            query TEXT NOT NULL, stream TEXT NOT NULL, json BLOB NOT NULL, PRIMARY KEY (query, stream)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX calibration_stream ON calibration (stream);
        CREATE TABLE embedding_model (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE embedding (
            id INTEGER PRIMARY KEY, model INTEGER NOT NULL, key BLOB NOT NULL, vector BLOB NOT NULL) STRICT;
        CREATE UNIQUE INDEX embedding_key ON embedding (key, model);

        CREATE TEMP TABLE was AS
            SELECT seq, prev, topic, body, json_extract(text, '$.event') AS event, json_extract(text, '$.phase') AS phase,
                json_extract(text, '$.query.id') AS query, json_extract(text, '$.stream') AS stream
            FROM (SELECT *, CASE WHEN json_valid(CAST(body AS TEXT)) THEN CAST(body AS TEXT) ELSE '{}' END AS text
                FROM message);
        INSERT INTO topic (name, query, stream, last) SELECT topic, max(query), max(stream), max(seq) FROM was GROUP BY topic;
        INSERT INTO event (name, query, stream, first, last, phase)
            SELECT event, max(query), max(stream), min(seq), max(seq),
                CASE WHEN sum(phase = 'end') > 0 THEN 'end' ELSE 'update' END
            FROM was WHERE typeof(event) = 'text' GROUP BY event;
        DROP TABLE message;
        CREATE TABLE message (
            seq INTEGER PRIMARY KEY, prev INTEGER, topic INTEGER NOT NULL, event INTEGER, time REAL NOT NULL,
            body BLOB NOT NULL) STRICT;
        INSERT INTO message (seq, prev, topic, event, time, body)
            SELECT seq, prev, topic.id, event.id, 0, body
            FROM was JOIN topic ON topic.name = was.topic LEFT JOIN event ON event.name = was.event;
        CREATE INDEX message_topic ON message (topic, seq);
        DROP TABLE was;
        """
}
