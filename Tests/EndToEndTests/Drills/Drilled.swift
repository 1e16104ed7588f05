import Concurrency
import Foundation
import TestSupport
import Testing
import WireFormat

/// The number of repetitions of each drill: 1, or `WATCHWORD_DRILLS`.
let drillRounds = ProcessInfo.processInfo.environment["WATCHWORD_DRILLS"].flatMap { Int($0) } ?? 1

/// A daemon whose streams get into trouble.
struct Drilled {
    let place: Place
    let program: Program

    /// A query that exists only so that windows can be examined, and one that the film matches.
    static let queries = [
        "- {id: steady, text: something moves, head: mean, frames: \(HealthyStream.window), threshold: 0.99}",
        "- {id: circle, text: a blue circle, head: mean}",
    ]

    /// Starts a daemon; `within` is a command that runs it, `more` are further keys of the configuration.
    init(
        _ place: Place, queries: [String] = Drilled.queries, more: [String] = [], within: [String] = []
    ) throws {
        self.place = place
        let command = within + (try Self.command(place, queries: queries, more: more))
        program = try Program(command[0], Array(command.dropFirst()))
    }

    /// Writes the daemon's configuration, and returns its command.
    static func command(
        _ place: Place, model: URL = Fixtures.shapes, queries: [String] = Drilled.queries, more: [String] = []
    ) throws -> [String] {
        let config = place.folder.appending(path: "w.yaml")
        let lines = [
            "model: \(model.path)", "head: mean", "journal: \(place.journal)", "publish: \(place.publish)",
            "control: \(place.control)", "pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)",
            // All drills ask at once, from one process.
            "log: {level: error}", "limits: {requests_per_second: 100000}",
        ]
        // Cameras on loopback, and pipelines that wait longer for packets.
        let sources = more.contains("sources:") ? [] : ["sources: {launch: true, addresses: [127.0.0.0/8]}"]
        try (lines + sources + more + ["queries:"] + queries).joined(separator: "\n").write(
            to: config, atomically: true, encoding: .utf8)
        return [Fixtures.plugins + "/watchwordd", "--config", config.path]
    }

    /// Waits until the daemon answers.
    func ready() async throws {
        try #require(try await until { (try? await place.ask("status"))?.ok == true })
    }

    /// Adds a stream that gives up its source and opens it again sooner than by default.
    func add(_ name: String, _ uri: String, _ more: [String: JSONValue] = [:]) async throws {
        let usual: [String: JSONValue] = [
            "name": .string(name), "uri": .string(uri), "connect": .number(4), "stall": .number(3),
            "backoff": .object(["first": .number(0.5), "most": .number(4)]),
        ]
        let args = usual.merging(more) { $1 }
        let reply = try await place.ask("stream.add", .object(args))
        try #require(reply.ok, "\(reply)")
    }

    /// Adds the stream that nothing happens to, and waits until it can be examined.
    ///
    /// Its pipeline waits longer for packets than the template's, since a busy machine makes them late.
    func addHealthy(_ cameras: Cameras) async throws -> HealthyStream {
        let uri = try await cameras.add("healthy", film: HealthyStream.film, seconds: HealthyStream.seconds)
        let launch =
            "rtspsrc location=\(uri) protocols=tcp latency=3000 ! application/x-rtp,media=video"
            + " ! decodebin ! videoconvert name=convert ! appsink name=frames"
        let limits: [String: JSONValue] = ["connect": .number(30), "stall": .number(30)]
        try await add("healthy", uri, ["launch": .string(launch), "realtime": .bool(true)].merging(limits) { $1 })
        return try await HealthyStream(self)
    }

    func stream(_ name: String) async throws -> JSONValue? {
        try await place.ask("stream.get", .object(["name": .string(name)])).result
    }

    func sampled(_ name: String) async throws -> Int64 { try await stream(name)?["sampled"]?.integer ?? 0 }

    /// The bodies of a topic's messages with a number above `since`, in order.
    func messages(_ topic: String, since: Int64 = 0) async throws -> [JSONValue] {
        let args: JSONValue = .object([
            "since": .integer(since), "limit": .integer(10_000), "topic": .string(topic),
        ])
        let found = try await place.ask("events.replay", args).result?.array ?? []
        return found.filter { $0["topic"]?.string == topic }.compactMap { $0["body"] }
    }

    /// The states that a stream has had since a number, as words.
    func states(_ name: String, since: Int64 = 0) async throws -> [String] {
        try await messages("stream.\(name)", since: since).compactMap { $0["state"]?.string }
    }

    /// Waits until the stream plays and has sampled some more frames.
    func plays(_ name: String, frames: Int64 = 8) async throws -> Bool {
        let before = try await sampled(name)
        return try await until {
            let now = try await stream(name)
            return now?["state"]?.string == "playing" && now?["sampled"]?.integer ?? 0 >= before + frames
        }
    }

