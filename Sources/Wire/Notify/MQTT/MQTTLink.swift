import CMosquitto
import Concurrency
import Foundation
import Logging
import Synchronization
import SystemSupport

/// Keeps a connection to a broker on a thread of its own, and sends over it what others hand in, in order.
///
/// A connection that is lost is made again after 1 s, then after pauses that double up to a minute. What was handed in
/// and not confirmed then has failed: whoever handed it in does so again.
final class MQTTLink: Sendable {
    /// Messages sent and not confirmed, at most.
    static let mostUnconfirmed = 20

    enum Arrival: Sendable {
        /// There is a connection, a new one.
        case up
        case message(MQTTSession.Arrival)
        /// Nothing came.
        case nothing
    }

    /// The outcome of messages that were given to the connection.
    struct Outcome: Sendable {
        /// How many of them the broker has, from the first on.
        let confirmed: Int
        /// Why it does not have the others; nil if it has all.
        let problem: String?
    }

    /// Messages that are handed in together.
    final class Job: Sendable {
        let messages: [MQTTMessage]
        fileprivate let outcome = Mailbox<Outcome?>(timeout: nil)
        fileprivate let isForsaken = Atomic(false)
        fileprivate let confirmed = Atomic(0)
        fileprivate init(_ messages: [MQTTMessage]) { self.messages = messages }
    }

    private struct State {
        var jobs: [Job] = []
        var hasBegun = false
        var isStopping = false
        /// Why there is no connection; nil while there is one, and before the first attempt.
        var problem: String?
    }

    let arrivals = Mailbox<Arrival>(timeout: .nothing)
    /// Arrivals that wait, of which there are only so many.
    private let waiting = Atomic(0)
    private static let mostWaiting = 2000

    private let options: MQTTOptions
    private let logger: Logger
    private let name: String
    private let state = Mutex(State())
    private let ended = Mailbox(timeout: false)
    private let wake = ww_wake_make()
    /// Messages left out since the broker does not take them.
    private let leftOut = Atomic(0)

    private static let longestPause = Duration.seconds(60)
    /// Seconds that something handed in waits for a connection and its confirmation.
    private static let patience = 45.0

    init(_ options: MQTTOptions, name: String, logger: Logger) {
        (self.options, self.name, self.logger) = (options, name, logger)
    }

    deinit { close(wake) }

    var problem: String? { state.withLock { $0.problem } }

    // MARK: From any task

    /// Begins to connect, if it has not yet.
    func start() {
        let isFirst = state.withLock { state in
            defer { state.hasBegun = true }
            return !state.hasBegun && !state.isStopping
        }
        guard isFirst else { return }
        let thread = Thread { [self] in
            ww_bear_broken_pipes()
            run()
            ended.send(true)
        }
        thread.name = "watchword.mqtt"
        thread.start()
    }

    /// Hands messages in; those of one call after those of the one before.
    func enqueue(_ messages: [MQTTMessage]) -> Job {
        let job = Job(messages)
        state.withLock { $0.jobs.append(job) }
        ww_wake(wake)
        return job
    }

    /// Waits for the outcome; what is cancelled is not sent any more.
    func outcome(of job: Job) async -> Outcome {
        if let outcome = await job.outcome.next(until: .now + .seconds(Self.patience)) { return outcome }
        job.isForsaken.store(true, ordering: .releasing)
        return Outcome(
            confirmed: job.confirmed.load(ordering: .acquiring),
            problem: problem ?? "the broker does not answer within \(Int(Self.patience)) s")
    }

    func took(_ arrival: Arrival) {
        if case .nothing = arrival { return }
        waiting.subtract(1, ordering: .relaxed)
    }

    /// Ends the connection in order, within 3 s; what is connecting then ends by itself.
    func stop() async {
        let hasBegun = state.withLock { state in
            state.isStopping = true
            return state.hasBegun
        }
        ww_wake(wake)
        // Of a task that is cancelled, too.
        if hasBegun { _ = await Task { [ended] in await ended.next(until: .now + .seconds(3)) }.value }
    }

