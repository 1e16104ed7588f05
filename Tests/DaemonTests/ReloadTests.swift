import Daemon
import Engine
import Foundation
import Health
import Logging
import Matching
import StreamSources
import TestSupport
import Testing
import WatchwordConfiguration

@Suite("Another configuration", .serialized)
struct ReloadTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "ww-\(UUID().uuidString.prefix(8))")

    private func configuration(_ streams: String, _ queries: String = "[]", more: String = "") throws -> Configuration {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appending(path: "w.yaml").path
        let yaml = """
            model: \(Fixtures.shapes.path)
            head: mean
            journal: journal.sqlite
            publish: ipc://\(folder.path)/e
            control: ipc://\(folder.path)/c
            pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)
            streams: \(streams)
            queries: \(queries)
            \(more)
            """
        try yaml.write(toFile: path, atomically: true, encoding: .utf8)
        return try Configuration.load(path)
    }

    private func daemon(_ configuration: Configuration) async throws -> WatchwordDaemon {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let daemon = try await WatchwordDaemon(configuration, logger: logger)
        try await daemon.begin()
        return daemon
    }

    private func stop(_ daemon: WatchwordDaemon) async {
        let scoring = Task { await daemon.run() }
        await daemon.stop()
        await scoring.value
    }

    private func runners(_ daemon: WatchwordDaemon) async -> [String: StreamRunner] {
        Dictionary(uniqueKeysWithValues: await daemon.streams.running.map { ($0.name, $0) })
    }

    @Test("only what changed restarts, and what was added through a socket stays")
    func difference() async throws {
        let first = "[{name: a, uri: 'test://ball'}, {name: b, uri: 'test://ball'}, {name: c, uri: 'test://ball'}]"
        let daemon = try await daemon(
            configuration(first, "[{id: q, text: a circle}, {id: r, text: a star}, {id: s, text: a cross}]"))
        try await daemon.streams.add(StreamConfiguration(name: "mine", uri: "test://smpte"))
        try await daemon.streams.add(StreamConfiguration(name: "b", uri: "test://smpte"))
        _ = try await daemon.queries.add(QueryConfiguration(id: "own", text: "a square", threshold: 0.3))
        let before = await runners(daemon)
        // `b` is another by what was added, `c` by the configuration, `a` is gone, `d` is new.
        let second =
            "[{name: b, uri: 'test://snow'}, {name: c, uri: 'test://ball', fps: 2}, {name: d, uri: 'test://ball'}]"
        let changes = try await daemon.reload(
            configuration(second, "[{id: q, text: a circle}, {id: r, text: a red star}, {id: t, text: a house}]"))
        #expect(changes == "streams: 2 added or replaced, 1 removed, queries: 2 added or replaced, 1 removed")
        let after = await runners(daemon)
        #expect(after.keys.sorted() == ["b", "c", "d", "mine"])
        #expect(after["mine"] === before["mine"] && after["b"] === before["b"] && after["c"] !== before["c"])
        #expect(after["c"]?.description.fps == 2)
        #expect(await daemon.engine.query("r")?.text == "a red star")
        for (id, stands) in [("q", true), ("s", false), ("t", true), ("own", true)] {
            #expect(await (daemon.engine.query(id) != nil) == stands, "\(id)")
        }
        // The same once more changes nothing.
        let none = try await daemon.reload(
            configuration(second, "[{id: q, text: a circle}, {id: r, text: a red star}, {id: t, text: a house}]"))
        #expect(none == "streams: 0 added or replaced, 0 removed, queries: 0 added or replaced, 0 removed")
        #expect(await runners(daemon)["d"] === after["d"])
        await stop(daemon)
    }

    @Test(
        "a wrong one is refused whole, by a sentence, and the old one stays in force",
        arguments: [
            ("[{name: new, uri: 'test://ball'}, {name: x, uri: /no/such.mp4}]", "[]", "", "no such file"),
            ("[{name: new, uri: 'test://ball'}, {name: x, uri: 'rtsp://a', template: none}]", "[]", "", "\"none\""),
            ("[{name: new, uri: 'test://ball'}]", "[{text: x, head: nohead}]", "", "nohead"),
            ("[{name: new, uri: 'test://ball'}]", "[{text: x, images: [/no/such.png]}]", "", "/no/such.png"),
            ("[{name: new, uri: 'rtsp://a', credentials: /no/file}]", "[]", "", "/no/file"),
            ("[{name: new, uri: 'test://ball'}]", "[]", "frames: 3\nrerank: 7", "frames, rerank: cannot change"),
        ])
    func refused(_ streams: String, _ queries: String, _ more: String, _ part: String) async throws {
        let daemon = try await daemon(configuration("[{name: a, uri: 'test://ball'}]", "[{id: q, text: a circle}]"))
        let before = await runners(daemon)
        await #expect { try await daemon.reload(configuration(streams, queries, more: more)) } throws: {
            "\($0)".contains(part)
        }
        let after = await runners(daemon)
        #expect(after.keys.sorted() == ["a"] && after["a"] === before["a"])
        #expect(await daemon.engine.query("q") != nil)
        #expect(await daemon.engine.queryCount == 1)
        await stop(daemon)
    }

    @Test("a stream that a reload takes away is counted no more")
    func counters() async throws {
        let daemon = try await daemon(configuration("[{name: a, uri: 'test://ball'}, {name: b, uri: 'test://ball'}]"))
        let both = try await until { Set(daemon.health.snapshot.states.keys.map(\.stream)) == ["a", "b"] }
        #expect(both)
        _ = try await daemon.reload(configuration("[{name: b, uri: 'test://ball'}]"))
        #expect(Set(daemon.health.snapshot.states.keys.map(\.stream)) == ["b"])
        await stop(daemon)
    }

    @Test("a stream that is added again as it was goes on; as another, it alone is replaced")
    func addedAgain() async throws {
        let daemon = try await daemon(
            configuration("[{name: other, uri: 'test://ball'}]", more: "sources: {files: [\(Fixtures.videos.path)]}"))
        let stream = StreamConfiguration(name: "s", uri: "test://ball")
        var (faster, lobby) = (stream, stream)
        faster.fps = 7
        #expect(try await daemon.streams.add(stream) == .added)
        let first = await runners(daemon)
        #expect(try await daemon.streams.add(stream) == .unchanged)
        #expect(await runners(daemon)["s"] === first["s"])
        #expect(try await daemon.streams.add(faster) == .replaced)
        let second = await runners(daemon)
        #expect(second["s"] !== first["s"] && second["other"] === first["other"])
        // A file that has ended is played again.
        (lobby.uri, lobby.fps) = (Fixtures.videos.appending(path: "lobby.mp4").path, 1)
        #expect(try await daemon.streams.add(lobby) == .replaced)
        let scoring = Task { await daemon.run() }
        let ended = await daemon.streams.running.first { $0.name == "s" }
        #expect(try await until { ended?.currentState == .ended })
        #expect(try await daemon.streams.add(lobby) == .replaced)
        let removed = [try await daemon.streams.remove("s"), try await daemon.streams.remove("s")]
        #expect(removed == [true, false])
        await daemon.stop()
        await scoring.value
    }

    @Test("what was added is there again after a restart, with its limits and its credentials")
    func kept() async throws {
        let file = folder.appending(path: "credentials").path
        let configuration = try configuration(
            "[]",
            more: "credentials: {door: {file: \(file), hosts: [127.0.0.1]}}\nsources: {addresses: [127.0.0.0/8]}")
        #expect(
            FileManager.default.createFile(
                atPath: file, contents: Data("me:secret-of-mine\n".utf8), attributes: [.posixPermissions: 0o600]))
        var stream = StreamConfiguration(name: "s", uri: "rtsp://127.0.0.1:1/x")
        (stream.credentials, stream.stall, stream.backoff) = ("door", 3, .init(first: 60, most: 90))
        let daemon = try await daemon(configuration)
        try await daemon.streams.add(stream)
        let open = StreamConfiguration(name: "t", uri: "rtsp://me:secret-of-mine@127.0.0.1:1/x?token=secret-of-mine")
        try await daemon.streams.add(open)
        await stop(daemon)
        var elsewhere = configuration
        elsewhere.publish = "ipc://\(folder.path)/f"
        let again = try await self.daemon(elsewhere)
        let found = await runners(again)
        #expect(found["s"]?.description.credentials == file && found["t"]?.description.uri == open.uri)
        let said = await again.streams.status().map { "\($0)" }.joined()
        #expect(said.contains("rtsp://127.0.0.1:1/x?token=…") && !said.contains("secret"))
        await stop(again)
    }
}
