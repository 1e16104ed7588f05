import Foundation
import Journal
import TestSupport
import Testing
import WireFormat

/// Tests a daemon that is killed and restarted, with a stream that matches all the time.
@Suite("A cooldown over restarts", .serialized)
struct RestartTests {
    private let lobby = Fixtures.repository.appending(path: "Tests/Fixtures/videos/lobby.mp4").path

    private func write(_ place: Place, cooldown: Int) throws -> URL {
        let config = place.folder.appending(path: "w.yaml")
        let yaml = """
            model: \(Fixtures.shapes.path)
            head: mean
            journal: \(place.journal)
            publish: \(place.publish)
            control: \(place.control)
            pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)
            log: {level: error}
            streams:
            - {name: s, uri: \(lobby), loop: true, realtime: true, fps: 20}
            queries:
            - {id: q, text: a circle, threshold: -1, frames: 1, cooldown: \(cooldown)}
            - {id: g1, text: a star, threshold: -1, frames: 1, cooldown: \(cooldown), group: g}
            - {id: free, text: a house, threshold: -1, frames: 1}
            """
        try yaml.write(to: config, atomically: true, encoding: .utf8)
        return config
    }

    private func started(_ place: Place, _ query: String) throws -> Int {
        try place.entries().count {
            $0.query == query && String(decoding: $0.body, as: UTF8.self).contains("\"phase\":\"start\"")
        }
    }

    /// The number of a query's events, as the daemon reports it.
    private func told(_ place: Place, _ query: String) async throws -> Int {
        let args: JSONValue = .object(["query": .string(query), "limit": .integer(10_000)])
        let messages = try await place.ask("events.replay", args).result?.array ?? []
        return messages.count { $0["body"]?["phase"] == .string("start") }
    }

    /// Starts the daemon, and waits until it has scored some windows.
    private func start(_ config: URL, _ place: Place) async throws -> Program {
        let daemon = try Program(Fixtures.plugins + "/watchwordd", ["--config", config.path])
        let isScoring = try await until {
            // Nobody answers at first.
            let status = try? await place.ask("status").result
            return (status?["scored"]?.integer ?? 0) > 12 && daemon.isRunning
        }
        try #require(isScoring)
        return daemon
    }

    @Test("one alert is told, however often the daemon is killed, told to stop, or its queries are edited")
    func once() async throws {
        let place = try Place()
        let config = try write(place, cooldown: 3600)
        for way in ["kill", "edit", "kill", "terminate", "edit", "kill"] {
            let daemon = try await start(config, place)
            switch way {
            case "kill":
                daemon.kill()
                #expect(try await until { !daemon.isRunning })
            case "edit":
                for changes: [String: JSONValue] in [
                    ["priority": .integer(3)], ["tags": .array([.string("x")])], ["threshold": .number(-2)],
                    ["enabled": .bool(false)], ["enabled": .bool(true)], ["cooldown": .integer(3000)],
                ] {
                    for id in ["q", "g1"] {
                        let args = changes.merging(["id": .string(id)]) { $1 }
                        #expect(try await place.ask("query.update", .object(args)).error == nil)
                    }
                    let before = try await place.ask("status").result?["scored"]?.integer ?? 0
                    #expect(
                        try await until {
                            try await (place.ask("status").result?["scored"]?.integer ?? 0) > before + 8
                        })
                }
                #expect(try await daemon.terminate() == 0)
            default: #expect(try await daemon.terminate() == 0)
            }
        }
        #expect(try started(place, "q") == 1 && started(place, "g1") == 1)
        #expect(try started(place, "free") >= 6, "what has no cooldown is told after each start")
    }

    @Test("a cooldown that is over by the wall clock holds nothing back")
    func over() async throws {
        let place = try Place()
        let config = try write(place, cooldown: 1)
        var before = 0
        for _ in 0..<3 {
            let daemon = try await start(config, place)
            let told = before
            for query in ["q", "g1"] {
                #expect(try await until { try await self.told(place, query) > told })
            }
            before = max(try await self.told(place, "q"), try await self.told(place, "g1"))
            daemon.kill()
            #expect(try await until { !daemon.isRunning })
            let killed = Date()
            #expect(try await until { Date().timeIntervalSince(killed) > 1.5 })
        }
    }
}