    // MARK: On its thread

    private var isStopping: Bool { state.withLock { $0.isStopping } }

    private func run() {
        var backoff = Backoff(first: .seconds(1), max: Self.longestPause)
        var version = MQTT_PROTOCOL_V5
        while !isStopping {
            var up: ContinuousClock.Instant?
            do throws(MQTTProblem) {
                let session = try MQTTSession(options, version: version, wake: wake) { isStopping }
                up = .now
                cameUp()
                var traffic = MQTTTraffic(options.timeout)
                do throws(MQTTProblem) {
                    try serve(session, &traffic)
                } catch {
                    traffic.fail(error.description)
                    throw error
                }
            } catch {
                if error.isOldProtocol, version == MQTT_PROTOCOL_V5 {
                    version = MQTT_PROTOCOL_V311
                    continue
                }
                wentDown(error.description)
                // A broker that lets in and throws out is waited for like one that is away.
                if let up, .now - up > Self.longestPause { backoff.reset() }
                pause(backoff.next(chance: .random(in: 0...1)))
            }
        }
        for job in takeJobs() { job.outcome.send(.init(confirmed: 0, problem: "the notifier has ended")) }
    }

    private func cameUp() {
        let before = state.withLock { state in
            defer { state.problem = nil }
            return state.problem
        }
        if before != nil { logger.notice("the MQTT broker is there again", metadata: ["notifier": "\(name)"]) }
        tell(.up)
    }

    private func wentDown(_ why: String) {
        let (before, jobs) = state.withLock { state in
            defer { (state.problem, state.jobs) = (why, []) }
            return (state.problem, state.jobs)
        }
        for job in jobs { job.outcome.send(.init(confirmed: 0, problem: why)) }
        guard before != why, !isStopping else { return }
        logger.warning(
            "no connection to the MQTT broker; it is tried again",
            metadata: ["notifier": "\(name)", "host": "\(options.host)", "reason": "\(why)"])
    }

    private func pause(_ length: Duration) {
        let end = ContinuousClock.now + length
        while !isStopping, ContinuousClock.now < end {
            let left = Int32(clamping: Int((end - .now) / .milliseconds(1)) + 1)
            if ww_wait(-1, 0, wake, left) & Int32(WW_WOKEN) != 0 { ww_wake_take(wake) }
        }
    }

    private func serve(_ session: MQTTSession, _ traffic: inout MQTTTraffic) throws(MQTTProblem) {
        if let topic = options.availability {
            traffic.add(Job([MQTTMessage(topic, Data("online".utf8), isRetained: true)]))
        }
        while !isStopping {
            for job in takeJobs() { traffic.add(job) }
            try traffic.feed(session)
            try session.step(milliseconds: traffic.milliseconds, wake: wake)
            let (confirmed, arrived) = session.take()
            for one in confirmed { traffic.confirm(one.number, reason: one.reason) }
            for one in arrived { tell(.message(one)) }
            try traffic.check()
        }
        traffic.fail("the notifier has ended")
        try sayGoodBye(session)
    }

    private func sayGoodBye(_ session: MQTTSession) throws(MQTTProblem) {
        if let topic = options.availability {
            var last = MQTTTraffic(2)
            last.add(Job([MQTTMessage(topic, Data("offline".utf8), isRetained: true)]))
            while !last.isEmpty {
                try last.feed(session)
                try session.step(milliseconds: 50, wake: wake)
                for one in session.take().confirmed { last.confirm(one.number, reason: one.reason) }
                try last.check()
            }
        }
        session.end()
        try session.step(milliseconds: 0, wake: wake)
    }

    private func takeJobs() -> [Job] {
        state.withLock { state in
            defer { state.jobs = [] }
            return state.jobs
        }
    }

