import Foundation
import GRDB

/// The database's file: opened and checked, or moved aside if it is damaged.
enum JournalFile {
    struct Opened {
        let database: DatabasePool
        /// What was wrong, if another file was moved aside.
        var damage: String?
        /// The newest number that the damaged file had, if it could be read.
        var salvaged: Int64?
    }

    static func open(_ path: String) throws -> Opened {
        var salvaged: Int64?
        do {
            return Opened(database: try checked(path, &salvaged))
        } catch let error as DatabaseError where isDamage(error) {
            let aside = try moveAside(path)
            var none: Int64?
            return Opened(
                database: try checked(path, &none),
                damage:
                    "\(path) was damaged (\(error.message ?? "\(error)")) and is now \(aside); an empty journal took its place",
                salvaged: salvaged)
        }
    }

    private static func isDamage(_ error: DatabaseError) -> Bool {
        error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB
    }

    private static func checked(_ path: String, _ salvaged: inout Int64?) throws -> DatabasePool {
        var configuration = GRDB.Configuration()
        configuration.prepareDatabase { database in
            guard !database.configuration.readonly else { return }
            // Before the first table; a file that has tables gets it by VACUUM.
            try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_size_limit = 16777216")
        }
        // What streams were added with may hold their passwords; SQLite's files beside it follow its mode.
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        do {
            try pool.writeWithoutTransaction { database in
                // WAL alone would give up the newest commits when the power fails, and their numbers would come again.
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
            return pool
        } catch let error as DatabaseError where isDamage(error) {
            salvaged =
                (try? pool.read { try Int64.fetchOne($0, sql: "SELECT seq FROM state") })
                ?? (try? pool.read { try Int64.fetchOne($0, sql: "SELECT max(seq) FROM message") })
            try? pool.close()
            throw error
        }
    }

    /// Renames the file and those that belong to it; never over one that is there.
    private static func moveAside(_ path: String) throws -> String {
        let style = Date.ISO8601FormatStyle().year().month().day().time(includingFractionalSeconds: true)
            .dateSeparator(.omitted).timeSeparator(.omitted)
        let aside = "\(path).corrupt-\(Date().formatted(style))"
        for part in ["-wal", "-shm", ""] where FileManager.default.fileExists(atPath: path + part) {
            try FileManager.default.moveItem(atPath: path + part, toPath: aside + part)
        }
        return aside
    }
}

/// A few bytes beside the journal that can be written in place when the disk is full.
///
/// They hold the newest number that was published without being stored, or 0.
struct LastNumberFile {
    private let path: String

    /// Makes the file while there is room; a disk that is full already has none, and nothing is noted then.
    init(path: String) {
        self.path = path
        if !FileManager.default.fileExists(atPath: path) { write(0, flags: O_WRONLY | O_CREAT) }
    }

    var number: Int64 {
        guard let data = FileManager.default.contents(atPath: path) else { return 0 }
        return Int64(String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }

    func write(_ number: Int64) { write(number, flags: O_WRONLY) }

    func clear() { if number != 0 { write(0) } }

    private func write(_ number: Int64, flags: Int32) {
        let descriptor = Foundation.open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let digits = "\(number)"
        let line = Array((String(repeating: "0", count: max(0, 19 - digits.count)) + digits + "\n").utf8)
        guard pwrite(descriptor, line, line.count, 0) == line.count else { return }
        fdatasync(descriptor)
    }
}
