import Foundation
import Journal
import SystemSupport
import Testing

@Suite("Retention")
struct RetentionTests {
    private func fileSize(_ path: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    }

    private func day(_ number: Double) -> Date { Date(timeIntervalSince1970: number * 86_400) }

    @Test("numbers and the links of topics survive the messages they came from, and a restart")
    func numbers() throws {
        let path = temporary()
        do {
            let journal = try Journal(path: path)
            _ = try journal.append([message("a"), message("b"), message("a")], at: day(1))
            #expect(try journal.pruneWithoutClockCheck(Retention(days: 1), now: day(3)) == false)
            #expect(try journal.seqs().isEmpty)
            let page = try journal.replay(since: 1, limit: 10)
            #expect(page.holes == [Hole(first: 2, last: 3, reason: .retention)])
        }
        let journal = try Journal(path: path)
        #expect(try journal.append([message("a"), message("b")]).map(\.prev) == [3, 2])
        #expect(try journal.seqs() == [4, 5])
    }

    @Test("an event that is open keeps its messages; when it has ended they go with the others")
    func openEvents() throws {
        let journal = try Journal(path: nil)
        _ = try journal.append(
            [message(event: "A", .start), message("x"), message(event: "A", .update), message("x")], at: day(1))
        _ = try journal.pruneWithoutClockCheck(Retention(days: 1), now: day(9))
        #expect(try journal.seqs() == [1, 3])
        _ = try journal.append([message(event: "A", .end)], at: day(9))
        _ = try journal.pruneWithoutClockCheck(Retention(days: 1), now: day(9))
        #expect(try journal.seqs() == [5])
        #expect(try journal.replay(since: 0, limit: 9).holes == [Hole(first: 1, last: 4, reason: .retention)])
    }

    @Test("a bound on the size is kept in steps, the oldest first, and the file gives its room back")
    func size() throws {
        let path = temporary()
        let journal = try Journal(path: path)
        for round in 0..<40 {
            let messages = (0..<250).map { message(event: "E\(round)X\($0)", .end, size: 1000) }
            _ = try journal.append(messages)
        }
        journal.checkpoint()
        let before = try fileSize(path)
        #expect(before > 10_000_000)
        var steps = 0
        while try journal.pruneWithoutClockCheck(Retention(megabytes: 2), limit: 500) { steps += 1 }
        journal.checkpoint()
        #expect(steps > 10)
        #expect(try fileSize(path) < 4_000_000)
        let left = try journal.seqs()
        #expect(left.last == 10_000 && left.count > 1500 && left == Array((left.first ?? 0)...10_000))
        #expect(try journal.replay(since: 0, limit: 1).holes.map(\.last) == [(left.first ?? 0) - 1])
    }

