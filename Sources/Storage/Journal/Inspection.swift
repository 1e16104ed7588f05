import Foundation
import GRDB

/// Checks a database before it is used as the journal, without writing to it.
enum Inspection {
    private struct Refused: LocalizedError {
        let errorDescription: String?
    }

    /// Throws if the file is another program's database, was written by a newer version of Watchword, or is damaged.
    ///
    /// For a damaged file, it throws SQLite's own error. `head` is the file's first 100 bytes.
    static func check(_ path: String, head: [UInt8]) throws {
        guard !head.isEmpty else { return }
        guard head.count == 100, head.starts(with: Array("SQLite format 3\0".utf8)) else {
            throw DatabaseError(resultCode: .SQLITE_NOTADB, message: "file is not a database")
        }
        // Bytes 68 to 71 are SQLite's application id, which Watchword leaves at 0.
        guard head[68..<72].allSatisfy({ $0 == 0 }) else { throw foreign("its application id is another program's") }
        let parts = ["-wal", "-shm"].filter { !FileManager.default.fileExists(atPath: path + $0) }
        do {
            var configuration = GRDB.Configuration()
            configuration.readonly = true
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            defer { try? queue.close() }
            try queue.read { try check($0) }
        } catch let refused as Refused {
            // Reading created these files, and no other process uses the database.
            for part in parts { unlink(path + part) }
            throw refused
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CANTOPEN {
            // SQLite cannot open this file read-only, because files are missing that it creates when it opens it for
            // writing. The file is checked then.
            return
        }
    }

    private static func check(_ database: Database) throws {
        let tables = try String.fetchAll(
            database, sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        guard !tables.isEmpty else { return }
        guard tables.contains("grdb_migrations"), tables.contains("message") else {
            throw foreign("it has a table \"\(tables.sorted()[0].prefix(40))\", and no messages")
        }
        let known = Set(Schema.migrations.migrations)
        let applied = try String.fetchAll(database, sql: "SELECT identifier FROM grdb_migrations ORDER BY rowid")
        let newer = applied.filter { !known.contains($0) }
        guard newer.isEmpty else {
            let names = newer.prefix(3).map { "\"\($0.prefix(40))\"" }.joined(separator: ", ")
            throw Refused(
                errorDescription:
                    "a newer version of Watchword wrote it (its tables have \(names), which this version does not "
                    + "know); install that version again, or restore the journal from before the upgrade")
        }
    }

    private static func foreign(_ why: String) -> any Error {
        Refused(errorDescription: "it is another program's database (\(why)); name another file as the journal")
    }

    /// Throws if a table or index differs from what this version creates.
    static func checkTables(_ database: Database) throws {
        let expected = try DatabaseQueue()
        try Schema.migrations.migrate(expected)
        let wanted = try expected.read(tables)
        let found = try tables(database)
        for (name, sql) in wanted.sorted(by: { $0.key < $1.key }) where found[name] != sql {
            throw Refused(
                errorDescription:
                    "\"\(name)\" is \(found[name] == nil ? "missing" : "another one than this version makes"); "
                    + "restore the journal, or name another file")
        }
    }

    private static func tables(_ database: Database) throws -> [String: String] {
        let rows = try Row.fetchAll(
            database, sql: "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
        return Dictionary(rows.map { ($0["name"], $0["sql"]) }) { first, _ in first }
    }

    /// Throws if the first or the last message has an impossible number, which means that the file is damaged.
    static func checkNumbers(_ database: Database) throws {
        guard let row = try Row.fetchOne(database, sql: "SELECT min(seq) AS first, max(seq) AS last FROM message"),
            let first = row["first"] as Int64?, let last = row["last"] as Int64?
        else { return }
        guard first >= 1, last <= Numbers.most else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT, message: "messages have numbers from \(first) to \(last)")
        }
    }
}
