import Foundation
import Journal
import Synchronization
import TestSupport
import Testing
import WireFormat

/// A daemon whose clients may reach two loopback addresses and one directory, and things they must not reach.
private struct Guarded {
    let place: Place
    let program: Program
    let impostor: Impostor
    /// A camera with credentials, another that clients may reach, and an address that they may not.
    static let (camera, other, forbidden) = ("127.0.0.2", "127.0.0.3", "127.0.0.1")
    static let password = "Swordfish-7"
    let films: URL
    let outside: URL

    init(_ place: Place, more: [String] = [], streams: String = "[]") async throws {
        self.place = place
        films = place.folder.appending(path: "films")
        outside = place.folder.appending(path: "outside")
        for folder in [films, outside] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        impostor = try await Impostor([Self.camera, Self.other, Self.forbidden])
        let file = place.folder.appending(path: "lobby").path
        try #require(
            FileManager.default.createFile(
                atPath: file, contents: Data("me:\(Self.password)\n".utf8), attributes: [.posixPermissions: 0o600]))
        let lines = [
            "credentials:", "  lobby: {file: \(file), hosts: [\(Self.camera), '\(Self.other):1']}", "sources:",
            "  addresses: [\(Self.camera), \(Self.other)]", "  files: [\(films.path)]",
        ]
        let command = try Drilled.command(place, more: lines + more + ["streams: \(streams)"])
        program = try Program(command[0], Array(command.dropFirst()))
        try #require(try await until { (try? await place.ask("status"))?.ok == true })
    }

    func add(_ args: [String: String]) async throws -> ControlReply {
        let usual: [String: JSONValue] = ["backoff": .object(["first": .number(0.1), "most": .number(0.2)])]
        return try await place.ask("stream.add", .object(usual.merging(args.mapValues { .string($0) }) { $1 }))
    }

    /// Waits until the stream has failed; returns the reason.
    func failure(_ name: String) async throws -> String {
        let reason = Mutex("")
        // Between two tries there is none: it is read with the state that has it.
        try #require(
            try await until {
                let stream = try await place.ask("stream.get", .object(["name": .string(name)])).result
                let why = stream?["reason"]?.string ?? ""
                reason.withLock { $0 = why }
                let hasFailed = stream?["failures"]?.integer ?? 0 > 1 || stream?["state"] == .string("failed")
                return hasFailed && !why.isEmpty
            })
        return reason.withLock { $0 }
    }

    func end() async throws { #expect(try await program.terminate() == 0) }
}

