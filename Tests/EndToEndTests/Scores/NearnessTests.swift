import Foundation
import TestSupport
import Testing
import WireFormat

@Suite("watch without an event", .serialized)
struct NearnessTests {
    private let lobby = Fixtures.videos.appending(path: "lobby.mp4").path

    private struct Line: Decodable {
        struct Query: Decodable { let text: String }
        let start, end: Double
        let query: Query
        let score: Double?
    }

    private func file(_ text: String, _ name: String) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "near-\(UUID())-\(name)")
        try Data(text.utf8).write(to: file)
        return file.path
    }

    @Test(
        "the best moment and score of each query stand beside its threshold, for every head",
        arguments: [
            "mean", "transformer", "lstm", "tight",
        ])
    func best(_ head: String) async throws {
        let scores = try file("", "scores.jsonl")
        let texts = ["a red circle", "a blue square", "一个红色的圆"]
        let found = try await run(
            "watchword",
            ["watch", lobby, "--query"] + texts + ["--head", head, "--threshold", "500", "--scores", scores],
            environment: ["COLUMNS": "200"])
        #expect(found.code == 0, "\(found.err)")
        #expect(found.out.contains("No event of any of 3 queries"), "\(found.out)")
        let lines = try String(contentsOfFile: scores, encoding: .utf8).split(separator: "\n").map {
            try JSONDecoder().decode(Line.self, from: Data($0.utf8))
        }
        for text in texts {
            let best = try #require(
                lines.filter { $0.query.text == text && $0.score != nil }.max { ($0.score ?? 0) < ($1.score ?? 0) })
            let row = try #require(found.out.split(separator: "\n").first { $0.hasPrefix(text) }, "\(found.out)")
            let number = String(format: "%.3f", best.score ?? 0)
            #expect(row.contains(number) && row.contains("500.000"), "\(row): \(number)")
            // Of windows that score alike, the first.
            let moments = lines.filter { $0.query.text == text && String(format: "%.3f", $0.score ?? 0) == number }
            #expect(
                moments.contains { row.contains(String(format: "%.2f–%.2f s", $0.start, $0.end)) }, "\(row)")
        }
    }

    @Test("queries that had an event are not listed, and JSON has nothing but events on standard output")
    func some() async throws {
        let queries = try file(
            """
            - {text: a red circle, threshold: -1}
            - {text: a blue square, threshold: 0.99}
            """, "q.yaml")
        let arguments = ["watch", lobby, "--queries", queries, "--head", "mean"]
        let found = try await run("watchword", arguments)
        #expect(found.out.contains("No event of 1 of 2 queries"), "\(found.out)")
        let listed = found.out.split(separator: "\n").drop { !$0.hasPrefix("QUERY") }
        #expect(listed.contains { $0.hasPrefix("a blue square") } && !listed.contains { $0.contains("red circle") })
        let json = try await run("watchword", arguments + ["--json"])
        for line in json.out.split(separator: "\n") {
            let event = try WireCoding.decode(MatchMessage.self, Data(line.utf8))
            #expect(event.query.text == "a red circle")
        }
        #expect(!json.out.isEmpty)
        #expect(json.err.contains("no event of \"a blue square\": best 0."), "\(json.err)")
        #expect(json.err.contains("threshold 0.990"), "\(json.err)")
        let all = try await run("watchword", ["watch", lobby, "--query", "x", "--threshold=-1", "--head", "mean"])
        #expect(!all.out.contains("No event") && all.out.contains("1 events"), "\(all.out)")
    }

    @Test("every rule says what it lacked: a probability, a threshold that is learnt, a duration, a window")
    func rules() async throws {
        let queries = try file(
            """
            - {text: a red circle, against: [a red circle appears], probability: 0.999}
            - {text: a budget, false_alerts_per_day: 1}
            - {text: a duration, threshold: -1, minimum_duration: 1000}
            - {text: a long window, threshold: -1, frames: 1000}
            """, "q.yaml")
        let found = try await run(
            "watchword", ["watch", lobby, "--queries", queries, "--head", "mean"], environment: ["COLUMNS": "200"])
        func row(_ text: String) -> String {
            found.out.split(separator: "\n").first { $0.hasPrefix(text) }.map(String.init) ?? ""
        }
        #expect(row("a red circle").contains("0.999") && row("a red circle").contains("too low"), "\(found.out)")
        #expect(row("a budget").contains("not learnt yet") && row("a budget").contains("still being learnt"))
        #expect(
            row("a duration").contains("it lasted 2") && row("a duration").contains(" of 1000.0 s (--minimum-duration)")
        )
        #expect(row("a long window").contains("no full window was scored"), "\(found.out)")
    }

    @Test("of thousands of queries the nearest twenty are listed, and the others counted")
    func many() async throws {
        let lines = (0..<1500).map { #"{"id":"q\#($0)","text":"shape number \#($0)","threshold":0.99}"# }
        let queries = try file(lines.joined(separator: "\n"), "q.jsonl")
        let found = try await run("watchword", ["watch", lobby, "--queries", queries, "--head", "mean"])
        #expect(found.code == 0, "\(found.err)")
        #expect(found.out.contains("No event of any of 1500 queries") && found.out.contains("1480 more queries"))
        #expect(found.out.split(separator: "\n").count < 60)
    }
}
