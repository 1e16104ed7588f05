import Foundation
import Journal
import Messaging
import TestSupport
import Testing
import WireFormat

@Suite("Drills: which journal it is", .serialized)
struct JournalDrills {
    /// Runs a command to its end; returns its exit code and its output.
    private func ends(_ command: [String], _ place: Place) async throws -> (code: Int32, said: String) {
        let said = place.folder.appending(path: "said-\(UUID())").path
        let program = try Program("/bin/bash", ["-c", "exec \"$@\" 2>\"$0\"", said] + command)
        let ended = try await until { !program.isRunning }
        try #require(ended, "\(command) goes on")
        let code = try await program.terminate()
        return (code, try String(contentsOfFile: said, encoding: .utf8))
    }

    private func names(_ folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    @Test("a second daemon on one journal is refused before it takes a socket; the first goes on, and may be killed")
    func second() async throws {
        let place = try Place()
        let command = place.producer(lanes: 2, pause: 5)
        let first = try Program(command[0], Array(command.dropFirst()))
        try #require(try await until { await place.seq() > 20 })
        // Another configuration, with sockets of its own, and the journal under another name.
        var other = try Place()
        let link = other.folder.appending(path: "link.sqlite").path
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: place.journal)
        other = Place(other, journal: link)
        for named in [try Drilled.command(other), other.producer(lanes: 1, pause: 5)] {
            let (code, said) = try await ends(named, other)
            #expect(code != 0 && said.contains(link) && said.contains("process \(first.identifier)"), "\(code) \(said)")
            if named[0].hasSuffix("watchwordd") {
                #expect(code == 69 && said.split(separator: "\n").count == 1, "\(code) \(said)")
            }
            #expect(try !names(other.folder).contains { ["c", "e"].contains($0) })
        }
        let seq = await place.seq()
        #expect(try await until { await place.seq() > seq + 20 })
        first.kill()
        #expect(try await until { !first.isRunning })
        // Its lock is gone with it: another has the journal at once, and every number is there once.
        let next = try Drilled(other)
        try await next.ready()
        try await next.end()
        try expectWhole(place.entries())
    }

    @Test("a second daemon on one socket is refused, and the first keeps its socket")
    func socket() async throws {
        let place = try Place()
        let command = place.producer(lanes: 1, pause: 20)
        let first = try Program(command[0], Array(command.dropFirst()))
        try #require(try await until { await place.seq() > 5 })
        let other = Place(place, journal: place.folder.appending(path: "other/journal.sqlite").path)
        let (code, said) = try await ends(try Drilled.command(other), other)
        #expect(code == 69 && said.contains("is in use by another process"), "\(code) \(said)")
        let seq = await place.seq()
        #expect(try await until { await place.seq() > seq + 5 })
        withExtendedLifetime(first) {}
    }

    @Test("a journal of a newer version, or of another program, is refused by a sentence; no socket, no byte written")
    func refused() async throws {
        for sql in ["INSERT INTO grdb_migrations VALUES ('from the future')", "DROP TABLE grdb_migrations"] {
            let place = try Place()
            do { _ = try Journal(path: place.journal) }
            let change =
                "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.executescript(sys.argv[2]); d.close()"
            _ = try await Program("/usr/bin/python3", ["-c", change, place.journal, sql]).rest()
            let disk = place.folder.appending(path: "disk")
            let (bytes, before) = (try Data(contentsOf: URL(filePath: place.journal)), try names(disk))
            let (code, said) = try await ends(try Drilled.command(place), place)
            #expect(code == 78 && said.contains(place.journal) && said.split(separator: "\n").count == 1, "\(said)")
            #expect(try Data(contentsOf: URL(filePath: place.journal)) == bytes)
            let after = try names(disk)
            #expect(after == before)
            #expect(try !names(place.folder).contains { ["c", "e"].contains($0) })
        }
    }

    @Test("a wrong number beside the journal stops no start, neither this nor the next")
    func wrongNumber() async throws {
        let place = try Place()
        do { _ = try Journal(path: place.journal) }
        try Data("9223372036854775807\n".utf8).write(to: URL(filePath: place.journal + "-last"))
        for _ in 0..<2 {
            let daemon = try Drilled(place)
            try await daemon.ready()
            let status = try await place.ask("status").result?["journal"]
            #expect(status?["journaled"] == .bool(true))
            try await daemon.end()
        }
        #expect(try names(place.folder.appending(path: "disk")).count { $0.contains("-last.bad-") } == 1)
    }

    private enum Restored: String, CaseIterable { case besideTheNumber, withoutIt, wholeFolder, inPlace }

    @Test("followers of a journal that is restored are told, and lose nothing")
    func restored() async throws {
        // Each way has a place of its own, and mostly waits for it.
        try await together(Restored.allCases, atMost: 8) { kind in try await expectTold(kind) }
    }

    /// Starts a client that follows all events, with files of what it says to people and what it hears.
    private func client(of place: Place, said: String, heard: String) throws -> Program {
        try Program(
            "/bin/bash",
            [
                "-c", "exec \"$0\" events --since 0 --follow --publish \"$1\" --control \"$2\" >\"$4\" 2>\"$3\"",
                Fixtures.plugins + "/watchword", place.publish, place.control, said, heard,
            ])
    }

