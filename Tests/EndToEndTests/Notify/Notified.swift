import Foundation
import Journal
import Messaging
import Synchronization
import TestSupport
import Testing
import WireFormat

/// A daemon with notifiers.
struct Notified {
    let place: Place

    init() throws { place = try Place() }

    /// A file that nobody else may read.
    func secret(_ name: String, _ text: String) throws -> String {
        let file = place.folder.appending(path: name)
        try text.write(to: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        return file.path
    }

    /// The daemon's arguments; without streams, it makes no more events.
    ///
    /// `isRealtime`: films play as fast as a camera sends.
    func daemon(_ notifiers: [String], streams: Bool = true, isRealtime: Bool = false) throws -> [String] {
        let arguments = try place.daemon()
        let config = URL(filePath: arguments[2])
        var text = try String(contentsOf: config, encoding: .utf8)
        if !streams {
            text = text.split(separator: "\n").filter { !$0.hasPrefix("- {name: s") }.joined(separator: "\n")
            text = text.replacing("streams:\n", with: "")
        }
        if isRealtime { text = text.replacing("loop: true}", with: "loop: true, realtime: true}") }
        text += "\nnotify:\n" + notifiers.map { "- {\($0)}" }.joined(separator: "\n")
        try text.write(to: config, atomically: true, encoding: .utf8)
        return arguments
    }

    func start(_ arguments: [String]) async throws -> Program {
        let daemon = try Program(arguments[0], Array(arguments.dropFirst()))
        let answers = try await until {
            if !daemon.isRunning { return true }
            return (try? await place.ask("status"))?.ok == true
        }
        try #require(answers && daemon.isRunning)
        return daemon
    }

    func notifier(_ name: String) async throws -> JSONValue? {
        try await place.ask("notify.list").result?.array?.first { $0["name"] == .string(name) }
    }

    /// Waits until a notifier is in a state.
    func reaches(_ state: String, _ name: String) async throws -> Bool {
        try await until { try await notifier(name)?["state"] == .string(state) }
    }

    /// What the daemon's command line prints.
    func run(_ arguments: [String]) async throws -> String {
        try await Program(Fixtures.plugins + "/watchword", arguments + ["--control", place.control]).rest()
    }

    /// Holds CloudEvents, in the order they came, against the journal; how many events it has.
    @discardableResult
    func check(_ events: [JSONValue]) throws -> Int {
        let journal = try Journal(path: place.journal)
        let entries = try journal.replay(since: 0, limit: 1_000_000).entries.filter { $0.topic.hasPrefix("match.") }
        var bodies: [String: JSONValue] = [:]
        for entry in entries { bodies["\(journal.identity)-\(entry.seq)"] = try JSONText.parse(entry.body) }
        var first: [Int64] = []
        var seen: Set<String> = []
        for event in events {
            guard let id = event["id"]?.string, let data = event["data"], seen.insert(id).inserted else { continue }
            #expect(data == bodies[id])
            first.append(data["seq"]?.integer ?? 0)
        }
        #expect(first == entries.map(\.seq), "all of them, the first times in order")
        return entries.count
    }
}

/// When messages were published, by a subscriber of the daemon's.
final class PublishedTimes: Sendable {
    private let follower: EventFollower
    private let times = Times()

    private final class Times: Sendable {
        let value = Mutex<[Int64: Double]>([:])
    }

    init(_ place: Place) {
        follower = EventFollower(publish: place.publish, control: place.control)
        Thread { [follower, times] in
            try? follower.run(since: nil, open: false) { next in
                guard case .message(let message) = next else { return }
                times.value.withLock { $0[message.seq] = Date().timeIntervalSince1970 }
            }
        }.start()
    }

    deinit { follower.stop() }

    /// Milliseconds from publishing to arrival, of which that share is not longer, and of how many.
    func delay(_ share: Double, of arrivals: [(seq: Int64, at: Double)]) -> (milliseconds: Int, count: Int) {
        let times = times.value.withLock { $0 }
        let delays = arrivals.compactMap { one in times[one.seq].map { one.at - $0 } }.sorted()
        guard !delays.isEmpty else { return (0, 0) }
        return (Int(delays[min(delays.count - 1, Int(share * Double(delays.count)))] * 1000), delays.count)
    }
}
