import Foundation
import Journal
import Messaging
import Synchronization
import TestSupport
import Testing
import WireFormat

/// A program whose `disk` folder is a file system of 4 MB that can be filled: a tmpfs in its own namespace.
///
/// If that is not permitted, the growth of the program's files is limited instead (`RLIMIT_FSIZE`).
private final class SmallDisk: Sendable {
    private let shell: Process
    private let input = Pipe()
    private let output = Pipe()

    init(_ place: Place, _ command: [String]) throws {
        shell = Process()
        shell.executableURL = URL(filePath: "/bin/bash")
        let commands = """
            disk=$1; shift
            start() { "$@" & program=$!; }
            start "$@"; echo $kind
            while read word; do
                case $word in
                fill)
                    if [ $kind = tmpfs ]; then dd if=/dev/zero of=$disk/fill bs=4k status=none 2>/dev/null
                    else prlimit --pid $program --fsize=4096:unlimited; fi ;;
                free)
                    if [ $kind = tmpfs ]; then rm $disk/fill
                    else prlimit --pid $program --fsize=unlimited:unlimited; fi ;;
                kill) kill -9 $program; wait $program 2>/dev/null ;;
                start) start "$@" ;;
                esac
                echo $word
            done
            kill -9 $program
            """
        shell.arguments =
            [
                "-c",
                """
                if unshare -rm mount -t tmpfs -o size=4m disk "$2" 2>/dev/null; then
                    kind=tmpfs exec unshare -rm bash -c 'mount -t tmpfs -o size=4m disk "$1"; '"$1" bash "${@:2}"
                else kind=limit exec bash -c "$1" bash "${@:2}"; fi
                """, "bash", commands, place.folder.appending(path: "disk").path,
            ] + command
        shell.standardInput = input
        shell.standardOutput = output
        try shell.run()
    }

    deinit { try? input.fileHandleForWriting.close() }

    /// Sends a word, and waits for the same word as the answer.
    func tell(_ word: String? = nil) async throws -> String {
        try await blocking { [input, output] in
            if let word { try input.fileHandleForWriting.write(contentsOf: Data("\(word)\n".utf8)) }
            var line = Data()
            while true {
                let byte = output.fileHandleForReading.readData(ofLength: 1)
                if byte.isEmpty || byte == Data("\n".utf8) { return String(decoding: line, as: UTF8.self) }
                line += byte
            }
        }
    }

    func end() async throws {
        try input.fileHandleForWriting.close()
        #expect(try await until { !self.shell.isRunning })
    }
}

@Suite("A full disk", .serialized)
struct FullDiskTests {
    private func journal(_ place: Place) async throws -> (journaled: Bool, backlog: Int64, lost: Int64) {
        let journal = try await place.ask("status").result?["journal"]
        return (
            journal?["journaled"] == .bool(true), journal?["backlog"]?.integer ?? -1, journal?["lost"]?.integer ?? -1
        )
    }

    @Test("is reported; events are published all the same, and journaled in order when there is room again")
    func outlived() async throws {
        // Each has a disk of its own. They start one after the other: no process holds a pipe of another's, then.
        let all = try CrashTests.Victim.allCases.map { victim in
            let place = try Place()
            let command = try victim == .producer ? place.producer(lanes: 2, pause: 20) : place.daemon()
            return Outliving(victim: victim, place: place, disk: try SmallDisk(place, command))
        }
        try await together(all, atMost: 8) { one in try await expectOutlived(by: one.victim, one.place, one.disk) }
    }

    private struct Outliving: Sendable {
        let victim: CrashTests.Victim
        let place: Place
        let disk: SmallDisk
    }

