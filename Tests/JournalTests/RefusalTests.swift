import Foundation
import GRDB
import Journal
import Testing

/// Whom files are opened as, on this thread alone.
@_silgen_name("setfsuid") private func setfsuid(_ user: UInt32) -> Int32

@Suite("What cannot be the journal")
struct RefusalTests {
    private func folder(_ path: String) -> URL { URL(filePath: path).deletingLastPathComponent() }

    /// Makes a journal of three messages, and changes it by SQL.
    private func changed(_ sql: String) throws -> String {
        let path = temporary()
        do { _ = try Journal(path: path).append([message("a"), message("b"), message("a")]) }
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
        try queue.close()
        return path
    }

    private func refusal(_ path: String) throws -> String {
        let bytes = try Data(contentsOf: URL(filePath: path))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder(path).path).sorted()
        var said = ""
        do {
            _ = try Journal(path: path)
            Issue.record("it was opened")
        } catch { said = error.description }
        #expect(said.hasPrefix(path) && !said.contains("\n"), "\(said)")
        #expect(try Data(contentsOf: URL(filePath: path)) == bytes)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder(path).path).sorted() == names)
        return said
    }

    @Test("a journal of a newer version is refused before anything is written", arguments: ["3", "9", "a later table"])
    func newer(_ migration: String) throws {
        let path = try changed("INSERT INTO grdb_migrations (identifier) VALUES ('\(migration)')")
        let said = try refusal(path)
        #expect(said.contains("newer version") && said.contains("\"\(migration)\""), "\(said)")
    }

    @Test("so is a database of another program", arguments: [true, false])
    func foreign(_ isMarked: Bool) throws {
        let path = temporary()
        try FileManager.default.createDirectory(at: folder(path), withIntermediateDirectories: true)
        let queue = try DatabaseQueue(path: path)
        try queue.write { database in
            try database.execute(sql: "CREATE TABLE moz_cookies (id INTEGER PRIMARY KEY, value TEXT)")
            if isMarked { try database.execute(sql: "PRAGMA application_id = 252006675") }
        }
        try queue.close()
        #expect(try refusal(path).contains("another program's database"))
    }

    @Test(
        "a journal whose tables are others is refused by a sentence that names the table",
        arguments: [
            "DROP TABLE state; CREATE TABLE state (id, seq, bytes, identity)", "DROP TABLE hole",
            "DROP TABLE calibration; CREATE TABLE calibration (query, stream, json)", "DROP INDEX message_topic",
        ])
    func tables(_ sql: String) throws {
        let path = try changed(sql)
        #expect { try Journal(path: path) } throws: {
            "\($0)".contains("than this version makes") || "\($0)".contains("is missing")
        }
        #expect(FileManager.default.fileExists(atPath: path))
    }

    @Test("a directory, a pipe or a device is refused, and stays", arguments: ["directory", "pipe", "/dev/null"])
    func noFile(_ kind: String) throws {
        let path = kind.hasPrefix("/") ? kind : temporary()
        if kind == "directory" {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } else if kind == "pipe" {
            try FileManager.default.createDirectory(at: folder(path), withIntermediateDirectories: true)
            #expect(mkfifo(path, 0o600) == 0)
        }
        #expect { try Journal(path: path) } throws: { "\($0)".hasPrefix(path) }
        #expect(FileManager.default.fileExists(atPath: path))
    }

    @Test(
        "a newest number that cannot be is put right, under another name, and said",
        arguments: [Int64.max, .max - 1, -1, .min, 0, 1 << 53])
    func numbers(_ seq: Int64) throws {
        let path = try changed(
            "UPDATE state SET seq = \(seq == .min ? "-9223372036854775807 - 1" : "\(seq)"); "
                + "INSERT INTO hole VALUES (4, 9223372036854775807, 'unjournaled')"
        )
        let journal = try Journal(path: path)
        #expect(journal.lastSeq == 3 && journal.notes.contains { $0.contains("\(seq)") }, "\(journal.notes)")
        #expect(try journal.append([message("a")]).map(\.seq) == [4] && journal.seqs() == [1, 2, 3, 4])
        #expect(try journal.replay(since: 0, limit: 10).holes.isEmpty)
    }

    @Test(
        "other values that cannot be are put right or borne: nothing crashes",
        arguments: [
            "DELETE FROM state", "UPDATE state SET bytes = 9223372036854775807", "UPDATE state SET bytes = -7",
            "UPDATE state SET identity = ''", "UPDATE state SET identity = 'two words'",
            "UPDATE topic SET last = 9223372036854775807", "UPDATE message SET time = 9e999",
            "UPDATE message SET time = -9e99",
            "UPDATE message SET prev = -9223372036854775807", "UPDATE message SET topic = 99",
            "INSERT INTO hole VALUES (-9223372036854775807, 9223372036854775807, 'x')",
            "INSERT INTO hole VALUES (9, 2, '')",
            "INSERT INTO event (name, first, last, phase) VALUES ('E', -1, 9223372036854775807, 'nonsense')",
            "INSERT INTO clock VALUES (1, 9e999, -9e999, 9e999, 9e999)", "INSERT INTO clock VALUES (1, 5, 9, 2, 1e10)",
            "INSERT INTO branch VALUES ('', 9223372036854775807, -1)", "INSERT INTO query VALUES ('q', x'')",
        ])
    func values(_ sql: String) throws {
        let path = try changed(sql)
        let journal = try Journal(path: path)
        let seqs = try journal.append([message("a"), message(event: "E", .start), message(event: "E", .end)]).map(\.seq)
        #expect(seqs == [4, 5, 6])
        _ = try journal.openEvents()
        _ = try journal.replay(since: 0, limit: 100)
        _ = try journal.saved(.query)
        _ = try journal.prune(Retention(days: 1, megabytes: 1))
        _ = try journal.pruneWithoutClockCheck(Retention(days: 0, megabytes: 0), now: Date(timeIntervalSinceNow: 9e9))
        #expect(try Journal(path: path).lastSeq == 6)
    }

    @Test(
        "messages whose numbers cannot be are damage: the file is moved aside whole",
        arguments: ["9223372036854775807", "-3"])
    func messages(_ seq: String) throws {
        let path = try changed("UPDATE message SET seq = \(seq) WHERE seq = 3")
        let journal = try Journal(path: path)
        #expect(journal.damage != nil)
        #expect(try journal.append([message("a")]).count == 1)
    }

    /// Runs `body` as another user, on a thread that ends afterwards; files private to their owner are closed to it.
    private func asNobody<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            Thread {
                // Of this thread alone.
                if geteuid() == 0 { _ = setfsuid(65_534) }
                continuation.resume(with: Result { try body() })
            }.start()
        }
    }

    @Test(
        "a journal that belongs to another user is refused by a sentence with the command that mends it",
        // One's own number beside the journal is put aside, whatever its mode: only root can make it another's.
        arguments: ["", "-wal", ".d"] + (geteuid() == 0 ? ["-last"] : []))
    func ownership(_ part: String) async throws {
        // In a directory of a directory of one's own, where the group may write: that is trusted.
        let inner = folder(temporary()).appending(path: "inner")
        try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
        let path = inner.appending(path: "journal.sqlite").path
        do { _ = try Journal(path: path).append([message("a")]) }
        try FileManager.default.setAttributes([.posixPermissions: 0o770], ofItemAtPath: folder(path).path)
        let isRoot = geteuid() == 0
        for name in ["", "-wal", "-shm", "-last", ".d", ".d/snapshots"] {
            let file = path + name
            if name.hasPrefix(".d") {
                try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: true)
            } else if !FileManager.default.fileExists(atPath: file) {
                try Data().write(to: URL(filePath: file))
            }
            let mode = name.hasPrefix(part) && (part != "" || name == "") ? 0o500 : 0o770
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
            if isRoot { try FileManager.default.setAttributes([.ownerAccountID: 12_345], ofItemAtPath: file) }
        }
        let said = try await asNobody { () -> String in
            do {
                _ = try Journal(path: path)
                return ""
            } catch { return "\(error)" }
        }
        #expect(said.hasPrefix("\(path): the journal cannot be opened: \(path)\(part) belongs to user"), "\(said)")
        #expect(said.contains("chown -R ") && !said.contains("\n"), "\(said)")
    }
}
