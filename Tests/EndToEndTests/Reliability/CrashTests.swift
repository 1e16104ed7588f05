import Foundation
import Journal
import Messaging
import SystemSupport
import TestSupport
import Testing
import WireFormat

/// The number of kills of a process: 10 in `make test`, 100 in `make drills`, or `WATCHWORD_KILLS`.
private let kills = ProcessInfo.processInfo.environment["WATCHWORD_KILLS"].flatMap { Int($0) } ?? 10

@Suite("After SIGKILL", .serialized)
struct CrashTests {
    enum Victim: String, CaseIterable { case producer, daemon }

    @Test("nothing committed is lost, nothing comes twice, and every event has its end")
    func killed() async throws {
        // Each has a place of its own; most of the time one of them starts.
        try await together(Victim.allCases, atMost: 8) { victim in try await expectAll(after: victim) }
    }

    private func expectAll(after victim: Victim) async throws {
        let place = try Place()
        let command = try victim == .producer ? place.producer(lanes: 8, pause: 1) : place.daemon()
        var random = seededRandom("kills of the \(victim)")
        var following: Following?
        // Another language's subscriber, for all of the time; it writes what it sees.
        let seen = place.folder.appending(path: "seen").path
        let subscriber = try Program("/usr/bin/python3", ["-c", Self.subscriber, place.publish, seen])
        var open = 0
        for _ in 0..<kills {
            let before = await place.seq()
            let process = try Program(command[0], Array(command.dropFirst()))
            let started = try await until { await place.seq() > before + 10 && process.isRunning }
            try #require(started)
            if following == nil {
                let first = Following(place)
                #expect(try await until { first.last > 0 || first.failure != nil })
                following = first
            }
            open += try await kill(process, place, after: random.below(victim == .producer ? 1000 : 100))
        }
        subscriber.kill()
        // The next start ends what was open; then the follower has it all.
        let last = try Program(command[0], Array(command.dropFirst()))
        try #require(try await until { await place.seq() > 0 })
        let follower = try #require(following)
        let lines = try String(contentsOfFile: seen, encoding: .utf8).split(separator: "\n")
        let newestMatch = lines.last { $0.hasPrefix("match.") }.flatMap { Int64($0.split(separator: "\t")[1]) } ?? 0
        #expect(newestMatch > 0)
        #expect(try await until { follower.last >= newestMatch })
        last.kill()
        #expect(try await until { !last.isRunning })
        try await follower.stop()
        #expect(follower.failure == nil)

        let entries = try place.entries()
        try expectWhole(entries)
        // Those that were open at a kill are told to be interrupted, and no others.
        let ended = entries.filter { String(decoding: $0.body, as: UTF8.self).contains("\"reason\":\"interrupted\"") }
        #expect(ended.count == open && open >= kills)
        try expect(lines, publishedAs: entries)
        // The follower was told all of it, once and in order.
        let told = follower.messages
        let wanted = entries.filter { $0.topic.hasPrefix("match.") }.prefix(told.count)
        #expect(told.map(\.seq) == wanted.map(\.seq))
        #expect(!follower.all.contains(.restarted))
        if victim == .producer { try expectSent(place, among: entries) }
    }

    /// Kills a process after some messages, while an event is open; returns the number of open events.
    ///
    /// The process is stopped first, so that the journal read then is the one at the kill.
    private func kill(_ process: Program, _ place: Place, after messages: Int) async throws -> Int {
        var open = 0
        var wanted = await place.seq() + Int64(messages)
        while open == 0 {
            let least = wanted
            try #require(try await until { await place.seq() >= least })
            process.send(SIGSTOP)
            let isStopped = try await until {
                try String(contentsOfFile: "/proc/\(process.identifier)/stat", encoding: .utf8).contains(") T ")
            }
            try #require(isStopped)
            open = try place.withCopiedJournal { try $0.openEvents().count }
            if open == 0 { process.send(SIGCONT) }
            wanted += 1
        }
        process.kill()
        #expect(try await until { !process.isRunning })
        return open
    }

    /// Expects that every published message is in the journal, to the byte, and was published once.
    private func expect(_ lines: [Substring], publishedAs entries: [Entry]) throws {
        var numbers: [Int64] = []
        for line in lines {
            let parts = line.split(separator: "\t", maxSplits: 2)
            let seq = try #require(Int64(parts[1]))
            numbers.append(seq)
            let entry = try #require(seq <= entries.count ? entries[Int(seq) - 1] : nil)
            #expect(entry.topic == parts[0] && entry.body == Data(parts[2].utf8))
        }
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 } && numbers.count > kills)
    }

    /// Expects that every message reported to the producer as sent is in the journal.
    private func expectSent(_ place: Place, among entries: [Entry]) throws {
        let journaled = Set(
            try entries.map {
                let message = try WireCoding.decode(MatchMessage.self, $0.body)
                return "\(message.event) \(message.phase)"
            })
        let sent = try String(contentsOfFile: place.sent, encoding: .utf8).split(separator: "\n")
        #expect(sent.count > kills && sent.allSatisfy { journaled.contains(String($0)) })
    }

    private static let subscriber = """
        import sys, zmq
        s = zmq.Context().socket(zmq.SUB); s.setsockopt(zmq.SUBSCRIBE, b""); s.setsockopt(zmq.RCVHWM, 100000)
        s.connect(sys.argv[1]); out = open(sys.argv[2], "wb", buffering=0)
        while True:
            topic, seq, body = s.recv_multipart()
            if topic != b"heartbeat": out.write(topic + b"\\t" + seq + b"\\t" + body + b"\\n")
        """
}
