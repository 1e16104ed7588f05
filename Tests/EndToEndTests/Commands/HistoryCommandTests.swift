import Foundation
import TestSupport
import Testing
import WireFormat

/// A window and a text, which both `watch --scores` and `search` report.
private struct WindowKey: Hashable {
    let stream: String
    let end: Int
    let text: String

    init(_ stream: String, _ end: Double, _ text: String) {
        (self.stream, self.end, self.text) = (stream, Int((end * 1000).rounded()), text)
    }
}

@Suite("The index and search commands", .serialized)
struct HistoryCommandTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "history-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }
    private var history: String { folder.appending(path: "history").path }

    private func films() throws -> [URL] { try Fixtures.entries(of: Fixtures.videos) { $0.pathExtension == "mp4" } }

    private func lines(_ text: String) throws -> [JSONValue] {
        try text.split(separator: "\n").map { try WireCoding.decode(JSONValue.self, Data($0.utf8)) }
    }

    private struct Truth: Decodable {
        struct Event: Decodable {
            let start_s: Double
            let end_s: Double
            let captions: [String]
        }
        let events: [Event]
    }

    @Test("scores are those that watch prints for the same windows, and events are found by their captions")
    func golden() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let films = try films()
        let made = try await run("watchword", ["index"] + films.map(\.path) + ["--history", history, "--json"])
        #expect(made.code == 0, "\(made.err)")
        #expect(try lines(made.out).allSatisfy { $0["status"]?.string == "indexed" })

        let texts = ["a red triangle", "something moves", "a dark room"]
        var scores: [WindowKey: Double] = [:]
        for film in films {
            let out = folder.appending(path: "scores.jsonl").path
            let watched = try await run(
                "watchword", ["watch", film.path, "--head", "mean", "--scores", out, "--query"] + texts)
            #expect(watched.code == 0, "\(watched.err)")
            for line in try lines(String(contentsOfFile: out, encoding: .utf8)) {
                let (end, text, score) = (line["end"]?.value, line["query"]?["text"]?.string, line["score"]?.value)
                let name = film.deletingPathExtension().lastPathComponent
                let known: Double = try #require(score)
                scores[WindowKey(name, try #require(end), try #require(text))] = known
            }
        }
        let like = try await run(
            "watchword",
            [
                "search", "--like", films[0].deletingPathExtension().lastPathComponent + "@3", "--history", history,
                "--json",
            ])
        let first = try #require(try lines(like.out).first, "\(like.err)")
        #expect((first["score"]?.value ?? 0) > 0.9999 && first["file"]?.string == films[0].path, "\(first)")
        #expect(abs((first["media"]?["peak"]?.value ?? 0) - 3) < 0.3)

        var worst = 0.0
        for text in texts {
            let found = try await run("watchword", ["search", text, "--history", history, "--limit", "100", "--json"])
            #expect(found.code == 0, "\(found.err)")
            let moments = try lines(found.out)
            let best = scores.filter { $0.key.text == text }.values.max()
            #expect(!moments.isEmpty && abs((moments[0]["score"]?.value ?? 0) - (best ?? 0)) <= 1e-5)
            for moment in moments {
                let (stream, peak) = (moment["stream"]?.string, moment["media"]?["peak"]?.value)
                let wanted = scores[WindowKey(try #require(stream), try #require(peak), text)]
                worst = max(worst, abs(try #require(moment["score"]?.value) - (try #require(wanted))))
                #expect(moment["start"] == nil && moment["file"]?.string?.hasSuffix("\(stream ?? "").mp4") == true)
            }
        }
        #expect(worst <= 1e-5)
        print("history: scores of the golden videos differ from watch's by at most \(worst)")
        try await recall(films)
    }

    /// Measures the share of captions with a true event among their first five moments.
    private func recall(_ films: [URL]) async throws {
        var spans: [String: [(stream: String, start: Double, end: Double)]] = [:]
        for film in films {
            let truth = try Fixtures.json(
                Truth.self, film.deletingPathExtension().appendingPathExtension("events.json"))
            for event in truth.events {
                // The fullest caption of each event.
                guard let caption = event.captions.first else { continue }
                let name = film.deletingPathExtension().lastPathComponent
                spans[caption, default: []].append((name, event.start_s, event.end_s))
            }
        }
        // A search is a process: `make quality` makes them all, `make test` one of four.
        let asked = spans.sorted { $0.key < $1.key }.enumerated().filter { measuresQuality || $0.offset % 4 == 0 }
            .map(\.element)
        var found = 0
        for (caption, events) in asked {
            let answer = try await run(
                "watchword", ["search", caption, "--history", history, "--limit", "5", "--json"])
            let isThere = try lines(answer.out).contains { moment in
                let (start, end) = (moment["media"]?["start"]?.value ?? 0, moment["media"]?["end"]?.value ?? 0)
                return events.contains {
                    $0.stream == moment["stream"]?.string && $0.start <= end && $0.end >= start
                }
            }
            if isThere { found += 1 }
        }
        print("history: recall@5 of \(asked.count) captions: \(Double(found) / Double(asked.count))")
        #expect(Double(found) / Double(asked.count) >= 0.5)
    }

    @Test("a run that is killed goes on where it was, and damaged films are named")
    func resumes() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var paths: [String] = []
        for (place, film) in try films().enumerated() {
            let copy = folder.appending(path: "film \(place).mp4").path
            try FileManager.default.copyItem(atPath: film.path, toPath: copy)
            paths.append(copy)
        }
        let whole = try Data(contentsOf: URL(filePath: paths[0]))
        let damaged = ["cut.mp4", "noise.mp4", "empty.mp4"]
        let (cut, noise, empty) = (path(damaged[0]), path(damaged[1]), path(damaged[2]))
        try whole.prefix(whole.count / 2).write(to: URL(filePath: cut))
        try Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0 * 7919 >> 5) }).write(to: URL(filePath: noise))
        try Data().write(to: URL(filePath: empty))
        paths = [paths[0], cut] + paths[1...] + [noise, empty]

        // Killed as soon as the first film is in its place.
        let process = Process()
        process.executableURL = URL(filePath: Fixtures.plugins).appending(path: "watchword")
        process.arguments = ["index"] + paths + ["--history", history, "--json", "--model", Fixtures.shapes.path]
        process.environment = ProcessInfo.processInfo.environment.merging([
            "WATCHWORD_PIPELINES": Fixtures.repository.appending(path: "Pipelines").path
        ]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        try await blocking { _ = output.fileHandleForReading.availableData }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()

        let second = try await run("watchword", ["index"] + paths + ["--history", history, "--json"])
        #expect(second.code == 65, "\(second.err)")
        let outcomes = try lines(second.out)
        let failed = outcomes.filter { $0["status"]?.string == "failed" }.compactMap { $0["file"]?.string }
        #expect(Set(failed.map { URL(filePath: $0).lastPathComponent }) == Set(damaged))
        #expect(outcomes.first?["status"]?.string == "known")
        for name in damaged { #expect(second.err.contains(name)) }
        // A third run finds all whole films there, with every frame once.
        let third = try await run("watchword", ["index"] + paths + ["--history", history, "--json"])
        #expect(try lines(third.out).count { $0["status"]?.string == "known" } == paths.count - 3)
        let parts = try FileManager.default.subpathsOfDirectory(atPath: history).filter { $0.hasSuffix(".part") }
        #expect(parts.isEmpty)
        let found = try await run(
            "watchword", ["search", "a triangle", "--history", history, "--stream", "film 0", "--json"])
        let moments = try lines(found.out)
        #expect(found.code == 0 && !moments.isEmpty)
        #expect(moments.allSatisfy { $0["stream"]?.string == "film 0" })
    }
}
