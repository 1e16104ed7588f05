import Foundation
import Journal
import TestSupport
import Testing

@Suite("The event stream", .serialized)
struct EventStreamTests {
    /// The configuration of a daemon with repeated clips, and thresholds that are crossed all the time.
    private func configuration(_ folder: URL, port: Int) throws -> String {
        let videos = ["lobby", "dock"].enumerated().map { index, name in
            let path = Fixtures.repository.appending(path: "Tests/Fixtures/videos/\(name).mp4").path
            return "- {name: s\(index), uri: \(path), loop: true}"
        }
        let shapes = ["a blue circle", "a red square", "a green triangle", "a yellow star", "the lights go out"]
        let queries = (0..<40).map {
            "- {id: q\($0), text: \(shapes[$0 % 5]), threshold: \(0.1 + 0.01 * Double($0 / 5)), hysteresis: 0.0}"
        }
        let lines = [
            "model: \(Fixtures.shapes.path)", "head: mean", "journal: \(folder.path)/journal.sqlite",
            "publish: ipc://\(folder.path)/e", "control: ipc://\(folder.path)/c", "plugins: \(Fixtures.plugins)",
            "pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)", "log: {level: error}",
            "http: {listen: \"127.0.0.1:\(port)\"}", "streams:",
        ]
        let file = folder.appending(path: "w.yaml")
        try (lines + videos + ["queries:"] + queries).joined(separator: "\n").write(
            to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    @Test("a follower of a daemon that is killed and starts again is told every message once, and in order")
    func resumed() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sse-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let port = Int(try freePort())
        let command = ["--config", try configuration(folder, port: port)]
        let address = "http://127.0.0.1:\(port)/api/v1/events/stream"
        let all = try Web.client(["follow", address + "?since=0", "600"])
        let some = try Web.client(["follow", address + "?since=0&query=q0&stream=s0", "15"])
        var daemon: Program?
        var seqs: [Int64] = []
        for round in 0..<600 {
            if round % 200 == 0 {
                daemon?.kill()
                daemon = try Program(Fixtures.plugins + "/watchwordd", command)
            }
            let line = try await all.line()
            seqs.append(Int64(line.prefix { $0 != " " }) ?? -1)
        }
        let found = try await some.rest().split(separator: "\n").compactMap { Int64($0.prefix { $0 != " " }) }
        let last = try #require(daemon)
        last.kill()
        #expect(try await until { !last.isRunning })
        #expect(seqs == Array(1...600))
        let kept = try Journal(path: "\(folder.path)/journal.sqlite").replay(since: 0, limit: 1_000_000).entries
        let wanted = kept.filter { $0.query == "q0" && $0.stream == "s0" }.map(\.seq)
        #expect(found.count == 15 && found == Array(wanted.prefix(15)))
    }

    @Test("one who comes back to a restored journal with a number is told which journal it is, and gets what follows")
    func restored() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sse-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = "\(folder.path)/journal.sqlite"
        let pending = PendingMessage(topic: "match.s.q", query: "q", stream: "s") { seq, _ in
            Data("{\"seq\":\(seq)}".utf8)
        }
        let append = { (count: Int) in
            let journal = try Journal(path: path)
            for _ in 0..<count { _ = try journal.append([pending]) }
            return journal.identity
        }
        let first = try append(25)
        try FileManager.default.copyItem(atPath: path, toPath: path + ".copy")
        _ = try append(28)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: path + ".copy", toPath: path)
        // How far it was published is known, then unknown.
        for isKnown in [true, false] {
            if !isKnown {
                try FileManager.default.removeItem(atPath: path + "-last")
            }
            let port = Int(try freePort())
            let file = folder.appending(path: "w.yaml")
            let lines = [
                "model: \(Fixtures.shapes.path)", "journal: \(path)", "publish: ipc://\(folder.path)/e",
                "control: ipc://\(folder.path)/c", "log: {level: error}", "http: {listen: \"127.0.0.1:\(port)\"}",
                "pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)",
            ]
            try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
            let daemon = try Program(Fixtures.plugins + "/watchwordd", ["--config", file.path])
            let address = "http://127.0.0.1:\(port)/api/v1/events/stream"
            // From a number that it has: what it still has, and what was lost.
            let since = try await Web.client(["follow", address + "?since=23", "4"]).rest().split(separator: "\n")
            #expect(
                since.map { $0.split(separator: " ").prefix(2).joined(separator: " ") } == [
                    "23 journal", "24 match", "25 match", "53 lost",
                ])
            #expect(
                since.first?.contains("\"\(first)\"") == true && since.last?.contains("restored") == true, "\(since)")
            // From one that it may have had, as a browser comes back.
            let later = try await Web.client(["follow", address, "1", isKnown ? "53" : "60"]).rest()
            #expect(later.hasPrefix("53 journal "), "\(later)")
            let beyond = try await Web.client(["follow", address + "?since=60", "1"]).rest()
            #expect(beyond.hasPrefix("status 409"), "\(beyond)")
            #expect(try await daemon.terminate() == 0)
        }
    }

    @Test("a browser with a number above the newest goes on in a journal that no branch tells from its own")
    func restoredWithItsMark() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sse-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let pending = PendingMessage(topic: "match.s.q", query: "q", stream: "s") { seq, _ in
            Data("{\"seq\":\(seq)}".utf8)
        }
        let path = "\(folder.path)/journal.sqlite"
        let fill = {
            let journal = try Journal(path: path)
            for _ in 0..<25 { _ = try journal.append([pending]) }
        }
        try fill()
        let port = Int(try freePort())
        let file = folder.appending(path: "w.yaml")
        let lines = [
            "model: \(Fixtures.shapes.path)", "journal: \(path)", "publish: ipc://\(folder.path)/e",
            "control: ipc://\(folder.path)/c", "log: {level: error}", "http: {listen: \"127.0.0.1:\(port)\"}",
            "pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)",
        ]
        try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
        let daemon = try Program(Fixtures.plugins + "/watchwordd", ["--config", file.path])
        let address = "http://127.0.0.1:\(port)/api/v1/events/stream"
        let later = try await Web.client(["follow", address, "1", "60"]).rest()
        #expect(later.hasPrefix("25 journal "), "\(later)")
        let beyond = try await Web.client(["follow", address + "?since=60", "1"]).rest()
        #expect(beyond.hasPrefix("status 409"), "\(beyond)")
        #expect(try await daemon.terminate() == 0)
    }
}
