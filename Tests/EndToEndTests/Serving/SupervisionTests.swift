import Foundation
import Journal
import TestSupport
import Testing
import WireFormat

/// A daemon with its log, and its process's number.
private struct Daemon {
    let place: Place
    let config: URL
    let program: Program
    let process: Int32

    init(_ place: Place, _ yaml: String) async throws {
        self.place = place
        config = place.folder.appending(path: "w.yaml")
        try Self.write(place, yaml, to: config)
        // The shell becomes the daemon: its number is the daemon's.
        program = try Program(
            "/bin/sh",
            [
                "-c", "echo $$; exec \"$0\" --config \"$1\" 2>>\"$2\"", Fixtures.plugins + "/watchwordd", config.path,
                place.folder.appending(path: "log").path,
            ])
        process = Int32(try await program.line()) ?? -1
        try #require(process > 0)
        let program = program
        let isReady = try await until { log(place).contains("ready") || !program.isRunning }
        try #require(isReady && program.isRunning, "\(log(place))")
    }

    static func write(_ place: Place, _ yaml: String, to file: URL) throws {
        let lines = [
            "model: \(Fixtures.shapes.path)", "head: mean", "journal: \(place.journal)", "publish: \(place.publish)",
            "control: \(place.control)", "pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)", yaml,
        ]
        try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
    }

    /// Writes another configuration, and makes the daemon reload it.
    func reload(_ yaml: String) throws {
        try Self.write(place, yaml, to: config)
        #expect(kill(process, SIGHUP) == 0)
    }

    /// The number of frames sampled of each stream, by its name.
    func streams() async throws -> [String: Int64] {
        let all = try await place.ask("stream.list").result?.array ?? []
        let pairs = all.map { ($0["name"]?.string ?? "", $0["sampled"]?.integer ?? -1) }
        return Dictionary(pairs) { $1 }
    }
}

private func args(_ texts: [String: String]) -> JSONValue { .object(texts.mapValues { .string($0) }) }

private func log(_ place: Place) -> String {
    (try? String(contentsOf: place.folder.appending(path: "log"), encoding: .utf8)) ?? ""
}

@Suite("Streams of the daemon", .serialized)
struct SupervisionTests {
    @Test("SIGHUP restarts only what changed in the configuration, and refuses a wrong one whole")
    func reload() async throws {
        let place = try Place()
        let daemon = try await Daemon(
            place,
            """
            streams:
            - {name: a, uri: 'test://ball', fps: 10}
            - {name: b, uri: 'test://ball', fps: 10}
            """)
        #expect(try await place.ask("stream.add", args(["name": "mine", "uri": "test://snow"])).ok)
        #expect(try await until { try await daemon.streams().values.count { $0 > 0 } == 3 })
        let before = try await daemon.streams()["a"] ?? 0
        try daemon.reload(
            """
            streams:
            - {name: a, uri: 'test://ball', fps: 10}
            - {name: c, uri: 'test://ball', fps: 10}
            queries: [{id: q, text: a circle}]
            """)
        #expect(try await until { try await daemon.streams().keys.sorted() == ["a", "c", "mine"] })
        #expect(try await until { try await place.ask("query.get", args(["id": "q"])).ok })
        #expect(try await daemon.streams()["a"] ?? 0 >= before)
        // It has been connected once, and never since.
        let states = try await place.entriesNow().filter { $0["stream"] == .string("a") }
        #expect(states.compactMap { $0["state"]?.string } == ["connecting", "playing"])
        for (wrong, part) in [
            ("streams:\n- {name: d, uri: 'test://ball'}\n- {name: e, uri: /no/such.mp4}", "/no/such.mp4"),
            ("streams: [{name: d, uri: 'test://ball'}]\nquerys: []", "did you mean \\\"queries\\\"?"),
            ("streams: [{name: d, uri: 'test://ball'}]\nframes: 5", "frames: cannot change while the daemon runs"),
        ] {
            try daemon.reload(wrong)
            // The log quotes the sentence.
            #expect(try await until { log(place).contains(part) }, "\(log(place))")
            #expect(try await daemon.streams().keys.sorted() == ["a", "c", "mine"])
        }
        #expect(log(place).split(separator: "\n").count { $0.contains("the new configuration is refused") } == 3)
        #expect(try await daemon.program.terminate() == 0)
    }

