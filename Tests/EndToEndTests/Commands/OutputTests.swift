import Foundation
import Printing
import TestSupport
import Testing
import WireFormat

/// A daemon with a few queries and streams, whose texts are hostile.
private struct Session {
    let place: Place
    let daemon: Program

    /// Starts a daemon; `redirection` is the shell's redirection of its output.
    init(_ configuration: String = "", redirection: String = "") async throws {
        place = try Place()
        let config = place.folder.appending(path: "w.yaml")
        try Data(
            """
            model: \(Fixtures.shapes.path)
            head: mean
            publish: \(place.publish)
            control: \(place.control)
            pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)
            \(configuration)
            """.utf8
        ).write(to: config)
        daemon = try Program(
            "/bin/bash",
            ["-c", "exec \"$0\" --config \"$1\" \(redirection)", Fixtures.plugins + "/watchwordd", config.path])
        let place = place
        try #require(try await until { (try? await place.ask("status"))?.ok ?? false })
    }

    /// Runs `watchword` in a shell with redirections, and returns the redirected output.
    func shell(_ arguments: String, columns: Int? = nil) async throws -> (code: Int32, out: String, err: String) {
        try await watchword(arguments + " --control \(place.control)", columns: columns)
    }
}

/// Runs `watchword` with arguments and redirections as a shell splits them; `$SHORT` is a film.
private func watchword(_ words: String, columns: Int? = nil) async throws -> (code: Int32, out: String, err: String) {
    let folder = FileManager.default.temporaryDirectory.appending(path: "out-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let short = try Films.short()
    return try await blocking {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        let script = "{ \"$0\" \(words); } >\(folder.path)/out 2>\(folder.path)/err"
        process.arguments = ["-c", script, Fixtures.plugins + "/watchword"]
        var environment = ProcessInfo.processInfo.environment
        environment["WATCHWORD_PIPELINES"] = Fixtures.repository.appending(path: "Pipelines").path
        environment["WATCHWORD_MODEL"] = Fixtures.shapes.path
        environment["SHORT"] = short
        environment["COLUMNS"] = columns.map { "\($0)" }
        process.environment = environment
        try process.run()
        process.waitUntilExit()
        func read(_ name: String) throws -> String {
            try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        }
        return (process.terminationStatus, try read("out"), try read("err"))
    }
}

@Suite("What the programs print", .serialized)
struct OutputTests {
    private static let lobby = Fixtures.videos.appending(path: "lobby.mp4").path

    @Test(
        "an output that cannot be written is said in a sentence, and the exit code is 74",
        arguments: [
            "--help", "--version", "watch --help", "--generate-completion-script bash", "model list",
            "model list --json",
            "model inspect", "model inspect --json", "head list", "head inspect mean", "doctor", "doctor --json",
            "embed --text x", "tokenize </proc/version", "keygen", "keygen --json",
            "watch $SHORT --query 'a red circle' --head mean",
            "watch $SHORT --query x --threshold=-1 --head mean --json",
            "watch $SHORT --clip --query 'a red circle' --head mean",
        ])
    func fullDevice(_ words: String) async throws {
        for (redirection, why) in [(">/dev/full", "No space left on device"), (">&-", "it is closed")] {
            let found = try await watchword("\(words) \(redirection)")
            #expect(found.code == 74, "\(words) \(redirection): \(found)")
            #expect(
                found.err.hasSuffix("watchword: standard output cannot be written: \(why)\n"), "\(words): \(found.err)")
        }
    }

    @Test("a reader that leaves early ends a program quietly, as SIGPIPE does", arguments: ["", "trap '' PIPE;"])
    func closedPipe(_ trap: String) async throws {
        let found = try await watchword("--version; \(trap) { sleep 1; \"$0\" model list; echo $? >&2; } | true")
        #expect(found.err == "141\n", "\(found)")
    }

    @Test("what cannot be said on standard error stops nothing, and is not lost on the exit code")
    func fullErrors() async throws {
        let long = String(repeating: "a long text ", count: 40)
        let words = "embed --text '\(long)'"
        #expect(try await watchword("\(words) >/dev/null").code == 0)
        #expect(try await watchword("\(words) >/dev/null 2>/dev/full").code == 74)
        #expect(try await watchword("\(words) >/dev/null 2>&-").code == 0)
        #expect(try await watchword("model inspect /no/such 2>/dev/full").code == 66)
        #expect(try await watchword("--no-such-option 2>&-").code == 64)
    }

    @Test(
        "files that cannot be written are named, with why, and devices are not replaced by files",
        arguments: [
            ("watch $SHORT --query x --head mean --scores /dev/full", "/dev/full", 74),
            ("watch $SHORT --clip --query x --head mean --scores /dev/full", "/dev/full", 74),
            ("watch $SHORT --query x --head mean --scores /no/such/file", "/no/such/file", 73),
            ("watch $SHORT --query x --head mean --scores /tmp", "/tmp", 73),
            ("keygen --output /proc/key", "/proc/key", 73),
        ])
    func files(_ words: String, _ path: String, _ code: Int32) async throws {
        let found = try await watchword(words)
        #expect(
            found.code == code && found.err.contains("\(path)") && found.err.contains("cannot be written"), "\(found)")
        var full = stat()
        #expect(stat("/dev/full", &full) == 0 && full.st_mode & S_IFMT == S_IFCHR)
    }

    @Test("files that may not grow end a program by a sentence, not by a signal")
    func limitedFiles() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "scores-\(UUID())").path
        let script =
            "--version; { ulimit -f 0; exec \"$0\" watch $SHORT --query x --head mean --scores \(file); } 2>&1 | cat"
        let found = try await watchword(script)
        #expect(found.out.contains("\(file) cannot be written: File too large"), "\(found)")
    }

    @Test("an input that cannot be read is a sentence", arguments: ["<&-", "</tmp"])
    func inputs(_ redirection: String) async throws {
        for words in ["tokenize", "query import -"] {
            let found = try await watchword("\(words) \(redirection)")
            #expect(found.code == 74 && found.err.contains("standard input cannot be read"), "\(words): \(found)")
        }
    }

    @Test(
        "a daemon whose log cannot be written goes on watching",
        arguments: [
            ">/dev/full 2>&1", ">&- 2>&-", ">/dev/null 2> >(exec true)",
            // A reader that never reads, and ends with the daemon.
            "2> >(exec tail --pid=$$ -f /dev/null >/dev/null 2>&1)",
        ])
    func daemonLog(_ redirection: String) async throws {
        let session = try await Session("log: {level: trace}", redirection: redirection)
        // Each of these is logged; more of them than a pipe holds.
        let place = session.place
        for number in 0..<400 {
            let stream = JSONValue.object(["name": .string("s\(number % 4)"), "uri": .string("/no/such/\(number)")])
            _ = try await place.ask("stream.add", stream)
        }
        #expect(try await place.ask("stream.add", .object(["name": .string("x"), "uri": .string("test://ball")])).ok)
        let plays = try await until {
            try await place.ask("stream.get", .object(["name": .string("x")])).result?["state"] == .string("playing")
        }
        #expect(plays)
        session.daemon.kill()
    }

    @Test("escape sequences of texts, names and tags never reach a terminal, from any command")
    func escapes() async throws {
        let session = try await Session()
        let hostile = "\u{1B}]0;pwned\u{7}\u{9B}31m\u{202E}evil\u{2066}\r\nid\u{200B}"
        let place = session.place
        let query = JSONValue.object([
            "id": .string("q"), "text": .string(hostile), "tags": .array([.string("tag")]), "threshold": .number(0.1),
            "metadata": .object(["k": .string(hostile)]),
        ])
        #expect(try await place.ask("query.add", query).ok)
        _ = try await place.ask("stream.add", .object(["name": .string("s"), "uri": .string("/no/\u{1B}[2J\u{7F}")]))
        var said = ""
        for words in [
            "query list", "query list --json", "query show q", "query show q --json", "query export",
            "query export --format jsonl", "query explain q", "query test $'\\e[31mx'", "stream list", "stream show s",
            "stream list --json", "status", "status --json", "query show $'\\e[31m'", "stream rm $'\\e[31m\\x7f'",
            "query add $'\\e[1mbold\\x9b' --id bold", "query list $'\\e[31m'", "$'\\e[31m'",
        ] {
            let found = try await session.shell(words)
            said += found.out + found.err
            #expect(
                !(found.out + found.err).unicodeScalars.contains { $0 != "\n" && ControlCharacters.isUnsafe($0) },
                "\(words): \((found.out + found.err).debugDescription)")
            if words.contains("--json") { #expect(throws: Never.self) { try json(found.out) } }
        }
        #expect(said.contains("\\u{1B}]0;pwned"))
        let watched = try await watchword(
            "watch \(Self.lobby) --head mean --threshold 0.1 --query $'\\e[31mred\\nline'")
        #expect(!watched.out.unicodeScalars.contains { $0 != "\n" && ControlCharacters.isUnsafe($0) }, "\(watched.out)")
        #expect(watched.out.contains("\\u{1B}[31mred\\nline"))
        // What was exported means the same.
        let exported = try await session.shell("query export").out
        let again = try await Session()
        let file = place.folder.appending(path: "q.yaml")
        try Data(exported.utf8).write(to: file)
        #expect(try await again.shell("query import \(file.path)").code == 0)
        #expect(try json(try await again.shell("query show q --json").out)["text"] == .string(hostile))
    }

    private func json(_ text: String) throws -> JSONValue { try WireCoding.decode(JSONValue.self, Data(text.utf8)) }
}

