import Foundation
import Journal
import TestSupport
import Testing
import WireFormat

/// Tests the `query` commands against a running daemon.
@Suite("The query commands", .serialized)
struct QueryCommandTests {
    private let lobby = Fixtures.repository.appending(path: "Tests/Fixtures/videos/lobby.mp4").path
    private static let png =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="

    /// A daemon without queries, and a way to ask it.
    private struct Session {
        let folder: URL
        let daemon: Program

        init(queries: String = "") async throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "ww-\(UUID().uuidString.prefix(8))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let config = folder.appending(path: "w.yaml")
            try Data(
                """
                model: \(Fixtures.shapes.path)
                head: mean
                publish: ipc://\(folder.path)/e
                control: ipc://\(folder.path)/c
                pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)
                \(queries)
                """.utf8
            ).write(to: config)
            daemon = try Program(Fixtures.plugins + "/watchwordd", ["--config", config.path])
            let expected = queries.components(separatedBy: "- {id:").count - 1
            let session = self
            let stand = try await until {
                // It answers before the configuration's queries stand.
                let listed = try await session.ask(["list", "--json"])
                return listed.code == 0 && listed.out.components(separatedBy: "\"id\"").count > expected
            }
            try #require(stand, "the daemon does not answer")
        }

        func ask(_ arguments: [String], input: String? = nil) async throws -> (code: Int32, out: String, err: String) {
            try await run("watchword", ["query"] + arguments + ["--control", "ipc://\(folder.path)/c"], input: input)
        }

