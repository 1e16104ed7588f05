import CLIP
import Foundation
import History
import Messaging
import SystemSupport
import TestSupport
import Testing
import WireFormat

/// Tests a daemon that records streams, and backtests on it, with real films and programs.
@Suite("Searches and backtests of the daemon's history", .serialized)
struct BacktestTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "ww-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// Queries of every head and rule that a history can decide; their events are compared.
    private static let queries = """
        - {id: mean, text: a red triangle, head: mean, frames: 8, threshold: 0.24, cooldown: 3}
        - {id: lstm, text: something moves, head: lstm, threshold: 0.2, minimum_duration: 0.5}
        - {id: transformer, text: a blue circle, head: transformer, threshold: 0.2, confirm: 2/3}
        - {id: tight, text: a red triangle, head: tight, threshold: 0, hysteresis: 1}
        - {id: against, text: a red triangle, head: mean, against: [a dark room, an empty room], probability: 0.5}
        - {id: one, text: something moves, head: mean, threshold: 0.22, group: any}
        - {id: two, text: a red square, head: mean, threshold: 0.22, group: any}
        """

    private var films: [URL] {
        get throws { try Fixtures.entries(of: Fixtures.videos) { $0.pathExtension == "mp4" } }
    }

    private func name(_ film: URL) -> String { film.deletingPathExtension().lastPathComponent }

    private func daemon(_ more: String = "", queries: String = Self.queries, streams: [URL]) throws -> Program {
        let config = folder.appending(path: "w.yaml")
        let list = streams.map { "- {name: \(name($0)), uri: \($0.path)}" }
        try Data(
            """
            model: \(Fixtures.shapes.path)
            precision: f32
            publish: ipc://\(folder.path)/e
            control: ipc://\(folder.path)/c
            journal: \(folder.path)/w.sqlite
            pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)
            \(more)
            streams:
            \(list.joined(separator: "\n"))
            queries:
            \(queries)
            """.utf8
        ).write(to: config)
        return try Program(Fixtures.plugins + "/watchwordd", ["--config", config.path])
    }

    private func ask(_ arguments: [String]) async throws -> (code: Int32, out: String, err: String) {
        try await run("watchword", arguments + ["--control", "ipc://\(folder.path)/c"])
    }

    private func lines(_ arguments: [String]) async throws -> [JSONValue] {
        let found = try await ask(arguments + ["--json"])
        try #require(found.code == 0, "\(arguments): \(found.err)")
        return try found.out.split(separator: "\n").map { try WireCoding.decode(JSONValue.self, Data($0.utf8)) }
    }

    /// Waits until every stream has ended and all its windows have been scored.
    private func ended(_ count: Int) async throws {
        for _ in 0..<1200 {
            let found = try await ask(["stream", "list", "--json"])
            if found.code == 0 {
                let states = try WireCoding.decode(JSONValue.self, Data(found.out.utf8)).array ?? []
                if states.count == count, states.allSatisfy({ $0["state"]?.string == "ended" }) { return }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("the films do not end")
    }

    /// An event in the form that the journal and a backtest share.
    private struct Told: Hashable, CustomStringConvertible {
        let stream: String
        let start: String
        let end: String
        let peak: String
        var description: String { "\(stream) \(start) to \(end), peak \(peak)" }
    }

    @Test("a backtest of every head and rule has the events that the journal has, to the millisecond")
    func sameAsLive() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let films = try films
        let daemon = try daemon(streams: films)
        defer { daemon.kill() }
        try await ended(films.count)
        let journal = try await lines(["events", "--since", "0"])
        for id in ["mean", "lstm", "transformer", "tight", "against", "one"] {
            let live = journal.compactMap { event -> Told? in
                // A group's event is told in the name of the member that leads.
                guard event["phase"]?.string == "end", let by = event["query"]?["id"]?.string,
                    by == id || id == "one" && by == "two"
                else { return nil }
                return Told(
                    stream: event["stream"]?.string ?? "", start: event["start"]?.string ?? "",
                    end: event["end"]?.string ?? "", peak: event["peak"]?["at"]?.string ?? "")
            }
            let result = try #require(try await lines(["query", "backtest", id]).first)
            var tested: [Told] = []
            for stream in result["streams"]?.array ?? [] {
                for alert in stream["alerts"]?.array ?? [] {
                    tested.append(
                        Told(
                            stream: stream["stream"]?.string ?? "", start: alert["start"]?.string ?? "",
                            end: alert["end"]?.string ?? "", peak: alert["peak"]?.string ?? ""))
                }
            }
            #expect(Set(live) == Set(tested), "\(id): \(Set(live).symmetricDifference(tested))")
            #expect(live.count == tested.count && !live.isEmpty, "\(id) has \(live.count) events")
            #expect(result["skipped"]?.array == [])
        }
        try await marked(journal.compactMap { $0["query"]?["id"]?.string == "lstm" ? $0["event"]?.string : nil })
    }

    /// Marks two events of the query `lstm` as right or wrong, and withdraws one verdict.
    private func marked(_ events: [String]) async throws {
        let names = Array(Set(events)).sorted()
        for (event, word) in [
            (names[0], "--right"), (names[1], "--wrong"), (names[2], "--wrong"), (names[1], "--clear"),
        ] {
            _ = try await lines(["events", "mark", event, word])
        }
        let shown = try await lines(["query", "show", "lstm"])[0]
        #expect(shown["verdicts"]?["right"]?.integer == 1 && shown["verdicts"]?["wrong"]?.integer == 1)
        let unknown = try await ask(["events", "mark", "nosuchevent", "--right"])
        #expect(unknown.code != 0 && unknown.err.contains("nosuchevent"))
    }

    @Test("wrong marks suggest higher thresholds and a contrast, each tried on the history, and one is taken")
    func suggestions() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let films = try films
        let daemon = try daemon(
            queries: "- {id: mean, text: something moves, head: mean, frames: 8, threshold: 0.17}", streams: films)
        defer { daemon.kill() }
        try await ended(films.count)
        let ends = try await lines(["events", "--since", "0"]).filter { $0["phase"]?.string == "end" }
            .sorted { ($0["peak"]?["score"]?.value ?? 0) < ($1["peak"]?["score"]?.value ?? 0) }
        try #require(ends.count >= 3)
        let none = try await lines(["query", "suggest", "mean"])[0]
        #expect(none["proposals"]?.array == [] && none["alerts"]?.integer == Int64(ends.count))
        _ = try await lines(["events", "mark", ends[0]["event"]?.string ?? "", "--wrong"])
        for right in ends.suffix(2) {
            _ = try await lines(["events", "mark", right["event"]?.string ?? "", "--right"])
        }
        let found = try await lines(["query", "suggest", "mean", "--against", "an empty room"])[0]
        #expect(found["right"]?.integer == 2 && found["wrong"]?.integer == 1, "\(found)")
        let proposals = found["proposals"]?.array ?? []
        let raised = try #require(proposals.first)
        let threshold = try #require(raised["changes"]?["threshold"]?.value)
        #expect(threshold > ends[0]["peak"]?["score"]?.value ?? 9 && threshold < 1)
        #expect(raised["wrong_left"]?.integer == 0 && (raised["alerts"]?.integer ?? 99) < Int64(ends.count), "\(found)")
        #expect(proposals.last?["changes"]?["against"]?.array == [.string("an empty room")])
        let page = try await ask(["query", "suggest", "mean"])
        #expect(
            page.code == 0 && page.out.contains("RIGHT LOST") && page.out.contains("threshold \(threshold)"), "\(page)")
        let applied = try await ask(["query", "suggest", "mean", "--apply", "1"])
        try #require(applied.code == 0, "\(applied.err)")
        let shown = try await lines(["query", "show", "mean"])[0]
        #expect(abs((shown["threshold"]?.value ?? 0) - threshold) < 1e-6)
        let wrong = try await ask(["query", "suggest", "mean", "--apply", "9"])
        #expect(wrong.code == 64 && wrong.err.contains("--apply"), "\(wrong)")
    }

    @Test("a search of the daemon finds what a search of an index of the same films finds")
    func searches() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let films = Array(try films.prefix(3))
        let daemon = try daemon(queries: "- {id: lstm, text: a cat, head: lstm, threshold: 0.9}", streams: films)
        defer { daemon.kill() }
        try await ended(films.count)
        let index = folder.appending(path: "index").path
        let made = try await run(
            "watchword",
            ["index"] + films.map(\.path) + ["--history", index, "--model", Fixtures.shapes.path, "--precision", "f32"])
        try #require(made.code == 0, "\(made.err)")
        func found(_ answer: [JSONValue]) -> [String: Double] {
            // Of each film the best moment: those of a stream are half minutes of the clock, of a film of its own time.
            Dictionary(answer.map { ($0["stream"]?.string ?? "", $0["score"]?.value ?? 0) }) { max($0, $1) }
        }
        for text in ["a red triangle", "something moves"] {
            let here = try await run(
                "watchword",
                ["search", text, "--history", index, "--model", Fixtures.shapes.path, "--limit", "100", "--json"])
            let there = try await lines(["search", text, "--limit", "100"])
            let wanted = found(
                try here.out.split(separator: "\n").map { try WireCoding.decode(JSONValue.self, Data($0.utf8)) })
            let got = found(there)
            #expect(wanted.count == films.count && Set(wanted.keys) == Set(got.keys), "\(wanted) \(got)")
            for (stream, score) in wanted { #expect(abs(score - (got[stream] ?? 0)) <= 1e-5) }
        }
        // Clip embeddings of a head that was running are searched as they were made.
        let clips = try await lines(["search", "something moves", "--head", "lstm"])
        #expect(!clips.isEmpty && clips.allSatisfy { $0["head"]?.string == "lstm" && $0["approximate"] == nil })
        // What no head recorded is chosen by the mean head, here and there alike.
        for head in ["tight", "transformer"] {
            let there = try await lines(["search", "something moves", "--head", head, "--limit", "100"])
            let here = try await run(
                "watchword",
                [
                    "search", "something moves", "--head", head, "--history", index, "--model", Fixtures.shapes.path,
                    "--limit", "100", "--json",
                ])
            let wanted = try here.out.split(separator: "\n").map {
                try WireCoding.decode(JSONValue.self, Data($0.utf8))
            }
            for one in wanted + there { #expect(one["approximate"] == .bool(true) && one["head"]?.string == head) }
            #expect(Set(found(wanted).keys) == Set(found(there).keys) && !wanted.isEmpty, "\(here.err)")
        }
    }

    @Test("an event and a moment find what is like them, and moments come with pictures")
    func like() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let films = Array(try films.prefix(3))
        let daemon = try daemon(
            queries: "- {id: mean, text: a red triangle, head: mean, frames: 8, threshold: 0.24}", streams: films)
        defer { daemon.kill() }
        try await ended(films.count)
        let end = try #require(
            try await lines(["events", "--since", "0"]).first {
                $0["phase"]?.string == "end" && $0["snapshot"]?.string != nil
            })
        let (event, stream) = (end["event"]?.string ?? "", end["stream"]?.string ?? "")
        let peak = try #require(end["peak"]?["at"]?.string)
        for arguments in [["--event", event], ["--like", "\(stream)@\(peak)"]] {
            let found = try await lines(["search", "--frames", "8", "--limit", "5"] + arguments)
            let first = try #require(found.first)
            #expect(first["stream"]?.string == stream && (first["score"]?.value ?? 0) > 0.9999, "\(first)")
            // The picture of the event's peak.
            #expect(first["preview"]?.string?.hasPrefix("/api/v1/history/picture?stream=\(stream)&at=") == true)
        }
        let wrong: [([String], String)] = [
            (["search", "--event", "nosuchevent"], "nosuchevent"), (["search", "--like", "nobody@\(peak)"], "nobody"),
            (["search", "--like", "\(stream)@7"], "expected a time"), (["search", "--like", peak], "STREAM@TIME"),
            (["search", "x", "--event", event], "--event"), (["search"], "--like"),
        ]
        for (arguments, part) in wrong {
            let refused = try await ask(arguments)
            #expect(refused.code != 0 && refused.err.contains(part), "\(arguments): \(refused.err)")
        }
    }

    @Test("what is removed is found no more, what says history: off is never recorded, and bad requests are refused")
    func removal() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let films = Array(try films.prefix(2))
        let (kept, gone) = (name(films[0]), name(films[1]))
        let daemon = try daemon(queries: "- {id: a, text: a cat, head: mean, threshold: 0.9}", streams: films)
        defer { daemon.kill() }
        try await ended(2)
        let third = try #require(try self.films.last)
        let config = try String(contentsOf: folder.appending(path: "w.yaml"), encoding: .utf8)
        try Data(
            config.replacing("queries:", with: "- {name: silent, uri: \(third.path), history: off}\nqueries:").utf8
        ).write(to: folder.appending(path: "w.yaml"))
        daemon.send(SIGHUP)
        try await ended(3)
        let before = try await lines(["history", "status"])[0]
        #expect((before["streams"]?.array ?? []).compactMap { $0["stream"]?.string } == [kept, gone].sorted())
        let removed = try await lines(["history", "remove", gone])[0]
        #expect(removed["removed"]?.integer == 1)
        let moments = try await lines(["search", "something moves", "--limit", "100"])
        #expect(!moments.isEmpty && moments.allSatisfy { $0["stream"]?.string == kept })

        let wrong: [([String], String)] = [
            (["search", "x", "--from", "12"], "from"), (["search", "x", "--stream", "a b"], "streams"),
            (["query", "backtest", "a", "--alerts-per-day", "0"], "alerts_per_day"),
            (["query", "backtest", "a cat", "--head", "none"], "none"),
            (["search", "a cat", "--head", "none"], "none"),
            (["search", "--like", "\(kept)@2026-11-30T12:00:00Z", "--head", "tight"], "pairs"),
        ]
        for (arguments, key) in wrong {
            let refused = try await ask(arguments)
            #expect(refused.code != 0 && refused.err.contains(key), "\(arguments): \(refused.err)")
        }
    }

    @Test("a budget that is added has its threshold at once, from twenty hours of history")
    func budget() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try recordHours(20)
        let daemon = try daemon(queries: "- {id: a, text: a cat, head: mean, threshold: 0.9}", streams: [])
        defer { daemon.kill() }
        try await ended(0)
        let added = try await ask(
            ["query", "add", "a red triangle", "--id", "b", "--head", "mean", "--false-alerts-per-day", "4"])
        try #require(added.code == 0, "\(added.err)")
        let request = try WireCoding.encode(
            ControlRequest(id: "1", op: "events.replay", args: .object(["topic": .string("threshold.")])))
        for _ in 0..<600 {
            let (control, request) = ("ipc://\(folder.path)/c", request)
            let data = try await blocking { try ControlClient(control).request(request, timeout: 30) }
            let reply = try WireCoding.decode(ControlReply.self, data)
            if let message = reply.result?.array?.first?["body"] {
                #expect(message["query"]?.string == "b" && message["stream"]?.string == "gate")
                #expect(message["why"]?.string == "learnt from the history" && message["previous"]?.value == nil)
                return
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("no threshold is learnt")
    }

    /// Makes a history of a stream `gate` that ended just now, whose embeddings change slowly.
    private func recordHours(_ hours: Double) throws {
        let model = try ModelDirectory(Fixtures.shapes)
        let width = model.architecture.embedding
        let path = "\(folder.path)/w.sqlite.d"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let writer = try HistoryWriter(
            path + "/history",
            HistoryWriter.Settings(model: model.historyIdentity, width: width, window: model.defaults.frames))
        var random = SeededRandom(seed: 3)
        var at = (0..<width).map { _ in Float(random.normal()) }
        let start = Date().timeIntervalSince1970 - hours * 3600
        for second in 0..<Int(hours * 3600) {
            at = at.map { 0.95 * $0 + 0.3 * Float(random.normal()) }
            writer.append(
                HistoryFrame(
                    stream: "gate", embedding: at, media: Double(second), wall: start + Double(second),
                    isDiscontinuity: second == 0))
            if second % 1000 == 999 { writer.flush() }
        }
        writer.close()
    }

    @Test("a daemon without a history says so")
    func off() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let films = Array(try films.prefix(1))
        let daemon = try daemon(
            "history: off", queries: "- {id: a, text: a cat, head: mean, threshold: 0.9}", streams: films)
        defer { daemon.kill() }
        try await ended(1)
        let refused = try await ask(["search", "a cat"])
        #expect(refused.code != 0 && refused.err.contains("history: off"), "\(refused.err)")
        #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "w.sqlite.d/history").path))
    }
}