    func end() async throws { #expect(try await program.terminate() == 0) }
}

/// The healthy stream beside the one in trouble, examined all the time: its sampled frames and its messages.
final class HealthyStream: Sendable {
    /// The frames of the examined window: longer than the time between two examinations.
    static let window = 16
    /// The film that the stream repeats; in the first 10 s a blue circle is visible, from 3 to 9.9 s.
    static let film = Fixtures.repository.appending(path: "Tests/Fixtures/videos/lobby.mp4").path
    static let seconds = 12

    static let name = "healthy"
    private let daemon: Drilled
    /// Returns the stream's current window, in seconds of its film; nil if the window is not full.
    private let look: @Sendable () async throws -> (start: Double, end: Double)?
    private let looking: Task<[(start: Double, end: Double)], any Error>
    /// The number of frames sampled at the first examination, and of those shed because the machine was busy.
    private let before: Int64

    /// Waits until the window is full and its times are regular, then begins to examine it.
    init(_ daemon: Drilled) async throws {
        let name = Self.name
        self.daemon = daemon
        let look = { @Sendable () async throws -> (start: Double, end: Double)? in
            let args: JSONValue = .object(["id": .string("steady"), "stream": .string(name)])
            let told = try await daemon.place.ask("query.explain", args).result?.array?.first
            guard told?["heldBack"]?["code"]?.string != "no-window", let media = told?["media"],
                let start = media["start"]?.double, let end = media["end"]?.double
            else { return nil }
            return (start, end)
        }
        self.look = look
        // In its first two seconds GStreamer's jitter buffer finds out how the camera's clock goes, and moves times by
        // it.
        try #require(try await until { try await (look()?.start ?? 0) > 2 })
        before = Self.frames(try await daemon.stream(name))
        looking = Task {
            var windows: [(start: Double, end: Double)] = []
            while !Task.isCancelled {
                // A window that is not full any more is one of a stream that was cut.
                windows.append(try await look() ?? (.infinity, .infinity))
                try? await Task.sleep(for: .milliseconds(500))
            }
            return windows
        }
    }

    /// Expects that no frame is missing, that it has played all the time, and that all of its events exist.
    ///
    /// Frames are examined a window at a time: a window that lacks a frame is longer.
    func expectUnaffected() async throws {
        let name = Self.name
        // However short the drill was, the first of its events is over then.
        try #require(try await until { try await (self.look()?.end ?? 0) > 10 })
        looking.cancel()
        let windows = try await looking.value
        let fps = 4.0
        let whole = Double(Self.window - 1) / fps
        let stream = try #require(try await daemon.stream(name))
        #expect(stream["dropped"]?.integer == 0, "\(stream)")
        // One frame every quarter of a second, sampled or counted as shed: both were looked at one after the other.
        let first = try #require(windows.first).end
        let last = try #require(windows.last).end
        let frames = Double(Self.frames(stream) - before)
        #expect(abs(frames - (last - first) * fps) <= 6, "\(frames) frames from \(first) to \(last) s of \(name)")
        // A machine that is busy with something else thins all streams alike, which is counted; else windows are whole.
        // A camera gives 25 frames a second: none is nearer than 0.04 s to its time, and times jitter a little.
        let shed = stream["shed"]?.integer ?? -1
        let lacking = windows.filter { !($0.end - $0.start < whole + 0.6 / fps) }
        let apart = zip(windows, windows.dropFirst()).filter { one, next in
            !(next.end >= one.end && next.start <= one.end + 6 / fps)
        }
        let load = (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8)) ?? ""
        #expect(
            lacking.isEmpty || shed > 0,
            "\(lacking) of \(windows.count) windows lack a frame; load \(load)")
        #expect(
            apart.isEmpty || shed > 0, "windows that are looked at do not follow each other; load \(load)")
        let states = try await daemon.messages("stream.\(name)")
        #expect(states.compactMap { $0["state"]?.string }.drop { $0 == "connecting" } == ["playing"], "\(states)")
        try await expectEvents(until: windows.last?.end ?? 0)
    }

    private static func frames(_ stream: JSONValue?) -> Int64 {
        (stream?["sampled"]?.integer ?? 0) + (stream?["shed"]?.integer ?? 0)
    }

    private func expectEvents(until end: Double) async throws {
        let messages = try await daemon.messages("match.\(Self.name).circle")
        let starts = messages.filter { $0["phase"]?.string == "start" }.compactMap { $0["media"]?["start"]?.double }
        let period = Double(Self.seconds)
        var loops = 0
        while Double(loops) * period + 9 < end { loops += 1 }
        for loop in 0..<loops {
            let here = starts.filter { Int(($0 / period).rounded(.down)) == loop }
            #expect(here.count == 1, "\(Self.name) has \(here.count) events in loop \(loop) of \(loops): \(starts)")
        }
        #expect(loops > 0)
    }
}