        func json(_ arguments: [String]) async throws -> JSONValue {
            let found = try await ask(arguments + ["--json"])
            try #require(found.code == 0, "\(found.err)")
            return try WireCoding.decode(JSONValue.self, Data(found.out.utf8))
        }
    }

    @Test("a query is added with every option, edited, disabled, and taken back to defaults while the daemon runs")
    func life() async throws {
        let session = try await Session()
        let picture = session.folder.appending(path: "one.png")
        try #require(Data(base64Encoded: Self.png)).write(to: picture)
        let added = try await session.ask([
            "add", "a blue circle", "--id", "c", "--phrasing", "a circle that is blue", "--image", picture.path,
            "--against", "an empty room", "--against", "a dark room", "--probability", "0.7", "--frames", "4",
            "--minimum-duration", "1.5", "--confirm", "2/3", "--cooldown", "30", "--group", "shapes", "--priority",
            "-3",
            "--stream", "lob*", "--stream", "!lobby-2", "--label", "indoor", "--active",
            "Europe/Berlin mon-fri 22:00-06:00",
            "--active", "UTC", "--expires", "2040-01-01T00:00:00Z", "--tag", "x", "--metadata", "owner=a=b",
            "--no-snapshot",
        ])
        #expect(added.code == 0 && added.out == "added c\n", "\(added.err)")
        let shown = try await session.json(["show", "c"])
        #expect(shown["against"] == .array([.string("an empty room"), .string("a dark room")]))
        #expect(shown["probability"] == .number(0.7) && shown["threshold"] == nil)
        #expect(shown["streams"]?.array?.compactMap(\.string) == ["lob*", "!lobby-2", "label:indoor"])
        #expect(shown["confirm"] == .object(["need": .integer(2), "of": .integer(3)]))
        #expect(shown["metadata"] == .object(["owner": .string("a=b")]) && shown["priority"] == .integer(-3))
        #expect(shown["images"]?.array?.first?["name"] == .string("one.png"))
        #expect(shown["active"]?.array?.count == 2)
        #expect(shown["expires"] == .string("2040-01-01T00:00:00Z"))

        #expect(
            try await session.ask(["edit", "c", "--threshold", "-0.5", "--clear", "cooldown"]).out == "changed c\n")
        #expect(try await session.ask(["disable", "c"]).code == 0)
        let edited = try await session.json(["show", "c"])
        #expect(edited["threshold"] == .number(-0.5) && edited["against"] == nil)
        #expect(edited["cooldown"] == .integer(0) && edited["enabled"] == .bool(false))
        #expect(edited["minimum_duration"] == .number(1.5) && edited["images"] == shown["images"])
        #expect(try await session.ask(["enable", "c"]).code == 0)
        #expect(try await session.json(["show", "c"])["enabled"] == .bool(true))
        let table = try await session.ask(["list"]).out
        // Folded to 80 columns.
        #expect(table.contains("-0.5") && table.contains("a blue circle +") && table.contains("one.png"), "\(table)")
        #expect(try await session.daemon.terminate() == 0)
    }

    @Test("what is wrong is one sentence, with sysexits' code, and changes nothing")
    func refused() async throws {
        let session = try await Session(queries: "queries: [{id: c, text: a circle}]")
        let before = try await session.json(["show", "c"])
        let cases: [([String], Int32, String)] = [
            (["add", "x", "--threshold", "1", "--against", "y"], 64, "give one rule"),
            (["add", "x", "--probability", "0.5"], 65, "probability: it belongs to against"),
            (["add", "--id", "x"], 65, "\"text\" is missing"),
            (["add", "x", "--image", "/no/such.png"], 66, "/no/such.png cannot be read"),
            (["add", "x", "--image", lobby], 65, "expected a JPEG, PNG, WebP"),
            (["add", "x", "--active", "Mars/Base"], 65, "no time zone"),
            (["edit", "c", "--confirm", "3/2"], 65, "query \"c\": confirm.need: expected 1 to 2, found 3"),
            (["edit", "c", "--group", "a b"], 65, "group"),
            (["edit", "c"], 64, "nothing is changed"),
            (["edit", "c", "--clear", "colour"], 64, "--clear takes one of"),
            (["edit", "nobody", "--cooldown", "1"], 66, "no query \"nobody\""),
            (["explain", "nobody"], 66, "no query \"nobody\""),
            (["explain", "c", "--stream", "nowhere"], 66, "no stream \"nowhere\""),
            (["import", "/no/such.yaml"], 78, "/no/such.yaml: the file of queries cannot be read"),
        ]
        for (arguments, code, part) in cases {
            let found = try await session.ask(arguments)
            #expect(found.code == code && found.err.contains(part), "\(arguments): \(found.code): \(found.err)")
        }
        let mixed = try await session.ask(["import", "-"], input: "{\"text\":\"a\"}\n{\"text\":\"b\",\"frames\":0}\n")
        #expect(mixed.code == 78 && mixed.err.contains("standard input:2: frames"), "\(mixed.err)")
        // What only the daemon can know is refused as a whole, too.
        let heads = try await session.ask(
            ["import", "-"], input: "{\"text\":\"a\"}\n{\"text\":\"b\",\"head\":\"none\"}\n")
        #expect(heads.code == 65 && heads.err.contains("none"), "\(heads.err)")
        #expect(try await session.json(["show", "c"]) == before)
        #expect(try await session.json(["list"]).array?.count == 1)
        #expect(try await session.daemon.terminate() == 0)
    }

    @Test("what is exported from one daemon and imported to another is the same", arguments: ["yaml", "jsonl"])
    func transfer(_ format: String) async throws {
        let session = try await Session()
        let lines = (0..<30).map { "{\"id\":\"q\($0)\",\"text\":\"event \($0 % 5)\",\"threshold\":0.\($0 + 1)}" }
        let more = """
            {"id":"z","text":"say \\"no\\": # yes","against":["a: b"],"active":{"zone":"Asia/Kolkata","hours":"22:00-6:00"}}
            {"id":"y","images":["data:image/png;base64,\(Self.png)"],"false_alerts_per_day":2,"head":"lstm"}
            """
        let added = try await session.ask(["import", "-"], input: lines.joined(separator: "\n") + "\n" + more)
        #expect(added.out == "added 32 queries\n", "\(added.err)")
        let exported = try await session.ask(["export", "--format", format]).out
        let other = try await Session()
        #expect(try await other.ask(["import", "-"], input: exported).out == "added 32 queries\n")
        let copy = try await other.ask(["export", "--format", format]).out
        #expect(copy == exported)
        let list = try await session.json(["list"])
        #expect(try await other.json(["list"]) == list)
        #expect(try await session.daemon.terminate() == 0)
        #expect(try await other.daemon.terminate() == 0)
    }

    @Test("what is learnt for a budget is kept when the daemon is told to stop, for every lane")
    func learning() async throws {
        let session = try await Session(
            queries: """
                journal: j.sqlite
                streams:
                - {name: a, uri: "shapes://7", regions: {left: [0, 0, 0.5, 1]}}
                queries:
                - {id: b, text: something appears, false_alerts_per_day: 1, streams: [a, a/left]}
                """)
        let bothLearn = try await until {
            let told = try await session.json(["explain", "b"]).array ?? []
            return told.count { $0["overBackground"]?["state"]?.string == "learning" } == 2
        }
        #expect(bothLearn)
        #expect(try await session.daemon.terminate() == 0)
        let kept = try Journal(path: session.folder.appending(path: "j.sqlite").path).calibrations()
        #expect(Set(kept.map(\.stream)) == ["a", "a/left"] && kept.allSatisfy { $0.query == "b" })
    }

    @Test("explain and test say why and why not, for people and as JSON")
    func explain() async throws {
        let session = try await Session(
            queries: """
                queries:
                - {id: always, text: a circle, threshold: -1}
                - {id: never, text: a circle, threshold: 1}
                - {id: against, text: a blue circle, against: [a dark room, a red star]}
                - {id: off, text: a circle, enabled: false}
                streams:
                - {name: lobby, uri: \(lobby), realtime: true, loop: true, labels: [indoor]}
                """)
        #expect(
            try await until { try await session.json(["explain", "always"]).array?.first?["open"] == .bool(true) })
        let told = try await session.json(["explain", "always"])
        #expect(told.array?.count == 1 && told.array?.first?["stream"] == .string("lobby"))
        let always = try await session.ask(["explain", "always"])
        #expect(always.out.hasPrefix("lobby: an event is open\n"), "\(always)")
        let never = try await session.ask(["explain", "never", "--stream", "lobby"]).out
        #expect(never.contains("lobby: no event: ") && never.contains("below the threshold of 1"), "\(never)")
        for part in ["rule", "score", "margin", "window", "rank", "best frames"] {
            #expect(never.contains("  \(part) "))
        }
        let contrasts = try await session.ask(["explain", "against"]).out
        #expect(contrasts.contains("\"a dark room\": score ") && contrasts.contains("probability"), "\(contrasts)")
        #expect(try await session.ask(["explain", "off"]).out.contains("no event: the query is disabled"))
        let tested = try await session.ask(["test", "a star", "--threshold", "0.9", "--stream", "label:indoor"]).out
        #expect(tested.contains("lobby: no event: "), "\(tested)")
        #expect(
            try await session.ask(["test", "a star", "--stream", "yard"]).out == "it selects no stream that there is\n")
        #expect(try await session.daemon.terminate() == 0)
    }

    @Test("texts may begin with a hyphen, and numbers may be negative, wherever they are given")
    func hyphens() async throws {
        let session = try await Session()
        let texts: [([String], String)] = [
            (["- a red van"], "- a red van"), (["-h is a letter"], "-h is a letter"), (["--text", "-x"], "-x"),
            (["--text=-y"], "-y"), (["--text", "- z"], "- z"), (["--text", "--json"], "--json"),
        ]
        for (index, (arguments, text)) in texts.enumerated() {
            let found = try await session.ask(
                ["add"] + arguments + ["--id", "t\(index)", "--threshold", "-0.8", "--priority", "-3"])
            #expect(found.out == "added t\(index)\n", "\(arguments): \(found)")
            let shown = try await session.json(["show", "t\(index)"])
            #expect(shown["text"] == .string(text) && shown["threshold"] == .number(-0.8))
        }
        #expect(try await session.ask(["edit", "t0", "--text", "-edited", "--against", "-other"]).code == 0)
        #expect(try await session.json(["show", "t0"])["against"] == .array([.string("-other")]))
        // What may not be negative is refused for what it is.
        for (option, part) in [
            ("--hysteresis", "0 or more"), ("--cooldown", "0 to 86400"), ("--minimum-duration", "0 to 86400"),
            ("--frames", "1 to 1024"), ("--false-alerts-per-day", "0.001"),
        ] {
            let found = try await session.ask(["add", "x", option, "-1"])
            #expect(found.code == 65 && found.err.contains(part), "\(option): \(found)")
        }
        #expect(try await session.ask(["test", "x", "--threshold", "-1"]).code == 0)
        #expect(try await session.ask(["add", "a", "--text", "b"]).code == 64)
        #expect(try await session.daemon.terminate() == 0)
    }

    @Test("add and import say what they did, and reset takes back what hides the configuration")
    func identity() async throws {
        let session = try await Session(
            queries: "journal: j.sqlite\nqueries: [{id: c, text: a circle, threshold: 0.3}]")
        let add = ["add", "a star", "--threshold", "0.5"]
        #expect(try await session.ask(add).out == "added a-star\n")
        #expect(try await session.ask(add).out == "unchanged a-star\n")
        let other = try await session.ask(["add", "a star", "--threshold", "0.6"])
        #expect(other.code == 65 && other.err.contains("\"a-star\" stands already"), "\(other)")
        #expect(
            try await session.ask(["add", "a star", "--threshold", "0.6", "--replace"]).out == "replaced a-star\n")
        let lines = "{\"text\":\"a star\",\"threshold\":0.7}\n{\"text\":\"ein großer Stern\"}\n"
        #expect(
            try await session.ask(["import", "-"], input: lines).out == "added 1, replaced 1, left 0 unchanged\n")
        #expect(
            try await session.ask(["import", "-"], input: lines).out == "added 0, replaced 0, left 2 unchanged\n")
        let refused = try await session.ask(
            ["import", "-", "--no-replace"], input: "{\"id\":\"c\",\"text\":\"x\"}\n")
        #expect(refused.code == 65 && refused.err.contains("stands already"))
        #expect(try await session.ask(["edit", "c", "--threshold", "0.4"]).code == 0)
        #expect(try await session.ask(["list"]).out.contains("shadows-file"))
        #expect(try await session.ask(["reset", "c"]).out == "reset c\n")
        #expect(try await session.ask(["reset", "c"]).out == "unchanged c\n")
        #expect(try await session.ask(["reset", "a-star"]).code == 65)
        let removed = try await session.ask(["remove", "c"])
        #expect(removed.out == "removed c\n" && removed.err.contains("the configuration has \"c\", too"))
        #expect(try await session.daemon.terminate() == 0)
    }
}
