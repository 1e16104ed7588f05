import Foundation
import TestSupport
import Testing
import WireFormat

/// Runs a program of the build to its end, on a thread of its own.
private func runProgram(
    _ program: String, _ arguments: [String], input: String? = nil, environment: [String: String] = [:]
)
    throws -> (
        code: Int32, out: String, err: String
    )
{
    let process = Process()
    process.executableURL = URL(filePath: Fixtures.plugins).appending(path: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging([
        "WATCHWORD_PIPELINES": Fixtures.repository.appending(path: "Pipelines").path,
        "WATCHWORD_MODEL": Fixtures.shapes.path,
    ]) { $1 }.merging(environment) { $1 }
    let folder = FileManager.default.temporaryDirectory.appending(path: "run-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (out, err) = (folder.appending(path: "out"), folder.appending(path: "err"))
    for file in [out, err] { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
    process.standardOutput = try FileHandle(forWritingTo: out)
    process.standardError = try FileHandle(forWritingTo: err)
    let source = folder.appending(path: "in")
    try Data((input ?? "").utf8).write(to: source)
    process.standardInput = try FileHandle(forReadingFrom: source)
    try process.run()
    process.waitUntilExit()
    return (
        process.terminationStatus, try String(contentsOf: out, encoding: .utf8),
        try String(contentsOf: err, encoding: .utf8)
    )
}

/// Runs a program of the build to its end, on a thread that may block.
func run(
    _ program: String, _ arguments: [String], input: String? = nil, environment: [String: String] = [:]
) async throws -> (code: Int32, out: String, err: String) {
    try await blocking { try runProgram(program, arguments, input: input, environment: environment) }
}

/// A file of true events: what happens in a clip, and when.
private struct Truth: Decodable {
    struct Event: Decodable {
        let kind: String, start_s: Double, end_s: Double, captions: [String]
    }
    let events: [Event]
}

@Suite("The programs", .serialized)
struct ProgramTests {
    private let lobby = Fixtures.repository.appending(path: "Tests/Fixtures/videos/lobby.mp4").path

    @Test("watch samples a real film with sound as often as its length says, to its end")
    func realFilm() async throws {
        let film = Fixtures.repository.appending(path: ".build/real-video/bigbuckbunny.mp4").path
        let found = try await run("watchword", ["watch", film, "--query", "a rabbit", "--fps", "4", "--head", "mean"])
        #expect(found.code == 0, "\(found.err)")
        // 132 frames at 25 a second, the last at 5.24 s: frames at 0, 0.25, … 5 s.
        #expect(found.out.contains("21 frames sampled, 14 windows scored"), "\(found.out)")
    }

    @Test("sound is not decoded: no element for it is made")
    func soundIsIgnored() async throws {
        let film = Fixtures.repository.appending(path: ".build/real-video/bigbuckbunny.mp4").path
        let found = try await run(
            "watchword", ["watch", film, "--query", "a rabbit", "--head", "mean"],
            environment: ["GST_DEBUG": "GST_ELEMENT_FACTORY:4", "GST_DEBUG_NO_COLOR": "1"])
        let made = found.err.matches(of: /creating element "([a-z0-9_]+)"/).map { String($0.1) }
        #expect(made.contains("h264parse") && made.contains("qtdemux"), "\(made)")
        #expect(!made.contains { $0.contains("aac") || $0.contains("audio") }, "\(made)")
    }

    @Test("a film over HTTP is sampled as the file is")
    func http() async throws {
        let server = try Program(
            "/usr/bin/python3",
            [
                "-uc",
                """
                import functools, http.server, sys
                handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
                server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
                print(server.server_port); server.serve_forever()
                """, URL(filePath: lobby).deletingLastPathComponent().path,
            ])
        let port = try await server.line()
        let uri = "http://127.0.0.1:\(port)/lobby.mp4"
        let found = try await run("watchword", ["watch", uri, "--query", "a blue circle", "--head", "mean"])
        #expect(found.code == 0 && found.out.contains("111 frames sampled"), "\(found.out)\(found.err)")
        withExtendedLifetime(server) {}
    }

    @Test("watch writes one line a full window and query, and events as on the wire")
    func scores() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "scores-\(UUID()).jsonl").path
        let found = try await run(
            "watchword",
            [
                "watch", lobby, "--query", "a blue circle", "the lights go out", "--head", "mean", "--scores", file,
                "--json",
            ])
        #expect(found.code == 0, "\(found.err)")
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 2 * 104)
        let first = try WireCoding.decode(JSONValue.self, Data(#require(lines.first).utf8))
        #expect(first["query"]?["text"] == .string("a blue circle") && first["end"] == .number(1.76))
        let messages = try found.out.split(separator: "\n").map {
            try WireCoding.decode(MatchMessage.self, Data($0.utf8))
        }
        #expect(messages.first?.phase == "start" && messages.last?.phase == "end")
        #expect(messages.allSatisfy { $0.query.id == "a-blue-circle" })
        #expect(messages.map(\.seq) == Array(1...Int64(messages.count)))
    }

    @Test("tokenize and embed answer in JSON")
    func tokenize() async throws {
        let found = try await run("watchword", ["tokenize"], input: "a circle\na red star\n")
        let lines = found.out.split(separator: "\n")
        #expect(
            lines.count == 2 && lines.allSatisfy { $0.hasPrefix("[2512,") && $0.hasSuffix(",2513]") }, "\(found.out)")
        let embedded = try await run("watchword", ["embed", "--text", "a circle"])
        #expect(try WireCoding.decode(JSONValue.self, Data(embedded.out.utf8))["embedding"]?.array?.count == 128)
    }

    @Test(
        "bad input is one sentence that names the thing, with sysexits' code",
        arguments: [
            (["watch", "/no/such.mp4", "--query", "x"], Int32(66), "/no/such.mp4"),
            (["watch", "nothing://x", "--query", "x"], 66, "nothing://x"),
            (["watch", "LOBBY", "--query", "x", "--head", "nohead"], 78, "nohead"),
            (["watch", "LOBBY", "--query", ""], 65, "text is empty"),
            (["watch", "LOBBY", "--query", String(repeating: "x", count: 10_000)], 65, "found 10000"),
            (["watch", "LOBBY", "--query", "x", "--model", "/no/model"], 66, "/no/model"),
            (["watch", "LOBBY"], 64, "--query"),
            (["watch", "LOBBY", "--query", "x", "--decode", "some"], 64, "--decode"),
            (["model", "inspect", "/tmp"], 65, "model.safetensors"),
            (["query", "list", "--control", "ipc:///tmp/nobody-listens.sock"], 69, "is watchwordd running?"),
            (["bench", "streams", "--streams", "0"], 64, "go from 1"),
            (["bench", "streams", "--arch", "ViT-Z/1"], 64, "ViT-Z/1"),
            (["bench", "memory", "LOBBY", "--seconds", "0"], 64, "seconds from 1"),
            (["bench", "memory", "LOBBY", "--seconds", "-5"], 64, "seconds from 1"),
            (["bench", "memory", "LOBBY", "--warm-up", "-1"], 64, "--warm-up from 0"),
            (["bench", "memory", "LOBBY", "--fps", "nan"], 64, "--fps must be above 0"),
            (["bench", "storm", "LOBBY", "--seconds", "inf"], 64, "go from 1"),
            (["search", "x", "--limit", "1001"], 64, "at most 1000"),
            (["nonsense"], 64, "nonsense"),
        ])
    func badInput(_ arguments: [String], _ code: Int32, _ part: String) async throws {
        let found = try await run("watchword", arguments.map { $0 == "LOBBY" ? lobby : $0 })
        #expect(found.code == code && found.err.contains(part), "\(found.code): \(found.err)")
    }

    /// A client that adds the stream, prints its events to the end, and whether a replay has every number once.
    private static let rtspClient = """
        import json, sys, time, zmq
        c = zmq.Context(); s = c.socket(zmq.SUB); s.setsockopt(zmq.SUBSCRIBE, b""); s.connect(sys.argv[1])
        r = c.socket(zmq.DEALER); r.setsockopt(zmq.RCVTIMEO, 60000); r.connect(sys.argv[2])
        def ask(op, args):
            r.send(json.dumps({"v": 1, "id": "1", "op": op, "args": args}).encode()); return json.loads(r.recv_multipart()[-1])
        r.send(b"no json"); print(json.loads(r.recv_multipart()[-1])["error"]["code"], flush=True)
        print(ask("query.add", {"id": "late", "text": "a green square"})["ok"], flush=True)
        print(ask("query.remove", {"id": "late"})["ok"], ask("nope", {})["error"]["code"], flush=True)
        print(ask("stream.add", {"name": "lobby", "uri": sys.argv[3]})["ok"], flush=True)
        s.setsockopt(zmq.RCVTIMEO, 90000)
        while True:
            topic, seq, body = s.recv_multipart(); message = json.loads(body)
            if topic == b"stream.lobby" and message["state"] in ("backing-off", "failed"): break
            if topic.startswith(b"match."): print(json.dumps([topic.decode(), int(seq), message]), flush=True)
        replayed = [e["body"]["seq"] for e in ask("events.replay", {"since": 0})["result"]]
        print(replayed == list(range(1, len(replayed) + 1)), flush=True)
        """

    @Test("the daemon finds what the truth file says in a clip played over RTSP, and nothing else")
    func rtsp() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "ww-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let server = try await RTSPServer(["--file", lobby])
        let config = folder.appending(path: "w.yaml")
        let (events, control) = ("ipc://\(folder.path)/e", "ipc://\(folder.path)/c")
        try Data(
            """
            model: \(Fixtures.shapes.path)
            head: mean
            journal: journal.sqlite
            publish: \(events)
            control: \(control)
            pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)
            sources: {addresses: [127.0.0.1]}
            queries:
            - {id: circle, text: a blue circle}
            - {id: never, text: the lights go out}
            """.utf8
        ).write(to: config)
        let daemon = try Program(Fixtures.plugins + "/watchwordd", ["--config", config.path])
        let client = try Program("/usr/bin/python3", ["-c", Self.rtspClient, events, control, server.uri])
        let lines = try await client.rest().split(separator: "\n").map(String.init)
        try #require(lines.count >= 6, "\(lines)")
        #expect(Array(lines.prefix(4)) == ["bad-request", "True", "True unknown-operation", "True"])
        #expect(lines.last == "True")
        let messages = try lines.dropFirst(4).dropLast().map {
            let parts = try WireCoding.decode([JSONValue].self, Data($0.utf8))
            #expect(parts[0] == .string("match.lobby.circle"))
            let message = try parts[2].decoded(as: MatchMessage.self)
            #expect(parts[1] == .integer(message.seq))
            return message
        }
        let truth = try Fixtures.json(
            Truth.self, URL(filePath: lobby).deletingPathExtension().appendingPathExtension("events.json"))
        let wanted = truth.events.filter { $0.kind == "present" && $0.captions.contains("a blue circle") }
        let ended = messages.filter { $0.phase == "end" }
        #expect(ended.count == wanted.count && messages.filter { $0.phase == "start" }.count == wanted.count)
        for (event, true_) in zip(ended, wanted) {
            // Over RTSP media time begins with the session, within a second of the file's own.
            #expect(event.media.start < true_.end_s + 1 && event.media.end > true_.start_s - 1)
        }
        #expect(try await daemon.terminate() == 0)
        withExtendedLifetime(server) {}
    }

    @Test("the daemon refuses a wrong configuration by file, line and key, with code 78")
    func daemonConfiguration() async throws {
        let config = FileManager.default.temporaryDirectory.appending(path: "w-\(UUID()).yaml")
        try Data("model: x\nstreems: []\n".utf8).write(to: config)
        let found = try await run("watchwordd", ["--config", config.path])
        #expect(found.code == 78 && found.err.contains(":2: unknown key \"streems\""), "\(found.err)")
        #expect(found.err.contains("did you mean \"streams\"?"))
    }
}