@Suite("Pages for people", .serialized)
struct PageTests {
    private static let queries = """
        streams:
        - {name: front-door-of-the-building-2, uri: "rtsp://10.255.255.1:1/h264Preview_01_main?channel=1&subtype=0"}
        - {name: gate, uri: "rtsp://camera.invalid/stream/with/a/very/long/path/to/the/picture/of/the/gate"}
        - {name: ball, uri: "test://ball"}
        queries:
        - {id: van, text: "a white van stops at the gate and somebody gets out of it with a parcel", threshold: 0.3}
        - {id: bmw, text: "一辆红色的宝马停在大门口然后有人下车走进大楼里去拿一个很大的包裹", threshold: 0.3, streams: ["gate", "!ball"]}
        - {id: falls, text: "somebody falls", false_alerts_per_day: 1}
        - {id: night, text: "a dog 🐕‍🦺 barks", against: [an empty street, a van]}
        """

    @Test("lists and pages fit the terminal, and say everything")
    func fits() async throws {
        let session = try await Session(Self.queries)
        let place = session.place
        try #require(
            try await until {
                try await place.ask("stream.get", .object(["name": .string("gate")])).result?["restarts"]?.integer ?? 0
                    > 0
            })
        for columns in [80, 60, 132] {
            for words in [
                "stream list", "query list", "status", "stream show gate", "query show bmw", "query explain falls",
                "doctor", "model list", "model inspect", "head list",
            ] {
                let isAsked = !words.hasPrefix("model") && !words.hasPrefix("head")
                let found =
                    isAsked
                    ? try await session.shell(words, columns: columns) : try await watchword(words, columns: columns)
                #expect(found.code == 0 && !found.out.isEmpty, "\(found)")
                for line in found.out.split(separator: "\n") {
                    #expect(DisplayWidth.of(line) <= columns, "\(words): \(line)")
                }
            }
        }
        let streams = try await session.shell("stream list", columns: 132).out
        #expect(streams.contains("the name camera.invalid"), "\(streams)")
        let unfolded = try await session.shell("query list", columns: 1000).out
        #expect(unfolded.contains("一辆红色的宝马停在大门口然后有人下车走进大楼里去拿一个很大的包裹"))
    }

    @Test("status is a page of words for people, and JSON for machines")
    func status() async throws {
        let session = try await Session(Self.queries)
        let found = try await session.shell("status")
        #expect(!found.out.contains("{") && !found.out.contains("\""), "\(found.out)")
        for part in ["daemon", "queries", "4 standing", "journal", "streams", "of 3 playing", "NAME", "ball"] {
            #expect(found.out.contains(part), "\(part): \(found.out)")
        }
        let json = try WireCoding.decode(
            JSONValue.self, Data(try await session.shell("status --json").out.utf8))
        #expect(json["queries"] == .integer(4) && json["streams"]?.array?.count == 3)
    }

    @Test("commands go by their customary names, too, and others are answered with those that there are")
    func names() async throws {
        let session = try await Session(Self.queries)
        #expect(try await session.shell("stream rm ball").out == "removed ball\n")
        #expect(try await session.shell("streams delete gate").out == "removed gate\n")
        #expect(try await session.shell("query rm van").out == "removed van\n")
        #expect(try await session.shell("queries ls").out.contains("falls"))
        #expect(try await session.shell("query delete falls").code == 0)
        #expect(try await watchword("model ls").out == watchword("model list").out)
        let model = try await watchword("model rm shapes")
        #expect(model.code == 64 && model.err.contains("rm -r '\(Fixtures.shapes.path)'"), "\(model.err)")
        #expect(try await watchword("head rm mean").err.contains("libwatchword-head-mean.so"))
        for (words, part) in [
            ("stream lst", "did you mean list?"), ("stream zap", "There are: add, test, list, show, remove"),
            ("querry list", "did you mean query?"), ("model remve x", "There are: convert, inspect, list, pull"),
        ] {
            let found = try await watchword(words)
            #expect(found.code == 64 && found.err.contains(part), "\(words): \(found.err)")
        }
    }

    @Test("every name that `model list` prints is known to every command that takes a model")
    func models() async throws {
        let listed = try await watchword("model list --json").out
        let models = try WireCoding.decode(JSONValue.self, Data(listed.utf8)).array ?? []
        #expect(models.contains { $0["name"] == .string("shapes (bundled)") })
        for name in models.compactMap({ $0["name"]?.string }) + ["shapes"] {
            for words in [
                "model inspect '\(name)'", "embed --text x --model '\(name)'", "tokenize --model '\(name)' </dev/null",
                "doctor --model '\(name)'",
                "watch \(Fixtures.videos.path)/lobby.mp4 --query x --head mean --model '\(name)'",
            ] {
                let found = try await watchword("\(words) >/dev/null")
                #expect(found.code == 0, "\(words): \(found.err)")
            }
        }
        let unknown = try await watchword("model inspect shape")
        #expect(
            unknown.code == 66 && unknown.err.contains("there are:") && unknown.err.contains("shapes"), "\(unknown.err)"
        )
    }
}