    private func expectOutlived(by victim: CrashTests.Victim, _ place: Place, _ disk: SmallDisk) async throws {
        print("disk:", try await disk.tell())
        try #require(try await until { await place.seq() > 20 })
        let following = Following(place)
        for _ in 0..<2 {
            _ = try await disk.tell("fill")
            #expect(try await until { try await !self.journal(place).journaled })
            let seq = await place.seq()
            #expect(try await until { await place.seq() > seq + 50 })
            // Live, and for one who asks for what it missed.
            #expect(try await until { following.last > seq + 30 })
            let late = Following(place)
            #expect(try await until { late.last > seq + 30 })
            try await late.stop()
            let latest = late.messages.map(\.seq)
            #expect(try await until { following.messages.count >= latest.count })
            #expect(latest == following.messages.prefix(latest.count).map(\.seq))
            if victim == .daemon {
                // Larger than what may be left in the file.
                let notes = Dictionary(
                    uniqueKeysWithValues: (0..<60).map {
                        ("note-\($0)", JSONValue.string(String(repeating: "word ", count: 400)))
                    })
                let query: JSONValue = .object([
                    "id": .string("new"), "text": .string("a dog"), "threshold": .number(0.9),
                    "metadata": .object(notes),
                ])
                let reply = try await place.ask("query.add", query)
                #expect(reply.error?.message.contains("journal.sqlite") == true, "\(reply)")
                #expect(try await place.ask("query.get", .object(["id": .string("new")])).error?.code == "not-found")
            }
            _ = try await disk.tell("free")
            #expect(try await until { try await self.journal(place) == (true, 0, 0) })
        }
        let seq = await place.seq()
        #expect(try await until { following.last > seq - 10 })
        let page = try await place.ask("events.replay", .object(["limit": .integer(10_000)])).result?.array ?? []
        #expect(page.compactMap { $0["body"]?["seq"]?.integer } == Array(1...Int64(page.count)) && page.count > 100)
        let told = following.messages.map(\.seq)
        let stored = page.compactMap {
            $0["topic"]?.string?.hasPrefix("match.") == true ? $0["body"]?["seq"]?.integer : nil
        }
        #expect(told.prefix(stored.count) == stored.prefix(told.count)[...])
        #expect(!following.all.contains { if case .lost = $0 { true } else { false } })
        try await following.stop()
        try await disk.end()
    }

    @Test("that lasts for too long loses the oldest, counts them, and a replay says which")
    func bounded() async throws {
        let place = try Place()
        let disk = try SmallDisk(place, place.producer(lanes: 4, pause: 2, backlog: 40))
        _ = try await disk.tell()
        try #require(try await until { await place.seq() > 20 })
        _ = try await disk.tell("fill")
        #expect(try await until { try await self.journal(place).lost > 100 })
        #expect(try await self.journal(place).backlog <= 40)
        _ = try await disk.tell("free")
        #expect(try await until { try await self.journal(place).journaled })
        let lost = try await journal(place).lost
        let following = Following(place)
        let seq = await place.seq()
        #expect(try await until { following.last > seq })
        try await following.stop()
        var next: Int64 = 1
        var missing: Int64 = 0
        for told in following.all {
            switch told {
            case .message(let message):
                #expect(message.seq == next)
                next = message.seq + 1
            case .lost(let hole):
                #expect(hole.first == next && hole.reason == "unjournaled")
                missing += hole.last - hole.first + 1
                next = hole.last + 1
            default: Issue.record("\(told)")
            }
        }
        #expect(missing == lost)
        try await disk.end()
    }

    @Test("and a crash: no number is given twice")
    func crash() async throws {
        let place = try Place()
        let disk = try SmallDisk(place, place.producer(lanes: 2, pause: 10))
        _ = try await disk.tell()
        try #require(try await until { await place.seq() > 20 })
        let following = Following(place)
        _ = try await disk.tell("fill")
        #expect(try await until { try await self.journal(place).backlog > 50 })
        let seq = await place.seq()
        #expect(try await until { following.last >= seq })
        _ = try await disk.tell("kill")
        _ = try await disk.tell("free")
        let before = following.last
        _ = try await disk.tell("start")
        #expect(try await until { following.last > before + 50 })
        try await following.stop()
        let told = following.messages.map(\.seq)
        #expect(zip(told, told.dropFirst()).allSatisfy { $0 < $1 })
        #expect(!following.all.contains(.restarted))
        try await disk.end()
    }
}