    @Test("a clip that repeats with time stamps that stand still is stalled, and opened again")
    func frozenTimes() async throws {
        let place = try Place()
        let playlist = try await RepeatingPlaylist(in: place.folder)
        let daemon = try await Daemon(
            place,
            """
            streams:
            - {name: clip, uri: '\(playlist.uri)', fps: 4, backoff: {first: 0.2, most: 1}, stall: 2}
            """)
        @Sendable func states() async throws -> [JSONValue] {
            try await place.entriesNow().filter { $0["stream"] == .string("clip") && $0["state"] != nil }
        }
        let isOpenedAgain = try await until { try await states().count { $0["state"] == .string("playing") } > 1 }
        #expect(isOpenedAgain, "\(log(place))")
        let round = ["connecting", "playing", "stalled", "backing-off", "connecting", "playing"]
        #expect(try await states().prefix(6).compactMap { $0["state"]?.string } == round)
        let reasons = try await states().prefix(6).compactMap { $0["reason"]?.string }
        #expect(reasons.allSatisfy { $0.contains("their time stamps stand still") }, "\(reasons)")
        #expect(try await daemon.streams()["clip"] ?? 0 >= 12)
        #expect(try await daemon.program.terminate() == 0)
    }

    @Test("a camera that comes back is played again, and its troubles are journaled and counted")
    func comesBack() async throws {
        let place = try Place()
        let port = try freePort()
        let daemon = try await Daemon(
            place,
            """
            streams:
            - {name: cam, uri: 'rtsp://127.0.0.1:\(port)/clip', backoff: {first: 0.2, most: 1}, stall: 2}
            - {name: other, uri: 'test://ball', fps: 10}
            """)
        let lobby = Fixtures.videos.appending(path: "lobby.mp4").path
        @Sendable func state() async throws -> JSONValue? {
            try await place.ask("stream.get", args(["name": "cam"])).result
        }
        for round in 1...2 {
            #expect(try await until { try await state()?["state"] == .string("backing-off") })
            #expect(try await state()?["reason"]?.string?.isEmpty == false)
            let server = try await RTSPServer(["--file", lobby, "--loop", "--port", "\(port)"])
            #expect(server.uri.contains(":\(port)/"))
            #expect(try await until { try await state()?["state"] == .string("playing") }, "\(round)")
            withExtendedLifetime(server) {}
        }
        let found = try await state()
        #expect(found?["restarts"]?.integer ?? 0 >= 2 && found?["failures"]?.integer ?? 0 >= 2)
        @Sendable func told() async throws -> [String] {
            try await place.entriesNow().filter { $0["stream"] == .string("cam") }.compactMap { $0["state"]?.string }
        }
        let words = try await told()
        #expect(words.count { $0 == "playing" } == 2 && words.first == "connecting", "\(words)")
        // Every change is a message, and the first state is one.
        let isCounted = try await until {
            let (before, messages, after) = (try await state(), try await told().count, try await state())
            return before?["changes"] == after?["changes"] && after?["changes"] == .integer(Int64(messages - 1))
        }
        #expect(isCounted)
        // The other one was never touched.
        let other = try await place.ask("stream.get", args(["name": "other"])).result
        #expect(other?["restarts"] == .integer(0) && other?["state"] == .string("playing"))
        #expect(try await daemon.program.terminate() == 0)
    }

