import Foundation
import GRDB

/// Opens the journal's database file: locks, inspects and checks it, and moves it aside if it is damaged.
enum JournalFile {
    struct Opened {
        /// The file's real path, after following links.
        let path: String
        let lock: JournalLock
        let database: DatabasePool
        /// The damage, and the new path of the file that was moved aside, as a sentence; nil if the file was whole.
        var damage: String?
        var aside: String?
        /// The newest message number in the damaged file; nil if it could not be read, or nothing was damaged.
        var salvaged: Int64?
    }

    /// Opens or creates the journal's database, and moves a damaged file aside.
    ///
    /// It throws, before anything is written, for a file that cannot be this daemon's journal: one that another process
    /// uses, that cannot be written, or that is of a newer version or another program.
    static func open(_ path: String) throws -> Opened {
        let lock = try JournalLock.take(path)
        let path = real(path)
        try FileAccess.check(path)
        var salvaged: Int64?
        do {
            try Inspection.check(path, head: lock.head(100))
            return Opened(path: path, lock: lock, database: try checked(path, &salvaged))
        } catch let error as DatabaseError where isDamage(error) {
            let aside = try moveAside(path)
            var none: Int64?
            let lock = try JournalLock.take(path)
            return Opened(
                path: path, lock: lock, database: try checked(path, &none),
                damage:
                    "\(path) was damaged (\(error.message ?? "\(error)")) and is now \(aside); an empty journal took its place",
                aside: aside, salvaged: salvaged)
        }
    }

    /// Returns the path after following links, because SQLite creates its additional files beside the real file.
    private static func real(_ path: String) -> String {
        guard let found = realpath(path, nil) else { return path }
        defer { free(found) }
        return String(cString: found)
    }

    private static func isDamage(_ error: DatabaseError) -> Bool {
        error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB
    }

    private static func checked(_ path: String, _ salvaged: inout Int64?) throws -> DatabasePool {
        var configuration = GRDB.Configuration()
        configuration.prepareDatabase { database in
            guard !database.configuration.readonly else { return }
            // This takes effect only before the first table is created; older files get it by VACUUM below.
            try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_size_limit = 16777216")
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        do {
            try pool.writeWithoutTransaction { database in
                // With WAL alone, a power failure could lose the newest commits, and their numbers would be used again.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                let problems = try String.fetchAll(database, sql: "PRAGMA quick_check(1)")
                guard problems == ["ok"] else {
                    throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: problems.first)
                }
                if try Int.fetchOne(database, sql: "PRAGMA auto_vacuum") != 2 {
                    try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL; VACUUM")
                }
            }
            try Schema.migrations.migrate(pool)
            try pool.read { database in
                try Inspection.checkTables(database)
                try Inspection.checkNumbers(database)
            }
            return pool
        } catch let error as DatabaseError where isDamage(error) {
            salvaged = salvage(pool)
            try? pool.close()
            throw error
        } catch {
            try? pool.close()
            throw error
        }
    }

    /// Returns the newest message number that can still be read from a damaged file; nil if none can.
    private static func salvage(_ pool: DatabasePool) -> Int64? {
        for sql in ["SELECT seq FROM state", "SELECT max(seq) FROM message"] {
            if let found = try? pool.read({ try Int64.fetchOne($0, sql: sql) }), (1...Numbers.most).contains(found) {
                return found
            }
        }
        return nil
    }

    /// Renames a database with its additional files, never over existing ones; returns the new path.
    private static func moveAside(_ path: String) throws -> String {
        let aside = "\(path).corrupt-\(FileNames.moment())"
        for part in ["-wal", "-shm", ""] where FileManager.default.fileExists(atPath: path + part) {
            try FileManager.default.moveItem(atPath: path + part, toPath: aside + part)
        }
        return aside
    }
}