    private func tell(_ arrival: Arrival) {
        guard waiting.add(1, ordering: .relaxed).newValue <= Self.mostWaiting else {
            waiting.subtract(1, ordering: .relaxed)
            return
        }
        arrivals.send(arrival)
    }
}

/// The messages sent over one connection and their confirmations; used on the connection's thread alone.
private struct MQTTTraffic {
    private struct Running {
        let job: MQTTLink.Job
        var next = 0
        var isConfirmed: [Bool]

        var leading: Int { isConfirmed.firstIndex(of: false) ?? isConfirmed.count }
    }

    private var running: [Int: Running] = [:]
    /// Those that have something to send, oldest first.
    private var order: [Int] = []
    private var last = 0
    private var unconfirmed: [Int32: (job: Int, index: Int)] = [:]
    private var since = ContinuousClock.now
    private let timeout: Double

    init(_ timeout: Double) { self.timeout = timeout }

    var isEmpty: Bool { running.isEmpty }

    mutating func add(_ job: MQTTLink.Job) {
        last += 1
        running[last] = Running(job: job, isConfirmed: Array(repeating: false, count: job.messages.count))
        order.append(last)
        if job.messages.isEmpty { settle(last) }
    }

    /// Sends as much as may be on its way.
    mutating func feed(_ session: MQTTSession) throws(MQTTProblem) {
        while unconfirmed.count < MQTTLink.mostUnconfirmed, let first = order.first {
            guard let now = running[first], now.next < now.job.messages.count,
                !now.job.isForsaken.load(ordering: .acquiring)
            else {
                order.removeFirst()
                // What is forsaken is still confirmed, perhaps, and nobody waits for it.
                if running[first]?.job.isForsaken.load(ordering: .acquiring) == true { running[first] = nil }
                continue
            }
            let (index, message) = (now.next, now.job.messages[now.next])
            running[first]?.next += 1
            switch try session.publish(message) {
            case .sent(let number):
                if unconfirmed.isEmpty { since = .now }
                unconfirmed[number] = (first, index)
            case .unfit where message.isOptional: confirm(first, index)
            case .unfit(let why): refuse(first, why)
            }
        }
    }

    mutating func confirm(_ number: Int32, reason: Int32) {
        guard let (job, index) = unconfirmed.removeValue(forKey: number) else { return }
        since = .now
        guard let message = running[job]?.job.messages[index] else { return }
        if reason >= 128, !message.isOptional {
            let why = reason == 135 ? "not authorised" : "reason \(reason)"
            return refuse(job, "the broker does not take messages of the topic \(message.topic): \(why)")
        }
        confirm(job, index)
    }

    private mutating func confirm(_ job: Int, _ index: Int) {
        running[job]?.isConfirmed[index] = true
        guard let now = running[job] else { return }
        now.job.confirmed.store(now.leading, ordering: .releasing)
        settle(job)
    }

    private mutating func settle(_ job: Int) {
        guard let now = running[job], now.leading == now.job.messages.count else { return }
        running[job] = nil
        now.job.outcome.send(.init(confirmed: now.leading, problem: nil))
    }

    private mutating func refuse(_ job: Int, _ why: String) {
        guard let now = running.removeValue(forKey: job) else { return }
        now.job.outcome.send(.init(confirmed: now.leading, problem: why))
    }

    /// Nothing more comes of what is not confirmed.
    mutating func fail(_ why: String) {
        for job in running.keys.sorted() { refuse(job, why) }
        (order, unconfirmed) = ([], [:])
    }

    /// Milliseconds until something must be looked at.
    var milliseconds: Int32 { unconfirmed.isEmpty ? 5000 : 500 }

    func check() throws(MQTTProblem) {
        guard !unconfirmed.isEmpty, .now - since > .seconds(timeout) else { return }
        throw MQTTProblem("the broker does not confirm what it is sent within \(Int(timeout)) s")
    }
}
