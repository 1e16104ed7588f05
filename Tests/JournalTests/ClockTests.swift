import Foundation
import Journal
import Testing

/// A journal with retention and a wrong clock; each step is an hour of a steady clock.
private final class Pruned {
    let path: String
    private(set) var journal: Journal
    private var instant = ContinuousClock.now
    private(set) var removed = 0
    private(set) var disbelieved = false

    init(_ path: String = temporary()) throws {
        self.path = path
        journal = try Journal(path: path)
    }

    func restart() throws { journal = try Journal(path: path) }

    func store(_ count: Int, at day: Double) throws {
        _ = try journal.append((0..<count).map { _ in message("a") }, at: Date(timeIntervalSince1970: day * 86_400))
    }

    /// Applies retention until nothing more is removed in this hour; returns the number of removed messages.
    @discardableResult
    func prune(_ retention: Retention = Retention(days: 30), at day: Double) throws -> Int {
        instant += .seconds(3601)
        var count = 0
        while true {
            let step = try journal.prune(
                retention, now: Date(timeIntervalSince1970: day * 86_400), at: instant, limit: 100)
            count += step.count
            disbelieved = step.disbelieved != nil
            if !step.isMore { break }
        }
        removed += count
        return count
    }
}

@Suite("Retention and the wall clock")
struct ClockTests {
    private static let start = 20_000.0

    /// Makes a journal of two months with ten messages a day, under retention.
    private func twoMonths() throws -> Pruned {
        let pruned = try Pruned()
        for day in 0..<60 {
            try pruned.store(10, at: Self.start + Double(day))
            try pruned.prune(at: Self.start + Double(day))
        }
        return pruned
    }

    @Test("what is too old goes day by day, and no more than that")
    func ordinary() throws {
        let pruned = try twoMonths()
        #expect(pruned.removed == 290 && !pruned.disbelieved)
        #expect(try pruned.journal.seqs().first == 291)
    }

    @Test(
        "one start with the clock years ahead removes nothing, and retention goes on when it is right again",
        arguments: [2, 731, 20_000])
    func ahead(_ days: Double) throws {
        let pruned = try twoMonths()
        let before = try pruned.journal.seqs()
        try pruned.restart()
        for hour in 0..<20 {
            let day = Self.start + 60 + days + Double(hour) / 24
            try pruned.store(1, at: day)
            #expect(try pruned.prune(at: day) == 0 && pruned.disbelieved)
        }
        try pruned.restart()
        #expect(try pruned.journal.seqs().starts(with: before))
        // One of the old days is due by now, and no other.
        #expect(try pruned.prune(at: Self.start + 60) == 10 && !pruned.disbelieved)
    }

    @Test("a clock that is years back removes nothing, and what is stored meanwhile goes in its turn")
    func back() throws {
        let pruned = try twoMonths()
        let before = try pruned.journal.seqs()
        try pruned.restart()
        for hour in 0..<20 {
            try pruned.store(1, at: Double(hour) / 24)
            #expect(try pruned.prune(at: Double(hour) / 24) == 0)
        }
        #expect(try pruned.journal.seqs().starts(with: before))
        for day in 60..<120 {
            try pruned.store(10, at: Self.start + Double(day))
            try pruned.prune(at: Self.start + Double(day))
        }
        let left = try pruned.journal.seqs()
        // Of the last 31 days; those of the wrong clock went with what was stored after them.
        #expect(left.count == 310 && left.last == 600 + 20 + 600)
    }

    @Test("messages with a time in the future do not stop it, and go no later than those after them")
    func future() throws {
        let pruned = try Pruned()
        for day in 0..<60 {
            try pruned.store(10, at: Self.start + Double(day))
            // At the beginning, and a long run in the middle.
            if day == 0 || (5..<8).contains(day) { try pruned.store(100, at: Self.start + 3000 + Double(day)) }
            try pruned.prune(at: Self.start + Double(day))
        }
        #expect(try pruned.journal.seqs().count == 310)
    }

    @Test(
        "a jump is believed when the clock has gone on from there for a day, over restarts too; not if it jumps again")
    func believed() throws {
        let pruned = try twoMonths()
        // Away for half a year.
        for hour in 0...23 {
            if hour % 5 == 0 { try pruned.restart() }
            #expect(try pruned.prune(at: Self.start + 240 + Double(hour) / 24) == 0)
        }
        #expect(try pruned.prune(at: Self.start + 241) == 310 && !pruned.disbelieved)
        let jumping = try twoMonths()
        for hour in 0..<100 {
            #expect(try jumping.prune(at: Self.start + 500 + Double(hour * 50)) == 0)
        }
    }

    @Test("a journal that nobody looked after is held against its newest message, not against the clock")
    func unlooked() throws {
        let pruned = try Pruned()
        try pruned.store(50, at: Self.start)
        try pruned.store(50, at: Self.start + 40)
        try pruned.restart()
        #expect(try pruned.prune(at: Self.start + 800) == 50)
        #expect(pruned.disbelieved)
    }

    @Test("by age at most a tenth goes in an hour, however much is due; a bound on the size waits for nothing")
    func bounded() throws {
        let pruned = try Pruned()
        try pruned.store(20_000, at: Self.start)
        for day in stride(from: 0.0, through: 32, by: 0.5) where day < 30 { try pruned.prune(at: Self.start + day) }
        #expect(pruned.removed == 0)
        #expect(try pruned.prune(at: Self.start + 30.5) == 2000)
        #expect(try pruned.prune(at: Self.start + 30.5) == 1800)
        #expect(try pruned.prune(Retention(megabytes: 0.1), at: Self.start + 30.5) > 10_000)
    }

    @Test("what a step removed is told: how many, their numbers, when they were stored, and their snapshots")
    func told() throws {
        let pruned = try Pruned()
        let day = { (number: Double) in Date(timeIntervalSince1970: (Self.start + number) * 86_400) }
        _ = try pruned.journal.write(snapshot: Data([1, 2, 3]), event: "E")
        _ = try pruned.journal.append([message(event: "E", .start), message(event: "E", .end)], at: day(0))
        _ = try pruned.journal.append([message("a")], at: day(1))
        _ = try pruned.journal.append([message("a")], at: day(31))
        let retired = try pruned.journal.prune(Retention(days: 29), now: day(31))
        #expect(retired.count == 3 && retired.snapshots == 1 && retired.numbers == 1...3)
        #expect(retired.stored == day(0)...day(1) && retired.disbelieved == nil)
    }
}
