import Foundation
import Journal
import TestSupport
import Testing

/// The names in a journal's folder, and the bytes of the journal.
private func contents(_ path: String) throws -> (names: [String], bytes: Data) {
    let folder = URL(filePath: path).deletingLastPathComponent().path
    return (
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted(), try Data(contentsOf: URL(filePath: path))
    )
}

@Suite("A journal's lock")
struct LockTests {
    /// Makes a journal with a message, and lets another process lock it, as a daemon does.
    private func locked() async throws -> (path: String, owner: Program) {
        let path = temporary()
        _ = try Journal(path: path).append([message("a")])
        let hold =
            "import fcntl, sys, time; f = open(sys.argv[1], 'rb+'); fcntl.flock(f, fcntl.LOCK_EX); "
            + "print('held', flush=True); time.sleep(1000)"
        let owner = try Program("/usr/bin/python3", ["-c", hold, path])
        #expect(try await owner.line() == "held")
        return (path, owner)
    }

    @Test("a journal that another process has is refused by a sentence that names both, and nothing is written")
    func refused() async throws {
        let (path, owner) = try await locked()
        let before = try contents(path)
        do {
            _ = try Journal(path: path)
            Issue.record("it was opened")
        } catch {
            #expect(error.isInUse && error.description.contains(path), "\(error)")
            #expect(error.description.contains("process \(owner.identifier)"), "\(error)")
        }
        let after = try contents(path)
        #expect(after == before)
    }

    /// Source of the right values: proc_locks(5); makedev(3): the device 0xFD01 is 253:1, 0x802 is 8:2.
    @Test("the process that holds a lock is that of the file's inode on its own device")
    func holders() {
        let locks = KernelLocks(
            """
            1: FLOCK  ADVISORY  WRITE 11 08:02:5678 0 EOF
            2: POSIX  ADVISORY  WRITE 12 fd:01:5678 0 EOF
            2: -> FLOCK  ADVISORY  WRITE 13 fd:01:5678 0 EOF
            3: FLOCK  ADVISORY  WRITE 14 fd:01:5678 0 EOF
            4: FLOCK  ADVISORY  WRITE 15 00:2a:99 0 EOF
            5: FLOCK  ADVISORY  WRITE 0 08:02:7 0 EOF
            no line of it

            """)
        #expect(locks.holder(device: 0xFD01, inode: 5678) == 14)
        #expect(locks.holder(device: 0x802, inode: 5678) == 11)
        #expect(locks.holder(device: 0x803, inode: 5678) == nil && locks.holder(device: 0x802, inode: 7) == nil)
        // On a file system without a device the list may have another number; two locks of one inode decide nothing.
        #expect(locks.holder(device: 0x2B, inode: 99) == 15 && locks.holder(device: 0x802, inode: 99) == 15)
        #expect(locks.holder(device: 0x2B, inode: 5678) == nil)
    }

    @Test("it is refused under every name of the same file", arguments: ["hard", "symbolic", "folder"])
    func links(_ kind: String) async throws {
        let (path, owner) = try await locked()
        let folder = URL(filePath: path).deletingLastPathComponent()
        // Links in a directory that everybody may write to are trusted nowhere.
        let own = FileManager.default.temporaryDirectory.appending(path: "links-\(UUID())")
        try FileManager.default.createDirectory(
            at: own, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let other = own.appending(path: "link")
        let name: String
        switch kind {
        case "folder":
            try FileManager.default.createSymbolicLink(at: other, withDestinationURL: folder)
            name = other.appending(path: "journal.sqlite").path
        case "hard":
            name = other.path
            try FileManager.default.linkItem(atPath: path, toPath: name)
        default:
            name = other.path
            try FileManager.default.createSymbolicLink(atPath: name, withDestinationPath: path)
        }
        #expect { try Journal(path: name) } throws: { ($0 as? JournalError)?.isInUse == true }
        withExtendedLifetime(owner) {}
    }

    @Test("the kernel lets go of it when its process is killed")
    func killed() async throws {
        let (path, owner) = try await locked()
        #expect(throws: JournalError.self) { try Journal(path: path) }
        owner.kill()
        _ = try await owner.rest()
        #expect(try await owner.terminate() != 0)
        #expect(try Journal(path: path).append([message("a")]).map(\.seq) == [2])
    }

    @Test("a journal that was let go in this process can be had by another, and copied by SQLite while it is had")
    func released() async throws {
        let path = temporary()
        var journal: Journal? = try Journal(path: path)
        _ = try journal?.append([message("a")])
        let attempt =
            "import fcntl, sys; fcntl.flock(open(sys.argv[1], 'rb+'), fcntl.LOCK_EX | fcntl.LOCK_NB); print('had')"
        #expect(try await Program("/usr/bin/python3", ["-c", attempt, path]).rest() == "")
        let copy =
            "import sqlite3, sys; d = sqlite3.connect(sys.argv[2]); sqlite3.connect(sys.argv[1]).backup(d); "
            + "print(d.execute('SELECT count(*) FROM message').fetchone()[0])"
        #expect(try await Program("/usr/bin/python3", ["-c", copy, path, path + ".copy"]).rest() == "1\n")
        _ = try journal?.append([message("a")])
        journal = nil
        #expect(try await Program("/usr/bin/python3", ["-c", attempt, path]).rest() == "had\n")
    }
}
