import Foundation
import GRDB
import Journal
import Testing

@Suite("A journal that was restored")
struct ContinuityTests {
    /// Makes a journal of `count` messages; returns its path and identity.
    private func made(_ count: Int, _ path: String = temporary()) throws -> (path: String, identity: String) {
        let journal = try Journal(path: path)
        for _ in 0..<count { _ = try journal.append([message("a")]) }
        journal.checkpoint()
        return (path, journal.identity)
    }

    private func folder(_ path: String) -> URL { URL(filePath: path).deletingLastPathComponent() }

    /// Copies the journal as `.backup` does.
    private func backup(_ path: String) throws -> String {
        let copy = folder(path).appending(path: "backup-\(UUID())").path
        let (from, to) = (try DatabaseQueue(path: path), try DatabaseQueue(path: copy))
        try from.backup(to: to)
        try from.close()
        try to.close()
        return copy
    }

    /// Restores a copy in the journal's place: over its bytes, or as another file.
    private func restore(_ copy: String, _ path: String, inPlace: Bool) throws {
        for part in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + part) }
        if inPlace {
            let file = try FileHandle(forWritingTo: URL(filePath: path))
            try file.truncate(atOffset: 0)
            try file.write(contentsOf: Data(contentsOf: URL(filePath: copy)))
            try file.close()
        } else {
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.copyItem(atPath: copy, toPath: path)
        }
    }

    @Test(
        "gives no number again that was published, and has another name since; what is gone is named",
        arguments: [true, false])
    func older(_ inPlace: Bool) throws {
        let (path, identity) = try made(25)
        let copy = try backup(path)
        _ = try made(28, path)
        try restore(copy, path, inPlace: inPlace)
        let journal = try Journal(path: path)
        #expect(journal.identity != identity && journal.damage == nil)
        #expect(journal.branches == [JournalBranch(identity: identity, seq: 53, isComplete: true)])
        #expect(journal.notes.count == 1 && journal.notes[0].contains("25"), "\(journal.notes)")
        #expect(try journal.append([message("a")]).map(\.seq) == [54])
        let page = try journal.replay(since: 20, limit: 100)
        #expect(page.entries.map(\.seq) == [21, 22, 23, 24, 25, 54])
        #expect(page.holes == [Hole(first: 26, last: 53, reason: .restored)])
    }

    @Test("keeps its name from then on, and knows its earlier ones when it is restored again")
    func again() throws {
        let (path, first) = try made(10)
        let copy = try backup(path)
        _ = try made(5, path)
        try restore(copy, path, inPlace: true)
        let second = try made(3, path).identity
        #expect(try made(0, path).identity == second)
        let later = try backup(path)
        _ = try made(4, path)
        try restore(later, path, inPlace: false)
        let journal = try Journal(path: path)
        #expect(![first, second].contains(journal.identity) && journal.lastSeq == 22)
        #expect(journal.branches.map(\.identity) == [first, second] && journal.branches.map(\.seq) == [15, 22])
    }

    @Test(
        "is another one too where nobody knows how far it was published: the file beside it is missing, or a copy"
    )
    func unknown() throws {
        for withSide in [false, true] {
            let (path, identity) = try made(25)
            let copy = try backup(path)
            let side = path + "-last"
            let kept = try Data(contentsOf: URL(filePath: side))
            _ = try made(28, path)
            try restore(copy, path, inPlace: false)
            try FileManager.default.removeItem(atPath: side)
            if withSide { try kept.write(to: URL(filePath: side)) }
            let journal = try Journal(path: path)
            #expect(journal.identity != identity && journal.lastSeq == 25)
            #expect(journal.branches == [JournalBranch(identity: identity, seq: 25, isComplete: false)])
            #expect(journal.notes.count == 1)
        }
    }

    @Test("a journal that was only started again, or moved with its folder, is the same one")
    func same() throws {
        let (path, identity) = try made(3)
        #expect(try Journal(path: path).identity == identity)
        let moved = FileManager.default.temporaryDirectory.appending(path: "moved-\(UUID())")
        try FileManager.default.moveItem(at: folder(path), to: moved)
        let journal = try Journal(path: moved.appending(path: "journal.sqlite").path)
        #expect(journal.identity == identity && journal.branches.isEmpty && journal.notes.isEmpty)
    }

    @Test("an empty journal that takes the place of a damaged one goes on after what was published, as one of its own")
    func damaged() throws {
        let (path, identity) = try made(30)
        try Data(repeating: 65, count: 9000).write(to: URL(filePath: path))
        let journal = try Journal(path: path)
        #expect(journal.damage != nil && journal.identity != identity && journal.lastSeq == 30)
        #expect(journal.branches == [JournalBranch(identity: identity, seq: 30, isComplete: true)])
    }

    @Test("pictures of events that it does not know are moved aside, not removed")
    func pictures() throws {
        let (path, _) = try made(1)
        let copy = try backup(path)
        do {
            let journal = try Journal(path: path)
            for event in ["KEPT", "OPEN"] {
                _ = try journal.write(snapshot: Data([1, 2]), event: event)
                _ = try journal.append([message(event: event, .start)])
            }
        }
        try restore(copy, path, inPlace: true)
        let journal = try Journal(path: path)
        let aside = try FileManager.default.contentsOfDirectory(atPath: path + ".d").filter { $0 != "snapshots" }
        try #require(aside.count == 1)
        let pictures = try FileManager.default.contentsOfDirectory(atPath: "\(path).d/\(aside[0])").sorted()
        #expect(pictures == ["KEPT.jpg", "OPEN.jpg"])
        #expect(journal.notes.contains { $0.contains("2 snapshots") && $0.contains(aside[0]) })
    }

    // MARK: The file beside it

    private static let wrong: [(name: String, bytes: [UInt8])] = [
        ("empty", []), ("a word", Array("nonsense\n".utf8)), ("negative", Array("-5\n".utf8)),
        ("2^63 - 1", Array("9223372036854775807\n".utf8)), ("2^63", Array("9223372036854775808\n".utf8)),
        ("20 digits", Array("99999999999999999999\n".utf8)), ("2^62", Array("4611686018427387904\n".utf8)),
        ("too far", Array("0000000900000000000\n".utf8)), ("NUL bytes", [UInt8](repeating: 0, count: 20)),
        ("huge", [UInt8](repeating: 0x31, count: 3_000_000)), ("a fraction", Array("12.5\n".utf8)),
        ("half of it", Array("0000000000000000005\n0000000000000000009\n".utf8)), ("not UTF-8", [0xFF, 0xFE, 0x31]),
    ]

    @Test(
        "a wrong file is put aside and said, and the journal goes on, at this start and the next",
        arguments: wrong.map(\.name))
    func wrongFile(_ name: String) throws {
        let bytes = try #require(Self.wrong.first { $0.name == name }).bytes
        let (path, identity) = try made(7)
        try Data(bytes).write(to: URL(filePath: path + "-last"))
        do {
            let journal = try Journal(path: path)
            #expect(journal.lastSeq == 7 && journal.identity != identity)
            #expect(journal.notes.first?.contains("\(path)-last was wrong") == true, "\(journal.notes)")
            #expect(try journal.append([message("a")]).map(\.seq) == [8])
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder(path).path)
        let aside = try #require(names.first { $0.contains("-last.bad-") })
        #expect(try Data(contentsOf: folder(path).appending(path: aside)) == Data(bytes))
        let journal = try Journal(path: path)
        #expect(journal.lastSeq == 8 && journal.notes.isEmpty)
    }

    @Test("so is a directory, or a pipe that nobody writes to", arguments: ["directory", "pipe"])
    func noFile(_ kind: String) throws {
        let (path, _) = try made(7)
        let side = path + "-last"
        try FileManager.default.removeItem(atPath: side)
        if kind == "pipe" {
            #expect(mkfifo(side, 0o600) == 0)
        } else {
            try FileManager.default.createDirectory(atPath: side + "/in", withIntermediateDirectories: true)
        }
        let journal = try Journal(path: path)
        #expect(try journal.append([message("a")]).map(\.seq) == [8])
        #expect(journal.notes.first?.contains("\(side) was wrong") == true, "\(journal.notes)")
    }

    @Test("what an older version wrote there is understood: nothing, or a number that was published and not stored")
    func olderVersion() throws {
        let (path, identity) = try made(7)
        try Data("0000000000000000000\n".utf8).write(to: URL(filePath: path + "-last"))
        do {
            let journal = try Journal(path: path)
            #expect(journal.lastSeq == 7 && journal.identity == identity && journal.notes.isEmpty)
        }
        try Data("0000000000000000009\n".utf8).write(to: URL(filePath: path + "-last"))
        let journal = try Journal(path: path)
        #expect(journal.lastSeq == 9 && journal.identity != identity)
    }
}