    @Test("a film on a web server that is not there yet is played when it is, to its end")
    func film() async throws {
        let place = try Place()
        let port = try freePort()
        let daemon = try await Daemon(
            place,
            """
            streams:
            - {name: film, uri: 'http://127.0.0.1:\(port)/lobby.mp4', backoff: {first: 0.2, most: 0.5}}
            """)
        #expect(
            try await until { try await place.ask("stream.list").result?.array?.first?["failures"]?.integer ?? 0 > 1 })
        let server = try Program(
            "/usr/bin/python3", ["-m", "http.server", "\(port)", "--bind", "127.0.0.1", "-d", Fixtures.videos.path])
        #expect(
            try await until { try await place.ask("stream.list").result?.array?.first?["state"] == .string("ended") })
        let states = try await place.entriesNow().filter { $0["stream"] == .string("film") }
            .compactMap { $0["state"]?.string }
        #expect(states.suffix(3) == ["connecting", "playing", "ended"])
        #expect(states.dropLast(3).allSatisfy { ["connecting", "backing-off"].contains($0) })
        // All of its 27.76 s, four times a second.
        #expect(try await daemon.streams()["film"] ?? 0 >= 110)
        #expect(try await daemon.program.terminate() == 0)
        withExtendedLifetime(server) {}
    }

    /// A configuration of streams whose password is in the URI, in its query string, in a file and in a launch line.
    private static func configuration(_ secret: String, _ file: String, _ address: String) -> String {
        """
        log: {level: trace}
        sources: {addresses: [127.0.0.1]}
        credentials: {lobby: {file: \(file), hosts: [127.0.0.1]}}
        streams:
        - {name: works, uri: 'rtsp://me:\(secret)@\(address)'}
        - {name: missing, uri: 'rtsp://me:\(secret)@127.0.0.1:1/x?token=\(secret)', backoff: {first: 0.1, most: 0.2}}
        - {name: http, uri: 'http://me:\(secret)@127.0.0.1:1/x?password=\(secret)', backoff: {first: 0.1, most: 0.2}}
        - {name: filed, uri: 'rtsp://\(address)', credentials: \(file)}
        - name: launched
          launch: >-
            rtspsrc location=rtsp://127.0.0.1:1/x user-id=me user-pw=\(secret) ! decodebin ! appsink name=frames
          realtime: true
          backoff: {first: 0.1, most: 0.2}
        """
    }

    private static func commands(_ secret: String, _ address: String) -> [[String]] {
        [
            ["stream", "add", "added", "rtsp://me:\(secret)@127.0.0.1:1/y?key=\(secret)"],
            ["stream", "add", "again", "rtsp://\(address)", "--credentials", "lobby"],
            ["stream", "add", "wrong", "/no/such.mp4?token=\(secret)"],
            ["stream", "add", "none", "rtsp://me:\(secret)@cam/x", "--credentials", "lobby"],
            ["stream", "list"], ["stream", "list", "--json"], ["stream", "show", "added"], ["status", "--json"],
        ]
    }

    /// Expects that a password in the arguments is not visible in the list of processes.
    private func expectHidden(_ secret: String, _ address: String) async throws {
        let watching = try Program(
            "/bin/sh",
            [
                "-c",
                "echo $$; exec env WATCHWORD_PIPELINES=\"$3\" \"$0\" watch \"$1\" --query x --head mean --model \"$2\" > /dev/null",
                Fixtures.plugins + "/watchword", "rtsp://me:\(secret)@\(address)", Fixtures.shapes.path,
                Fixtures.repository.appending(path: "Pipelines").path,
            ])
        let number = try await watching.line()
        let isHidden = try await until {
            let title = try String(contentsOfFile: "/proc/\(number)/cmdline", encoding: .utf8)
            return title.contains("--query") && !title.hasPrefix("/bin/sh") && !title.contains(secret)
        }
        #expect(isHidden)
        watching.kill()
    }

    @Test("no password is in anything that the daemon or the command line says")
    func secrets() async throws {
        let place = try Place()
        let secret = "Swordfish-7"
        let file = place.folder.appending(path: "credentials").path
        #expect(
            FileManager.default.createFile(
                atPath: file, contents: Data("me:\(secret)\n".utf8), attributes: [.posixPermissions: 0o600]))
        let lobby = Fixtures.videos.appending(path: "lobby.mp4").path
        let server = try await RTSPServer(["--file", lobby, "--loop"])
        let address = server.uri.replacing("rtsp://", with: "")
        let daemon = try await Daemon(place, Self.configuration(secret, file, address))
        var said = ""
        let control = ["--control", place.control]
        for command in Self.commands(secret, address) {
            let found = try await run("watchword", command + control)
            said += found.out + found.err
        }
        let playing = try await until {
            let all = try await place.ask("stream.list").result?.array ?? []
            return all.filter { ["works", "filed", "again"].contains($0["name"]?.string) }
                .allSatisfy { $0["state"] == .string("playing") }
                && all.filter { ["missing", "http", "launched"].contains($0["name"]?.string) }
                    .allSatisfy { $0["restarts"]?.integer ?? 0 > 1 }
        }
        #expect(playing)
        let events = try await run("watchword", ["events", "--json", "--since", "0"] + control)
        let watched = try await run(
            "watchword",
            ["watch", "rtsp://me:\(secret)@127.0.0.1:1/z?token=\(secret)", "--query", "a circle", "--head", "mean"])
        #expect(watched.code == 66)
        try await expectHidden(secret, address)
        let answers = try await ["stream.list", "status"].asyncMap { "\(try await place.ask($0))" }.joined()
        // A wrong configuration is quoted, too.
        try daemon.reload("streams:\n- rtsp://me:\(secret)@camera/1")
        #expect(try await until { log(place).contains("refused") })
        said += events.out + events.err + watched.out + watched.err + answers + log(place)
        said += try String(contentsOfFile: "/proc/\(daemon.process)/cmdline", encoding: .utf8)
        #expect(
            said.contains("rtsp://127.0.0.1:1/y?key=…") && said.contains("launched") && said.contains("backing-off"))
        #expect(!said.contains(secret), "\(said.split(separator: "\n").filter { $0.contains(secret) })")
        #expect(try await daemon.program.terminate() == 0)
        withExtendedLifetime(server) {}
    }
}

extension Sequence {
    fileprivate func asyncMap<T>(_ body: (Element) async throws -> T) async throws -> [T] {
        var all: [T] = []
        for element in self { all.append(try await body(element)) }
        return all
    }
}

extension Place {
    /// The bodies of the messages that the running daemon replays.
    fileprivate func entriesNow() async throws -> [JSONValue] {
        let page = try await ask("events.replay", .object(["since": .integer(0), "limit": .integer(1000)]))
        return page.result?.array?.compactMap { $0["body"] } ?? []
    }
}