    private func expectTold(_ kind: Restored) async throws {
        let place = try Place()
        let command = place.producer(lanes: 2, pause: 10)
        let first = try Program(command[0], Array(command.dropFirst()))
        #expect(try await until { (try? await place.ask("events.open"))?.ok == true })
        let following = Following(place)
        let (said, heard) = (place.folder.appending(path: "told").path, place.folder.appending(path: "heard").path)
        let client = try client(of: place, said: said, heard: heard)
        // Who has not heard the first journal cannot find that it is another one later.
        let output = URL(filePath: heard)
        #expect(try await until { following.last > 40 && (try? Data(contentsOf: output))?.isEmpty == false })
        // The copy is of a journal that nobody writes: a folder as it lies there.
        first.kill()
        #expect(try await until { !first.isRunning })
        let disk = place.folder.appending(path: "disk")
        let backup = place.folder.appending(path: "backup")
        try FileManager.default.copyItem(at: disk, to: backup)
        let saved = Place(place, journal: backup.appending(path: "journal.sqlite").path)
        let common = try entries(saved).map(\.seq).max() ?? 0
        let fast = place.producer(lanes: 8, pause: 2)
        let second = try Program(fast[0], Array(fast.dropFirst()))
        #expect(try await until { following.last > common + 800 })
        second.kill()
        #expect(try await until { !second.isRunning })
        // What was journaled, and not yet published when it was killed, nobody has heard.
        let known = max(following.last, try entries(place).last?.seq ?? 0)
        try restore(backup, disk, kind)
        // It is asked again under numbers that it knows, and goes past them.
        let third = try Program(command[0], Array(command.dropFirst()))
        #expect(try await until { following.last > known + 100 && following.all.contains(.restarted) })
        #expect(
            try await until {
                try String(contentsOfFile: said, encoding: .utf8).contains("the daemon has another journal than before")
            })
        try await following.stop()
        third.kill()
        #expect(try await until { !third.isRunning })
        client.kill()

        let told = following.all
        let turn = try #require(told.firstIndex(of: .restarted))
        guard case .resumed(let after) = told[turn + 1] else {
            Issue.record("\(told[turn + 1])")
            return
        }
        let isKnown = kind == .besideTheNumber
        #expect(isKnown ? after > common && after <= known : after <= common, "after \(after), \(known), \(common)")
        // From there on, it is told all that the journal has, once and in order.
        let stored = try entries(place).filter { $0.seq > after && $0.topic.hasPrefix("match.") }
        let rest = told[(turn + 2)...].compactMap { if case .message(let message) = $0 { message } else { nil } }
        #expect(rest.map(\.seq) == Array(stored.map(\.seq).prefix(rest.count)) && rest.count > 50)
        #expect(zip(rest, stored).allSatisfy { $0.body == $1.body })
        guard isKnown else { return }
        // Where it was known how far it was published, no number came twice.
        let numbers = following.messages.map(\.seq)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 })
    }

    private func entries(_ place: Place) throws -> [Entry] {
        try place.withCopiedJournal { try $0.replay(since: 0, limit: 1_000_000).entries }
    }

    private func restore(_ backup: URL, _ disk: URL, _ kind: Restored) throws {
        let manager = FileManager.default
        let parts = try names(backup).filter { $0 != "journal.sqlite-last" }
        switch kind {
        case .wholeFolder:
            try manager.removeItem(at: disk)
            try manager.copyItem(at: backup, to: disk)
        case .inPlace:
            // Every byte, and no file is another one: nothing at the start tells.
            for name in ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite-last"] {
                let file = try FileHandle(forWritingTo: disk.appending(path: name))
                try file.truncate(atOffset: 0)
                try file.write(contentsOf: Data(contentsOf: backup.appending(path: name)))
                try file.close()
            }
            try? manager.removeItem(at: disk.appending(path: "journal.sqlite-shm"))
        case .besideTheNumber, .withoutIt:
            for name in try names(disk) where name != "journal.sqlite-last" || kind == .withoutIt {
                try manager.removeItem(at: disk.appending(path: name))
            }
            for name in parts {
                try manager.copyItem(at: backup.appending(path: name), to: disk.appending(path: name))
            }
        }
    }

    @Test("a number beyond the newest is a sentence, and no claim about the journal", arguments: [true, false])
    func beyond(_ follow: Bool) async throws {
        let place = try Place()
        let command = place.producer(lanes: 1, pause: 50)
        let producer = try Program(command[0], Array(command.dropFirst()))
        try #require(try await until { await place.seq() > 5 })
        let found = try await run(
            "watchword",
            ["events", "--since", "99999999", "--publish", place.publish, "--control", place.control]
                + (follow ? ["--follow"] : []))
        #expect(found.code == 65 && found.out.isEmpty, "\(found)")
        #expect(found.err.contains("there is no message 99999999 yet") && !found.err.contains("new journal"))
        withExtendedLifetime(producer) {}
    }
}
