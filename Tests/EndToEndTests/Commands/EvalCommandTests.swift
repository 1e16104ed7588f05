import Foundation
import TestSupport
import Testing
import WireFormat

@Suite("The world and eval commands", .serialized)
struct EvalCommandTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "eval-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    private func json(_ text: String) throws -> JSONValue { try WireCoding.decode(JSONValue.self, Data(text.utf8)) }

    @Test("clips of the world are found by their captions, and what cannot be decoded is counted")
    func clips() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = try await run(
            "watchword", ["world", "clips", "--seed", "3", "--count", "20", "--full", "--output", path("clips")])
        #expect(made.code == 0, "\(made.err)")
        let manifest = folder.appending(path: "clips/manifest.jsonl")
        try Data("nothing".utf8).write(to: folder.appending(path: "clips/bad.mp4"))
        let lines =
            try String(contentsOf: manifest, encoding: .utf8)
            + "{\"video\":\"bad.mp4\",\"caption\":\"a red ring\"}\n{\"video\":\"gone.mp4\",\"caption\":\"a red star\"}\n"
        try lines.write(to: manifest, atomically: true, encoding: .utf8)
        let arguments = [
            "eval", "--manifest", manifest.path, "--head", "transformer", "--json", "--cache", path("cache"),
            "--ranks", path("ranks.csv"), "--bootstrap", "50",
        ]
        let first = try await run("watchword", arguments)
        #expect(first.code == 0, "\(first.err)")
        let report = try json(first.out)
        #expect(report["texts"]?.integer == 20 && report["videos"]?.integer == 20)
        #expect(report["missing"]?.array?.compactMap { $0["video"]?.string } == ["gone.mp4", "bad.mp4"])
        let direction = report["results"]?.array?.first?["text_to_video"]
        let recall = try #require(direction?["metrics"]?["R5"]?.value)
        #expect(recall >= 90)
        #expect(try #require(direction?["low"]?["R5"]?.value) <= recall)
        let ranks = try String(contentsOfFile: path("ranks.csv"), encoding: .utf8).split(separator: "\n")
        #expect(ranks.count == 41)
        // From the cache there is nothing to decode, and nothing changes.
        #expect(try FileManager.default.contentsOfDirectory(atPath: path("cache")).count == 20)
        let second = try await run("watchword", arguments)
        #expect(second.out == first.out)
    }

    @Test("a film of the world holds the events that its truth says: the model finds what appears")
    func film() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = try await run(
            "watchword",
            ["world", "video", "--seed", "11", "--seconds", "30", "--output", path("film.mp4"), "--json"])
        #expect(made.code == 0, "\(made.err)")
        let truth = try json(String(contentsOfFile: path("film.events.json"), encoding: .utf8))
        let comings =
            truth["events"]?.array?.filter { $0["kind"]?.string == "appear" }
            .compactMap { $0["start_s"]?.value } ?? []
        #expect(comings.count >= 2)
        let watched = try await run(
            "watchword", ["watch", path("film.mp4"), "--query", "something appears", "--json"])
        let events = try watched.out.split(separator: "\n").map { try json(String($0)) }
            .filter { $0["phase"]?.string == "end" }
        for coming in comings {
            let isSeen = events.contains { event in
                guard let start = event["media"]?["start"]?.value, let end = event["media"]?["end"]?.value
                else { return false }
                return (start...end).contains(coming)
            }
            #expect(isSeen, "\(coming)")
        }
    }

    @Test(
        "bad input is one sentence and the right exit code",
        arguments: [
            (["eval", "--manifest", "/nowhere.jsonl"], Int32(66), "there is no such file"),
            (["eval"], 64, "--manifest"), (["eval", "--benchmark", "msvd"], 64, "--data"),
            (["eval", "--benchmark", "lsmdc", "--data", "/nowhere"], 66, "directory of videos"),
            (["world", "video", "--size", "3x3", "--output", "x.mp4"], 64, "--size"),
            (["world", "video", "--seconds", "5", "--output", "/nowhere/x.mp4"], 73, "cannot be written"),
            (["watch", "shapes://x", "--query", "a red ring"], 66, "a seed"),
        ])
    func badInput(_ arguments: [String], _ code: Int32, _ part: String) async throws {
        let found = try await run("watchword", arguments)
        #expect(found.code == code && found.err.contains(part), "\(found.code): \(found.err)")
    }

    @Test("each file of a manifest that cannot be read is listed, with a cache too; cut captions are counted")
    func unreadable() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = try await run(
            "watchword", ["world", "clips", "--seed", "3", "--count", "4", "--full", "--output", path("clips")])
        #expect(made.code == 0, "\(made.err)")
        let clips = folder.appending(path: "clips")
        let manifest = clips.appending(path: "manifest.jsonl")
        var lines = try String(contentsOf: manifest, encoding: .utf8).split(separator: "\n").map(String.init)
        let long = [String](repeating: "a red ring", count: 60).joined(separator: " ")
        let first = try #require(try json(lines[0])["video"]?.string)
        try FileManager.default.createDirectory(
            at: clips.appending(path: "folder.mp4"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: clips.appending(path: "loop.mp4").path, withDestinationPath: "loop.mp4")
        #expect(mkfifo(clips.appending(path: "pipe.mp4").path, 0o600) == 0)
        try Data().write(to: clips.appending(path: "empty.mp4"))
        lines += ["folder", "loop", "pipe", "empty"].map { "{\"video\":\"\($0).mp4\",\"caption\":\"a red ring\"}" }
        lines.append("{\"video\":\"\(first)\",\"caption\":\"\(long)\"}")
        try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: manifest)
        for cache in [[], ["--cache", path("cache")], ["--cache", path("cache")]] {
            let found = try await run(
                "watchword",
                ["eval", "--manifest", manifest.path, "--head", "mean", "--bootstrap", "0", "--json"] + cache)
            #expect(found.code == 0, "\(cache): \(found.err)")
            let report = try json(found.out)
            let missing = report["missing"]?.array?.compactMap { $0["video"]?.string } ?? []
            #expect(Set(missing) == ["folder.mp4", "loop.mp4", "pipe.mp4", "empty.mp4"], "\(cache): \(missing)")
            #expect(report["texts"]?.integer == 5 && report["cut"]?.integer == 1, "\(found.out)")
            #expect(found.err.contains("1 of 5 captions are longer than the model reads"), "\(found.err)")
        }
    }
}

extension JSONValue {
    /// The value as a number, whole or not.
    var value: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}
