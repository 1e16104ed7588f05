import Foundation
import Journal
import Notify
import Synchronization
import TestSupport
import Testing
import WireFormat

/// The number of events that wait: 10,000 in `make test`, 100,000 in `make drills`, or `WATCHWORD_WAITING`.
private let waiting = ProcessInfo.processInfo.environment["WATCHWORD_WAITING"].flatMap { Int($0) } ?? 10_000

@Suite("Following the journal")
struct FollowerTests {
    private let time = FakeTime()

    private func target(_ settings: NotifierSettings) throws -> NotifierTarget { try NotifierTarget(settings) }

    /// Runs a hub of one notifier until there is nothing to do, or it has ended.
    private func run(
        _ log: FakeLog, _ wanted: NotifierSettings, _ receiver: FakeReceiver,
        until isOver: @escaping @Sendable (FakeReceiver) -> Bool = { _ in false }
    ) async throws -> NotifierStatus {
        log.begin()
        let hub = NotifyHub(log: log, clock: time.clock, logger: quietLogger) { _ in receiver }
        try await hub.apply(NotifyHub.prepare([wanted]))
        #expect(
            try await until {
                let state = await hub.status().first?.state
                return log.isIdle || isOver(receiver) || state == .gone || state == .dead
            })
        let status = try #require(await hub.status().first)
        await hub.stop()
        return status
    }

    /// Adds events to the log, a second apart from now on.
    private func add(_ count: Int, to log: FakeLog, every seconds: Double = 1) throws {
        let start = time.now
        let moments = (0..<count).map { start + seconds * Double($0) }
        try log.add(moments.map { match(at: $0) }, at: moments)
    }

    /// Makes a log that a notifier has read from number 0 on.
    private func begun(_ wanted: NotifierSettings) async throws -> FakeLog {
        let log = try FakeLog(time)
        _ = try await run(log, wanted, FakeReceiver(time))
        return log
    }

    @Test("a new notifier begins at the newest message, and everything after it arrives once and in order")
    func order() async throws {
        let log = try FakeLog(time)
        try log.add([match(at: time.now - 10)], at: [time.now - 10])
        _ = try await run(log, settings(), FakeReceiver(time))
        time.advance(1)
        try add(300, to: log)
        let receiver = FakeReceiver(time)
        let status = try await run(log, settings(), receiver)
        #expect(receiver.taken.map(\.id) == (2...301).map { "\(log.identity)-\($0)" })
        #expect(status.delivered == 300 && status.waiting == 0 && status.state == .idle && status.seq == 301)
    }

    @Test("where its place cannot be read a notifier waits, and then loses nothing")
    func unread() async throws {
        let log = try await begun(settings())
        try add(5, to: log)
        log.failing.store(3, ordering: .relaxed)
        let receiver = FakeReceiver(time)
        let status = try await run(log, settings(), receiver)
        #expect(receiver.taken.map(\.id) == (1...5).map { "\(log.identity)-\($0)" } && status.delivered == 5)
    }

    @Test("a receiver that is down for an hour, and ten kills at random: each event at least once, in order")
    func outage() async throws {
        let wanted = settings()
        let log = try await begun(wanted)
        let (start, end) = (time.now, time.now + 3600)
        try add(600, to: log, every: 10)
        var ids: [String] = []
        var random = SystemRandomNumberGenerator()
        for kill in 0...10 {
            log.freeze(false)
            let last = kill == 10
            let patience = Int.random(in: 1...80, using: &random)
            let receiver = FakeReceiver(time) { now in
                now > start + 600 && now < end ? .failed("the receiver answers 503") : .delivered
            }
            _ = try await run(log, wanted, receiver) { receiver in
                guard !last, receiver.got.count >= patience else { return false }
                // From here on nothing is kept: a kill.
                log.freeze(true)
                return true
            }
            ids += receiver.taken.map(\.id)
        }
        let numbers = ids.compactMap { $0.split(separator: "-").last.flatMap { Int($0) } }
        var firsts: [Int] = []
        var seen: Set<Int> = []
        for number in numbers where seen.insert(number).inserted { firsts.append(number) }
        #expect(firsts == Array(1...600), "each of them, the first times in order")
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 <= $0 + 1 }, "only steps back, after a kill")
    }

    @Test("pauses grow from 5 s to an hour, a wish of the receiver's is heeded, and success ends them")
    func backoff() async throws {
        let wanted = settings { $0.catchUp = 100 * 86_400 }
        let log = try await begun(wanted)
        try add(1, to: log)
        let start = time.now
        let receiver = FakeReceiver(time) { now in
            if now == start { return .failed("503", retryAfter: 30) }
            return now < start + 5 * 3600 ? .failed("503") : .delivered
        }
        _ = try await run(log, wanted, receiver)
        let moments = receiver.got.map(\.at)
        let pauses = zip(moments, moments.dropFirst()).map { $1 - $0 }
        #expect(pauses == [30, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600, 3600])
        #expect(Set(receiver.got.map(\.id)).count == 1)
    }

    @Test("a receiver that fails for three days is given up, is so after a restart, and can be resumed")
    func dead() async throws {
        let wanted = settings { $0.catchUp = 100 * 86_400 }
        let log = try await begun(wanted)
        try add(2, to: log)
        let start = time.now
        let down = FakeReceiver(time) { _ in .failed("no connection") }
        let status = try await run(log, wanted, down)
        #expect(status.state == .dead && status.problem == "no connection" && status.delivered == 0)
        #expect(try (3 * 86_400.0...3 * 86_400 + 3600).contains(#require(down.got.last).at - start))

        let restarted = FakeReceiver(time)
        #expect(try await run(log, wanted, restarted).state == .dead && restarted.got.isEmpty)

        let again = FakeReceiver(time)
        let hub = NotifyHub(log: log, clock: time.clock, logger: quietLogger) { _ in again }
        try await hub.apply(NotifyHub.prepare([wanted]))
        #expect(try await hub.resume("phone"))
        #expect(try await !hub.resume("none"))
        #expect(try await until { again.taken.count == 2 })
        await hub.stop()
        #expect(again.taken.map(\.id) == (1...2).map { "\(log.identity)-\($0)" })
    }

    @Test("a clock that jumps years ahead gives nobody up")
    func jump() async throws {
        let wanted = settings { $0.catchUp = 10_000 * 86_400 }
        let log = try await begun(wanted)
        try add(1, to: log)
        let attempts = FakeTime(0)
        let receiver = FakeReceiver(time) { [time] _ in
            attempts.advance(1)
            let count = attempts.now
            if count == 2 { time.advance(1000 * 86_400) }
            return count < 6 ? .failed("503") : .delivered
        }
        #expect(try await run(log, wanted, receiver).delivered == 1)
    }

    @Test("410 disables at once; another address begins anew")
    func gone() async throws {
        let log = try await begun(settings())
        try add(2, to: log)
        let status = try await run(log, settings(), FakeReceiver(time) { _ in .gone })
        #expect(status.state == .gone && status.failures == 1)
        let other = settings { $0.url = "https://other.example/hook" }
        let receiver = FakeReceiver(time)
        #expect(try await run(log, other, receiver).state == .idle)
        #expect(receiver.taken.count == 2)
    }

    @Test("what grew older than catch_up while the receiver was down comes in summaries that count all of it")
    func catchUp() async throws {
        let wanted = settings { $0.catchUp = 3600 }
        let log = try await begun(wanted)
        let start = time.now
        try add(20, to: log, every: 600)
        let receiver = FakeReceiver(time) { $0 < start + 3 * 3600 ? .failed("503") : .delivered }
        let status = try await run(log, wanted, receiver)
        // The alert that was tried when the receiver went is one; those that grew old meanwhile are another.
        let summaries = receiver.taken.prefix { $0.body["type"] == .string("watchword.summary") }
        let single = receiver.taken.dropFirst(summaries.count)
        #expect(1...2 ~= summaries.count && single.allSatisfy { $0.body["type"] == .string("watchword.match.start") })
        let counted = summaries.reduce(0) { $0 + Int($1.body["data"]?["alerts"]?.integer ?? 0) }
        #expect(counted + single.count == 20 && counted > 5 && status.summarised == counted)
        #expect(single.allSatisfy { ($0.body["age"]?.integer ?? .max) <= 3600 })
    }

    @Test("a rate limit holds over a thousand events, a kill in the middle included, and none is missing")
    func limited() async throws {
        let wanted = settings { $0.limit = AlertLimit(alerts: 3, per: 600) }
        let log = try await begun(wanted)
        try add(1000, to: log, every: 5)
        let first = FakeReceiver(time)
        _ = try await run(log, wanted, first) { receiver in
            guard receiver.got.count >= 4 else { return false }
            log.freeze(true)
            return true
        }
        log.freeze(false)
        let second = FakeReceiver(time)
        _ = try await run(log, wanted, second)
        var told: Set<Int64> = []
        for got in first.taken + second.taken {
            let data = got.body["data"]
            if let seq = data?["seq"]?.integer { told.insert(seq) }
            if let low = data?["first"]?.integer, let high = data?["last"]?.integer { told.formUnion(low...high) }
        }
        #expect(told == Set(1...1000))
        let moments = second.taken.map(\.at)
        for moment in moments { #expect(moments.count { moment <= $0 && $0 < moment + 600 } <= 6, "two times' ends") }
        #expect(second.taken.count < 30)
    }

    @Test("thousands of waiting events are read a page at a time, and another notifier is not held up")
    func many() async throws {
        let hanging = settings()
        let log = try await begun(hanging)
        let now = time.now
        for _ in 0..<waiting / 1000 {
            try log.add((0..<1000).map { _ in match(at: now) }, at: [Double](repeating: now, count: 1000))
        }
        let receiver = FakeReceiver(time)
        let hub = NotifyHub(log: log, clock: time.clock, logger: quietLogger) { context in
            if context.settings.name == "hangs" { return HangingReceiver() }
            return receiver
        }
        var hangs = NotifierSettings(name: "hangs", format: .cloudevents)
        hangs.url = "https://example.org/other"
        let before = Memory.now
        try await hub.apply(NotifyHub.prepare([hanging, hangs]))
        #expect(
            try await until(deadline: .seconds(300)) { await hub.status().first?.delivered == waiting / 1000 * 1000 })
        #expect(log.largest.load(ordering: .relaxed) <= 128)
        await hub.stop()
        print("notify: \(waiting) events, \(Memory.now - before) MB more, of them what the receiver of the test keeps")
    }
}

/// A receiver that never answers until it is cancelled.
private struct HangingReceiver: NoticeSender {
    func send(_ parcels: [Parcel]) async -> (delivered: Int, outcome: DeliveryOutcome) {
        try? await Task.sleep(for: .seconds(3600))
        return (0, .failed("cancelled"))
    }
    func close() async {}
}

private enum Memory {
    /// The resident megabytes of this process.
    static var now: Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4096 >> 20
    }
}