    @Test("a snapshot is there whole, counts for the size, and goes with its event")
    func snapshots() throws {
        let path = temporary()
        let journal = try Journal(path: path)
        let pictures = (0..<5).map { Data(repeating: UInt8($0), count: 400_000) }
        var files: [String] = []
        for (index, picture) in pictures.enumerated() {
            _ = try journal.write(snapshot: Data([1]), event: "E\(index)")
            files.append(try #require(try journal.write(snapshot: picture, event: "E\(index)")))
            _ = try journal.append([message(event: "E\(index)", .start), message(event: "E\(index)", .end)])
        }
        #expect(try files.map { try Data(contentsOf: URL(filePath: $0)) } == pictures)
        while try journal.pruneWithoutClockCheck(Retention(megabytes: 1), limit: 2) {}
        #expect(files.map { FileManager.default.fileExists(atPath: $0) } == [false, false, false, true, true])
        #expect(try journal.seqs() == [7, 8, 9, 10])
        #expect(throws: JournalError.self) { try journal.write(snapshot: pictures[0], event: "../evil") }
    }

    @Test("events with one picture share its file, which counts once and goes with the last of them")
    func sharedSnapshots() throws {
        let path = temporary()
        let events = (0..<10).map { "E\($0)" }
        var files: [String] = []
        do {
            let journal = try Journal(path: path)
            let paths = try journal.write(snapshot: Data(repeating: 7, count: 400_000), events: events + ["E0"])
            files = try events.map { try #require(paths[$0]) }
            // One has a higher peak: the others keep their picture.
            #expect(try journal.write(snapshot: Data([1, 2]), event: "E3") == files[3])
            #expect(
                try files.map { try Data(contentsOf: URL(filePath: $0)).count } == [
                    400_000, 400_000, 400_000, 2, 400_000, 400_000, 400_000, 400_000, 400_000, 400_000,
                ])
            for event in events {
                _ = try journal.append([message(event: event, .start), message(event: event, .end)])
            }
            #expect(try !journal.pruneWithoutClockCheck(Retention(megabytes: 1)))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: path + ".d/snapshots").count == 10)
        let journal = try Journal(path: path)
        #expect(try !journal.pruneWithoutClockCheck(Retention(megabytes: 1)))
        while try journal.pruneWithoutClockCheck(Retention(megabytes: 0.3), limit: 2) {}
        #expect(!files.contains { FileManager.default.fileExists(atPath: $0) })
    }

    @Test("at the start, snapshots without events and half-written ones go, and nothing else does")
    func sweep() throws {
        let path = temporary()
        let folder = URL(filePath: path + ".d/snapshots")
        do {
            let journal = try Journal(path: path)
            for event in ["KEPT", "ORPHAN"] { _ = try journal.write(snapshot: Data([1, 2]), event: event) }
            _ = try journal.append([message(event: "KEPT", .start)])
        }
        for name in ["HALF.jpg.part", "notes.txt", "a-b.jpg"] { try Data([0]).write(to: folder.appending(path: name)) }
        _ = try Journal(path: path)
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(left == ["KEPT.jpg", "a-b.jpg", "notes.txt"])
    }

    /// A simple model of what the journal should contain.
    private struct Model {
        struct Kept {
            let seq: Int64, topic: String, query: String?, event: String?, time: Double
        }
        var kept: [Kept] = []
        var open: Set<String> = []
        var last: Int64 = 0
        var topics: [String: Int64] = [:]
        private var running: [String] = []
        private var made = 0

        mutating func retire(before cutoff: Double) {
            var stop = false
            kept.removeAll { message in
                if message.event.map({ open.contains($0) }) ?? false { return false }
                if message.time >= cutoff { stop = true }
                return !stop
            }
        }

        /// Makes the next message at a time: of a stream, or of an event that starts or continues; nil if none is open.
        mutating func message(at time: Double, _ random: inout SeededRandom) -> PendingMessage? {
            let query = "q\(Int.random(in: 0..<3, using: &random))"
            var mark: EventMark?
            switch Int.random(in: 0..<4, using: &random) {
            case 0: break
            case 1:
                made += 1
                running.append("E\(made)")
                mark = EventMark(id: "E\(made)", phase: .start)
            default:
                guard let event = running.randomElement(using: &random) else { return nil }
                let ends = Bool.random(using: &random)
                if ends { running.removeAll { $0 == event } }
                mark = EventMark(id: event, phase: ends ? .end : .update)
            }
            let (topic, asked) = mark == nil ? ("stream.s", nil) : ("match.s.\(query)", query)
            last += 1
            kept.append(Kept(seq: last, topic: topic, query: asked, event: mark?.id, time: time))
            if let mark {
                if mark.phase == .end { open.remove(mark.id) } else { open.insert(mark.id) }
            }
            return PendingMessage(topic: topic, query: asked, event: mark) { seq, prev in
                Data("\(seq) \(prev ?? -1)".utf8)
            }
        }
    }

    @Test("replays give exactly what is kept and name exactly what is not, whatever was done", arguments: 1...5)
    func property(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let path = temporary()
        var journal = try Journal(path: path)
        var model = Model()
        for step in 0..<100 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0: journal = try Journal(path: path)
            case 1, 2:
                let cutoff = Double(max(0, step - Int.random(in: 0...60, using: &random)))
                let now = Date(timeIntervalSince1970: cutoff)
                while try journal.pruneWithoutClockCheck(Retention(days: 0), now: now, limit: 7) {}
                model.retire(before: cutoff)
            default:
                let count = Int.random(in: 1...12, using: &random)
                let batch = (0..<count).compactMap { _ in model.message(at: Double(step), &random) }
                for entry in try journal.append(batch, at: Date(timeIntervalSince1970: Double(step))) {
                    #expect(entry.prev == model.topics[entry.topic])
                    model.topics[entry.topic] = entry.seq
                }
            }
            try expect(journal, holds: model, &random)
        }
        #expect(journal.lastSeq == model.last)
    }

    /// Replays all messages from some number on, those of one query, and a few, and compares each with the model.
    private func expect(_ journal: Journal, holds model: Model, _ random: inout SeededRandom) throws {
        let since = Int64.random(in: 0...model.last + 1, using: &random)
        let all = try journal.replay(since: since, limit: 100_000)
        #expect(all.entries.map(\.seq) == model.kept.map(\.seq).filter { $0 > since })
        // Messages and holes together are every number once.
        let covered = all.entries.map { $0.seq...$0.seq } + all.holes.map { $0.first...$0.last }
        #expect(covered.flatMap { Array($0) }.sorted() == Array(min(since, model.last)..<model.last).map { $0 + 1 })
        let query = "q\(Int.random(in: 0..<3, using: &random))"
        let wanted = model.kept.filter { $0.query == query && $0.seq > since }.map(\.seq)
        #expect(try journal.seqs(since: since, MessageFilter(query: query)) == wanted)
        let limit = Int.random(in: 1...9, using: &random)
        #expect(
            try journal.replay(since: since, limit: limit).entries.map(\.seq)
                == all.entries.prefix(limit).map(\.seq))
        #expect(try Set(journal.openEvents().map { $0.event?.id }) == Set(model.open.map { $0 }))
    }
}