@Suite("What a client with control can open", .serialized)
struct ClientSourceTests {
    @Test("of some fifty pipelines, URIs and schemes none runs, reads, writes or reaches what it may not")
    func list() async throws {
        let place = try Place()
        let guarded = try await Guarded(place)
        let (port, films, outside) = (guarded.impostor.port, guarded.films.path, guarded.outside.path)
        let secret = outside + "/secret"
        // A pipe: whoever opens it to read is still there afterwards.
        #expect(mkfifo(secret, 0o600) == 0)
        let written = outside + "/written"
        try FileManager.default.createSymbolicLink(atPath: films + "/link.mp4", withDestinationPath: secret)
        try FileManager.default.createSymbolicLink(atPath: films + "/deep", withDestinationPath: outside)
        let asked = Self.attempts(port: port, films: films, secret: secret, written: written)
        #expect(asked.count >= 30)
        for (number, args) in asked.enumerated() {
            let tried = try await place.ask("stream.test", .object(args.mapValues { .string($0) }))
            #expect(tried.result?["plays"] != .bool(true), "\(args)")
            let reply = try await guarded.add(args.merging(["name": "s\(number)"]) { $1 })
            #expect(tried.ok == reply.ok, "\(args): \(tried) \(reply)")
            if reply.ok {
                // What is taken must at least lead nowhere.
                let said = try await guarded.failure("s\(number)")
                #expect(args["template"] != nil || said.contains("no such test picture"), "\(args): \(said)")
            }
        }
        #expect(await guarded.impostor.requests(Guarded.forbidden).isEmpty)
        #expect(!FileManager.default.fileExists(atPath: written))
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside) == ["secret"])
        #expect(open(secret, O_WRONLY | O_NONBLOCK) == -1 && errno == ENXIO, "somebody reads the pipe")
        // It still answers, and takes what is allowed.
        #expect(try await guarded.add(["name": "good", "uri": "test://ball"]).ok)
        let lobby = Fixtures.videos.appending(path: "lobby.mp4")
        try FileManager.default.copyItem(at: lobby, to: guarded.films.appending(path: "lobby.mp4"))
        #expect(try await guarded.add(["name": "film", "uri": films + "/lobby.mp4"]).ok)
        try await guarded.end()
    }

    @Test("stream test says what plays, writes its picture, and ends with 66 and the reason where nothing does")
    func command() async throws {
        let place = try Place()
        let guarded = try await Guarded(place)
        let lobby = Fixtures.videos.appending(path: "lobby.mp4").path
        let server = try await RTSPServer(["--file", lobby, "--loop", "--address", Guarded.other])
        let picture = place.folder.appending(path: "p.jpg")
        let arguments = ["stream", "test", server.uri, "--picture", picture.path, "--control", place.control]
        let good = try await run("watchword", arguments)
        #expect(good.code == 0 && good.out.hasPrefix("plays: H.264, 320x240, "), "\(good)")
        #expect(good.out.contains("live, decoded by avdec_h264, first picture after "), "\(good)")
        #expect(try Data(contentsOf: picture).starts(with: [0xFF, 0xD8]))
        server.kill()
        let bad = try await run("watchword", arguments)
        #expect(bad.code == 66 && bad.out.isEmpty && bad.err.contains("refuses the connection"), "\(bad)")
        #expect(try await place.ask("stream.list").result == .array([]))
        try await guarded.end()
    }

    /// The attempts: launch lines, URIs, and templates that do not match them.
    private static func attempts(port: String, films: String, secret: String, written: String) -> [[String: String]] {
        let launch = { (line: String) in ["uri": "custom", "launch": line] }
        let uri = { (uri: String) in ["uri": uri] }
        return
            [
                "filesrc location=\(secret) ! curlfilesink location=\"file://\(written)/../\" file-name=written "
                    + "create-dirs=true videotestsrc is-live=true ! videoconvert ! appsink name=frames",
                "videotestsrc ! filesink location=\(written) videotestsrc ! appsink name=frames",
                "videotestsrc ! x264enc multipass-cache-file=\(written) ! avdec_h264 ! appsink name=frames",
                "videotestsrc ! appsink name=frames",
                "uridecodebin uri=file://\(secret) ! appsink name=frames",
                "souphttpsrc location=http://\(Guarded.forbidden):\(port)/ ! decodebin ! appsink name=frames",
                "",
            ].map(launch)
            + [
                "rtsp://name=127.0.0.1:9/ ! fakesink  videotestsrc ! filesink location=\(written)  "
                    + "rtspsrc location=rtsp://127.0.0.1:9/{location}",
                "rtsp://\(Guarded.camera)/\" ! filesink location=\(written) \"",
                "test://ball ! filesink location=\(written)", "test://{location}",
                "fd://18", "fd://0", "data:text/plain,x", "data://x", "appsrc://", "gst-launch://videotestsrc",
                "rtsp-sdp://v=0", "shm://\(secret)", "pipewire://", "pulse://", "cdda://1", "dvb://x", "ftp://camera/x",
                "smb://camera/x", "gopher://camera:11211/x", "ndi://x", "mms://camera/x", "playbin://",
                "testbin://video",
                "FILE://\(secret)", "file://\(secret)", "file://localhost\(secret)", "file:\(secret)", secret,
                "file://\(films)/../outside/secret", "file://\(films)/%2e%2e/outside/secret",
                "file://\(films)/link.mp4", films + "/deep/secret", "\(films)x", films, "/etc/hostname",
                "/proc/self/environ",
                "file:///dev/fd/0", "v4l2://\(secret)", "v4l2:///dev/../etc/hostname",
                "v4l2:///dev/video0/../../etc/hostname",
                "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://[fe80::1%25lo]/",
                "http://[fd00:ec2::254]/", "http://100.100.100.200/", "http://168.63.129.16/",
                "http://0.0.0.0:\(port)/",
                "http://127.0.0.1:\(port)/", "http://localhost:\(port)/", "http://LOCALHOST.:\(port)/",
                "http://x.localhost:\(port)/", "http://2130706433:\(port)/", "http://0x7f000001:\(port)/",
                "http://0177.0.0.1:\(port)/", "http://127.1:\(port)/", "http://0:\(port)/",
                "http://[::]:\(port)/", "http://[::1]:\(port)/", "http://[::ffff:127.0.0.1]:\(port)/",
                "http://[::ffff:7f00:1]:\(port)/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
                "http://[::127.0.0.1]:\(port)/", "http://\(Guarded.camera):\(port)@127.0.0.1:\(port)/",
                "http://127.0.0.1:\(port)\\@\(Guarded.camera)/", "http://127.0.0.1:\(port)#@\(Guarded.camera)/",
                "http://a@b@127.0.0.1:\(port)/", "http://１２７.0.0.1:\(port)/", "http://127。0。0。1:\(port)/",
                "rtsp://127.0.0.1:\(port)/x", "rtmp://127.0.0.1:\(port)/live", "srt://127.0.0.1:\(port)",
                "srt://:7001?mode=listener", "srt://\(Guarded.camera):7001?m%6Fde=listener", "udp://0.0.0.0:5000",
                "udp://127.0.0.1:\(port)", "udp://192.168.1.20:5000", "udp://[2001:db8::5]:5000", "rtsp:///x",
                "http://", "http://:\(port)/", "://", "",
            ].map(uri)
            + [
                ["uri": "rtsp://\(secret)", "template": "v4l2"], ["uri": "test://ball", "template": "custom"],
                ["uri": "rtsp://x/", "template": "../../etc/hostname"], ["uri": "test://ball", "template": "file"],
            ]
    }

    @Test("redirects and playlists lead to no address and no file that a client may not name")
    func redirects() async throws {
        let place = try Place()
        let guarded = try await Guarded(place)
        let port = guarded.impostor.port
        let secret = guarded.outside.path + "/secret"
        #expect(mkfifo(secret, 0o600) == 0)
        let file = "file://\(secret)".addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let near = "http://\(Guarded.forbidden):\(port)/segment.ts".addingPercentEncoding(
            withAllowedCharacters: .alphanumerics)
        let camera = "\(Guarded.camera):\(port)"
        let uris = [
            "http://\(camera)/to/\(Guarded.forbidden)/x", "rtsp://\(camera)/to/\(Guarded.forbidden)/x",
            "http://\(camera)/to/localhost/x", "rtsp://\(camera)/to/localhost/x", "http://\(camera)/to/ip6-localhost/x",
            "rtsp://\(camera)/to/2130706433/x", "http://\(camera)/to/2130706433/x",
            "rtsp://\(camera)/to/[::ffff:127.0.0.1]/x",
            "http://\(camera)/playlist/\(file)/list.m3u8", "http://\(camera)/playlist/\(near ?? "")/list.m3u8",
        ]
        for (number, uri) in uris.enumerated() {
            let reply = try await guarded.add(["name": "s\(number)", "uri": uri])
            try #require(reply.ok, "\(uri): \(reply)")
        }
        for number in uris.indices { #expect(try await !guarded.failure("s\(number)").isEmpty) }
        let asked = await guarded.impostor.requests(Guarded.camera)
        for part in ["GET /to/", "rtsp://\(camera)/to/", "/list.m3u8"] {
            #expect(asked.contains { $0.contains(part) }, "\(part)")
        }
        #expect(await guarded.impostor.requests(Guarded.forbidden).isEmpty)
        #expect(open(secret, O_WRONLY | O_NONBLOCK) == -1 && errno == ENXIO, "somebody reads the pipe")
        try await guarded.end()
    }

    @Test("a camera's password goes to its own host alone, whatever a client or a redirect asks for")
    func credentials() async throws {
        let place = try Place()
        let guarded = try await Guarded(place)
        let port = guarded.impostor.port
        let (camera, other) = ("\(Guarded.camera):\(port)", "\(Guarded.other):\(port)")
        let file = place.folder.appending(path: "lobby").path
        // Named for another host, another port, by a path, with tricks.
        for (uri, name) in [
            ("rtsp://\(other)/x", "lobby"), ("http://\(other)/x", "lobby"), ("rtsp://\(other)/x", file),
            ("rtsp://\(camera)/x", file), ("rtsp://\(camera)/x", "../lobby"), ("rtsp://\(camera)/x", "curve.key"),
            ("rtsp://\(camera)#@\(other)/x", "lobby"), ("rtsp://\(camera)\\@\(other)/x", "lobby"),
            ("rtsp://x@\(camera)@\(other)/x", "lobby"), ("rtsp://\(Guarded.camera).\(Guarded.other)/x", "lobby"),
            ("udp://239.1.2.3:5000", "lobby"), ("test://ball", "lobby"),
        ] {
            let reply = try await guarded.add(["name": "no", "uri": uri, "credentials": name])
            #expect(!reply.ok, "\(uri) \(name)")
            #expect(!"\(reply)".contains(Guarded.password))
        }
        for (number, uri) in [
            "rtsp://\(camera)/x", "http://\(camera)/x", "rtsp://\(camera)/to/\(Guarded.other)/x",
            "http://\(camera)/to/\(Guarded.other)/x",
        ].enumerated() {
            #expect(try await guarded.add(["name": "s\(number)", "uri": uri, "credentials": "lobby"]).ok)
            #expect(try await !guarded.failure("s\(number)").contains(Guarded.password))
        }
        let secret = Data("me:\(Guarded.password)".utf8).base64EncodedString()
        let (sent, strayed) = await (
            guarded.impostor.requests(Guarded.camera), guarded.impostor.requests(Guarded.other)
        )
        #expect(sent.contains { $0.contains("RTSP/1.0") && $0.contains(secret) })
        #expect(sent.contains { $0.contains("HTTP/1.1") && $0.contains(secret) })
        // The redirects were followed: the other camera asked for a password, and was not told this one.
        #expect(
            strayed.contains { $0.contains("RTSP/1.0") } && strayed.contains { $0.contains("HTTP/1.1") }, "\(strayed)")
        #expect(!strayed.contains { $0.lowercased().contains("authorization") || $0.contains(Guarded.password) })
        try await guarded.end()
    }

    @Test("where launch lines are allowed, nothing in one writes, listens, runs code or reaches further than a URI may")
    func launch() async throws {
        let place = try Place()
        // The configuration's own are the operator's: loopback and launch lines, too.
        let server = try await Impostor(["127.0.0.4"])
        let guarded = try await Guarded(
            place, more: ["  launch: true"],
            streams: "[{name: own, uri: 'http://127.0.0.4:\(server.port)/own'}, {name: line, launch: '"
                + "souphttpsrc location=http://127.0.0.4:\(server.port)/line ! decodebin ! appsink name=frames'}]"
        )
        let (port, outside) = (guarded.impostor.port, guarded.outside.path)
        let end = " ! videoconvert ! appsink name=frames"
        for line in [
            "videotestsrc ! tee name=t ! queue" + end + " t. ! filesink location=\(outside)/a",
            "videotestsrc ! tee name=t ! queue" + end
                + " t. ! queue ! x264enc ! mp4mux ! filesink location=\(outside)/a",
            "videotestsrc ! tee name=t ! queue" + end + " t. ! multifilesink location=\(outside)/%d",
            "videotestsrc ! tee name=t ! queue" + end + " t. ! shmsink socket-path=\(outside)/s",
            "videotestsrc ! tee name=t ! queue" + end + " t. ! udpsink host=127.0.0.1 port=\(port)",
            "videotestsrc ! tee name=t ! queue" + end + " t. ! tcpserversink port=0",
            "videotestsrc ! queue2 temp-template=\(outside)/XXXXXX" + end,
            "videotestsrc ! x264enc multipass-cache-file=\(outside)/a ! avdec_h264" + end,
            "filesrc location=/etc/hostname ! decodebin" + end, "filesrc location=\(outside)/x ! decodebin" + end,
            "fdsrc fd=0 ! decodebin" + end, "multifilesrc location=/etc/hostname ! decodebin" + end,
            "uridecodebin uri=file:///etc/hostname" + end, "playbin uri=file:///etc/hostname videotestsrc" + end,
            "uridecodebin uri=http://127.0.0.1:\(port)/" + end,
            "souphttpsrc location=http://127.0.0.1:\(port)/ ! decodebin" + end,
            "souphttpsrc location=http://\(Guarded.camera)/ proxy=http://127.0.0.1:\(port) ! decodebin" + end,
            "tcpclientsrc host=127.0.0.1 port=\(port) ! decodebin" + end, "tcpserversrc ! decodebin" + end,
            "udpsrc address=0.0.0.0 port=5000 ! decodebin" + end, "v4l2src device=/etc/hostname ! decodebin" + end,
            "shmsrc socket-path=/etc/hostname ! decodebin" + end,
            "giosrc location=file:///etc/hostname ! decodebin" + end,
        ] {
            let reply = try await guarded.add(["name": "s", "uri": "custom", "launch": line])
            let reason = reply.ok ? try await guarded.failure("s") : reply.error?.message ?? ""
            #expect(reason.contains("clients may ") || reason.contains("expected"), "\(line): \(reason)")
        }
        #expect(await guarded.impostor.requests(Guarded.forbidden).isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside).isEmpty)
        #expect(
            try await guarded.add(["name": "good", "uri": "custom", "launch": "videotestsrc is-live=true" + end]).ok)
        #expect(
            try await until {
                try await place.ask("stream.get", .object(["name": .string("good")])).result?["state"]
                    == .string("playing")
            })
        for path in ["/own", "/line"] {
            #expect(
                try await until { await server.requests("127.0.0.4").contains { $0.contains("GET \(path)") } },
                "\(path)")
        }
        try await guarded.end()
    }

    @Test("a stream that was added when more was allowed is left out at the next start, and said")
    func earlier() async throws {
        let place = try Place()
        let line = "videotestsrc is-live=true ! videoconvert ! appsink name=frames"
        let allowed = try await Guarded(place, more: ["  launch: true"])
        #expect(try await allowed.add(["name": "line", "uri": "custom", "launch": line]).ok)
        #expect(try await allowed.add(["name": "ball", "uri": "test://ball"]).ok)
        try await allowed.end()
        let now = try await Guarded(place)
        #expect(try await until { try await place.ask("stream.list").result?.array?.count == 1 })
        #expect(try await place.ask("stream.list").result?.array?.first?["name"] == .string("ball"))
        let told = try await until {
            let page = try await place.ask(
                "events.replay", .object(["since": .integer(0), "topic": .string("stream.line")]))
            return page.result?.array?.contains {
                $0["body"]?["state"] == .string("failed")
                    && $0["body"]?["reason"]?.string?.contains("launch lines") == true
            } == true
        }
        #expect(told)
        try await now.end()
    }
}
