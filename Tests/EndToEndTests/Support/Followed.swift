import Foundation
import Journal
import Messaging
import Synchronization
import TestSupport
import Testing
import WireFormat

/// The endpoints and the journal of a daemon under test.
struct Place {
    let folder: URL
    let publish: String
    let control: String
    let journal: String
    let sent: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "ww-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder.appending(path: "disk"), withIntermediateDirectories: true)
        publish = "ipc://\(folder.path)/e"
        control = "ipc://\(folder.path)/c"
        journal = folder.appending(path: "disk/journal.sqlite").path
        sent = folder.appending(path: "sent").path
    }

    /// The same place with another journal.
    init(_ place: Place, journal: String) {
        (folder, publish, control, sent) = (place.folder, place.publish, place.control, place.sent)
        self.journal = journal
    }

    /// The command of the test's event producer, with pauses in milliseconds between the messages of `lanes`.
    func producer(lanes: Int, pause: Int, backlog: Int = 20_000) -> [String] {
        [Fixtures.plugins + "/event-producer", journal, publish, control, sent, "\(lanes)", "\(pause)", "\(backlog)"]
    }

    /// The daemon's command, with repeated clips, and thresholds that are crossed all the time.
    func daemon() throws -> [String] {
        let videos = ["lobby", "dock"].map {
            Fixtures.repository.appending(path: "Tests/Fixtures/videos/\($0).mp4").path
        }
        let streams = videos.filter { FileManager.default.fileExists(atPath: $0) }.enumerated()
            .map { "- {name: s\($0), uri: \($1), loop: true}" }
        let shapes = ["a blue circle", "a red square", "a green triangle", "a yellow star", "the lights go out"]
        let queries = (0..<60).map {
            "- {id: q\($0), text: \(shapes[$0 % 5]), threshold: \(0.1 + 0.01 * Double($0 / 5)), hysteresis: 0.0}"
        }
        let config = folder.appending(path: "w.yaml")
        let lines = [
            "model: \(Fixtures.shapes.path)", "head: mean", "journal: \(journal)", "publish: \(publish)",
            "control: \(control)", "pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)",
            "log: {level: error}", "streams:",
        ]
        try (lines + streams + ["queries:"] + queries).joined(separator: "\n").write(
            to: config, atomically: true, encoding: .utf8)
        return [Fixtures.plugins + "/watchwordd", "--config", config.path]
    }

    func ask(_ operation: String, _ args: JSONValue = .object([:])) async throws -> ControlReply {
        let control = control
        return try await blocking {
            let request = ControlRequest(id: "1", op: operation, args: args)
            let data = try ControlClient(control).request(WireCoding.encode(request), timeout: 30)
            return try WireCoding.decode(ControlReply.self, data)
        }
    }

    /// The newest number; 0 if the daemon does not answer.
    func seq() async -> Int64 { (try? await ask("status"))?.result?["seq"]?.integer ?? 0 }

    /// Reads a copy of the journal's current files, so that a process that uses it is not disturbed.
    func withCopiedJournal<T>(_ body: (Journal) throws -> T) throws -> T {
        let copy = FileManager.default.temporaryDirectory.appending(path: "read-\(UUID())")
        let file = URL(filePath: journal)
        try FileManager.default.copyItem(at: file.deletingLastPathComponent(), to: copy)
        defer { try? FileManager.default.removeItem(at: copy) }
        return try body(Journal(path: copy.appending(path: file.lastPathComponent).path))
    }

    /// The journal's messages, read from its file.
    func entries() throws -> [Entry] {
        try Journal(path: journal).replay(since: 0, limit: 10_000_000).entries
    }
}

/// A follower on its own thread, with everything that it reported.
final class Following: Sendable {
    private let follower: EventFollower
    private let told = Mutex<[Followed]>([])
    private let problem = Mutex<String?>(nil)
    private let ended = Atomic(false)

    init(
        _ place: Place, since: Int64? = 0, open: Bool = false, filter: EventFollower.Filter = .init(),
        queue: Int32? = nil, slowly: Bool = false, publish: String? = nil
    ) {
        var timing = EventFollower.Timing()
        timing.ask = 0.2
        timing.silence = 2
        follower = EventFollower(
            publish: publish ?? place.publish, control: place.control, filter: filter, timing: timing, queue: queue)
        Thread { [self] in
            do {
                try follower.run(since: since, open: open) { next in
                    if slowly { Thread.sleep(forTimeInterval: 0.002) }
                    told.withLock { $0.append(next) }
                }
            } catch {
                problem.withLock { $0 = "\(error)" }
            }
            ended.store(true, ordering: .releasing)
        }.start()
    }

    deinit { follower.stop() }

    var all: [Followed] { told.withLock { $0 } }
    var messages: [WireMessage] { all.compactMap { if case .message(let message) = $0 { message } else { nil } } }
    var failure: String? { problem.withLock { $0 } }
    var last: Int64 {
        told.withLock { told in
            switch told.last(where: { if case .away = $0 { false } else { true } }) {
            case .message(let message)?, .open(let message)?: message.seq
            case .lost(let lost)?: lost.last
            default: 0
            }
        }
    }

    func stop() async throws {
        follower.stop()
        #expect(try await until { self.ended.load(ordering: .acquiring) })
    }
}

/// Expects every number once and in order, linked topics, and complete events.
///
/// Only events that were open at the last kill may lack their end.
func expectWhole(_ entries: [Entry]) throws {
    #expect(entries.map(\.seq) == Array(1...Int64(max(1, entries.count))))
    var topics: [String: Int64] = [:]
    var phases: [String: [String]] = [:]
    var started: [String: Int64] = [:]
    var restarted: Int64 = 0
    for entry in entries {
        #expect(entry.prev == topics[entry.topic])
        topics[entry.topic] = entry.seq
        guard entry.topic.hasPrefix("match.") else { continue }
        let message = try WireCoding.decode(MatchMessage.self, entry.body)
        #expect(message.seq == entry.seq && message.prev == entry.prev)
        phases[message.event, default: []].append(message.phase)
        if message.phase == "start" { started[message.event] = entry.seq }
        if message.reason == "interrupted" { restarted = entry.seq }
    }
    for (event, phases) in phases {
        let inner = phases.dropFirst().dropLast(phases.last == "end" ? 1 : 0)
        #expect(phases.first == "start" && inner.allSatisfy { $0 == "update" }, "\(event): \(phases)")
        #expect(phases.last == "end" || started[event] ?? 0 > restarted, "\(event): \(phases)")
    }
}
