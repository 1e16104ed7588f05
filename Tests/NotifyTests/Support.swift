import Foundation
import Journal
import Logging
import Notify
import Synchronization
import WireFormat

/// A clock that advances when somebody waits.
final class FakeTime: Sendable {
    private let time: Mutex<Double>

    init(_ now: Double = 1_800_000_000) { time = Mutex(now) }

    var now: Double { time.withLock { $0 } }
    func advance(_ seconds: Double) { time.withLock { $0 += seconds } }

    var clock: NotifyClock {
        NotifyClock(now: { self.now }, sleep: { self.advance($0) }, chance: { 0 })
    }
}

/// Makes a message of an event in a journal.
func match(
    _ phase: String = "start", query: String = "van", stream: String = "gate", text: String = "a red van",
    tags: [String] = [], at time: Double
) -> PendingMessage {
    let date = Date(timeIntervalSince1970: time)
    return PendingMessage(topic: "match.\(stream).\(query)", query: query, stream: stream) { seq, prev in
        try WireCoding.encode(
            MatchMessage(
                seq: seq, prev: prev, event: "E\(seq)", phase: phase, query: .init(id: query, text: text, tags: tags),
                stream: stream, score: 0.31, peak: .init(score: 0.33, at: date), threshold: 0.27, head: "mean",
                model: "shapes", start: date.addingTimeInterval(-12), end: date, media: .init(start: 0, end: 12)))
    }
}

/// Makes alerts of the messages of one journal.
func alerts(_ messages: [PendingMessage]) throws -> [Alert] {
    try Journal(path: nil).append(messages).map { entry in
        guard let alert = Alert(entry) else { throw NotifyError("no alert") }
        return alert
    }
}

func alert(_ message: PendingMessage) throws -> Alert { try alerts([message])[0] }

/// A journal in memory whose messages appear at given times.
final class FakeLog: NotifyLog {
    let journal: Journal
    private let time: FakeTime
    private let times: Mutex<[Double]> = Mutex([])
    private let kept: Mutex<[String: Data]> = Mutex([:])
    private let frozen = Atomic(false)
    private let idle = Atomic(false)
    /// Holes: their messages are not there any more.
    let lost = Mutex<[Hole]>([])
    /// Queries on streams whose events go on.
    let openNow = Mutex<Set<SensorKey>>([])
    /// The greatest number of messages returned at once.
    let largest = Atomic(0)

    init(_ time: FakeTime) throws {
        self.time = time
        journal = try Journal(path: nil)
    }

    /// Adds messages, each at its time.
    func add(_ messages: [PendingMessage], at moments: [Double]) throws {
        _ = try journal.append(messages)
        times.withLock { $0 += moments }
    }

    /// Sets whether positions are no longer saved, as after SIGKILL.
    func freeze(_ value: Bool) { frozen.store(value, ordering: .releasing) }
    /// Whether the follower has nothing to do.
    var isIdle: Bool { idle.load(ordering: .acquiring) }
    /// Records that another follower begins.
    func begin() { idle.store(false, ordering: .releasing) }

    var identity: String { journal.identity }
    var newest: Int64 {
        Int64(due(time.now))
    }

    /// The number of messages whose time has come.
    private func due(_ now: Double) -> Int {
        times.withLock { times in
            var (low, high) = (0, times.count)
            while low < high {
                let middle = (low + high) / 2
                if times[middle] <= now { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }
    func common(with journal: String) -> Int64? { nil }

    func read(after seq: Int64, limit: Int) async throws -> NotifyPage {
        let end = newest
        let count = min(limit, Int(max(0, end - seq)))
        guard count > 0 else { return NotifyPage(entries: [], through: seq) }
        idle.store(false, ordering: .releasing)
        let page = try journal.replay(since: seq, limit: count)
        largest.store(max(largest.load(ordering: .relaxed), page.entries.count), ordering: .relaxed)
        let holes = lost.withLock { $0 }.filter { $0.last > seq }
        let entries = page.entries.filter { entry in !holes.contains { ($0.first...$0.last).contains(entry.seq) } }
        return NotifyPage(entries: entries, holes: page.holes + holes, through: page.entries.last?.seq ?? seq)
    }

    func wait(after seq: Int64, seconds: Double) async {
        let now = time.now
        let done = due(now)
        if let next = times.withLock({ done < $0.count ? $0[done] : nil }) {
            time.advance(min(seconds, next - now))
        } else if seconds <= NotifyFollower.longestKept {
            time.advance(seconds)
        } else {
            idle.store(true, ordering: .releasing)
            try? await Task.sleep(for: .seconds(600))
        }
    }

    /// The number of position reads that still fail.
    let failing = Atomic(0)
    func open() async throws -> Set<SensorKey> { openNow.withLock { $0 } }
    func picture(of event: String) async -> Data? { Data([0xFF, 0xD8, 0xFF]) }
    func places() async throws -> [String: Data] {
        let left = failing.load(ordering: .relaxed)
        failing.store(max(0, left - 1), ordering: .relaxed)
        if left > 0 { throw NotifyError("the disk fails") }
        return kept.withLock { $0 }
    }
    func save(place: Data, of name: String) async throws {
        guard !frozen.load(ordering: .acquiring) else { return }
        kept.withLock { $0[name] = place }
    }
    func remove(places names: [String]) async throws { kept.withLock { for name in names { $0[name] = nil } } }
}

/// A receiver in this process.
final class FakeReceiver: NoticeSender {
    struct Got: Sendable {
        let request: WebhookRequest
        let at: Double
        let outcome: DeliveryOutcome
        var body: JSONValue { (try? JSONText.parse(request.body)) ?? .null }
        var id: String { request.headers["webhook-id"] ?? "" }
    }

    private let time: FakeTime
    private let answer: @Sendable (Double) -> DeliveryOutcome
    private let all = Mutex<[Got]>([])

    init(_ time: FakeTime, _ answer: @escaping @Sendable (Double) -> DeliveryOutcome = { _ in .delivered }) {
        (self.time, self.answer) = (time, answer)
    }

    func send(_ parcels: [Parcel]) async -> (delivered: Int, outcome: DeliveryOutcome) {
        guard case .request(let request, _)? = parcels.first else { return (0, .failed("no request")) }
        let now = time.now
        let outcome = answer(now)
        all.withLock { $0.append(Got(request: request, at: now, outcome: outcome)) }
        return (outcome == .delivered ? 1 : 0, outcome)
    }
    func close() async {}

    var got: [Got] { all.withLock { $0 } }
    /// The notices that the receiver accepted, in order.
    var taken: [Got] { got.filter { $0.outcome == .delivered } }
}

func settings(
    _ format: NotifyFormat = .cloudevents, _ change: (inout NotifierSettings) -> Void = { _ in }
) -> NotifierSettings {
    var settings = NotifierSettings(name: "phone", format: format)
    settings.url = "https://example.org/hook"
    change(&settings)
    return settings
}

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
