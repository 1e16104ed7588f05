import Foundation
import Ingest
import StreamSources
import TestSupport
import Testing

/// Tests how sources are connected to: the transport, and the accepted certificates.
@Suite("Connecting to sources", .serialized)
struct ConnectingTests {
    private static let lobby = Fixtures.videos.appending(path: "lobby.mp4").path

    /// The first outcome of a source: "playing", "ended", or the reason of its failure.
    private func outcome(
        _ uri: String, transport: RTSPTransport? = nil, trust: TLSTrust? = nil
    ) async throws -> String {
        var description = SourceDescription(uri: uri, fps: 4, side: 32)
        (description.transport, description.trust) = (transport, trust)
        let (events, continuation) = AsyncStream<SourceEvent>.makeStream()
        let source: VideoSource
        do {
            source = try VideoSource(
                description, templates: PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines")),
                onFrame: { _ in }, onEvent: { continuation.yield($0) })
            try await blocking { try source.start() }
        } catch let error as SourceError {
            return error.description
        }
        var found = ""
        for await event in events {
            switch event {
            case .started: found = "playing"
            case .endOfStream: found = "ended"
            case .failed(let why), .busy(let why, _): found = why
            case .formatChanged, .live, .warning: continue
            }
            break
        }
        try await blocking { source.stop() }
        return found
    }

    @Test(
        "a camera that takes UDP alone is played without being told, and by schemes and transports that say so",
        arguments: [nil, .auto, .udp] as [RTSPTransport?])
    func udpOnly(transport: RTSPTransport?) async throws {
        let server = try await RTSPServer(["--file", Self.lobby, "--loop", "--transport", "udp"])
        #expect(try await outcome(server.uri, transport: transport) == "playing")
        let udp = server.uri.replacing("rtsp://", with: "rtspu://")
        #expect(try await outcome(udp, transport: transport) == "playing")
        let refused = try await outcome(server.uri, transport: .tcp)
        #expect(refused.contains("does not send its packets so") && refused.contains("transport"), "\(refused)")
    }

    @Test("a camera that takes TCP alone is played, within HTTP too, and says so where it is asked for UDP")
    func tcpOnly() async throws {
        let server = try await RTSPServer(["--file", Self.lobby, "--loop", "--transport", "tcp"])
        #expect(try await outcome(server.uri) == "playing")
        #expect(try await outcome(server.uri, transport: .http) == "playing")
        let tunnelled = server.uri.replacing("rtsp://", with: "rtsph://")
        #expect(try await outcome(tunnelled) == "playing")
        // What is asked for goes before what the scheme says.
        #expect(try await outcome(server.uri.replacing("rtsp://", with: "rtspu://"), transport: .tcp) == "playing")
        let refused = try await outcome(server.uri, transport: .udp)
        #expect(refused.contains("does not send its packets so"), "\(refused)")
    }

    /// Makes a self-signed certificate for a name; returns its file and its fingerprint.
    private func certificate(for name: String, in folder: URL) throws -> (file: String, fingerprint: String) {
        let (key, file) = (folder.appending(path: "\(name).key").path, folder.appending(path: "\(name).pem").path)
        try output(
            of: "openssl",
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
                + ["-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-keyout", key, "-out", file])
        let said = try output(of: "openssl", ["x509", "-noout", "-fingerprint", "-sha256", "-in", file])
        let digits = String(decoding: said, as: UTF8.self).split(separator: "=").last ?? ""
        let both = try String(contentsOfFile: file, encoding: .utf8) + String(contentsOfFile: key, encoding: .utf8)
        try both.write(toFile: folder.appending(path: "\(name).both").path, atomically: true, encoding: .utf8)
        return (file, "sha256:" + digits.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    /// Expects that only sources with a trusted certificate play.
    private func expectTrust(
        _ uri: String, is good: String, named: (file: String, fingerprint: String), other: String
    ) async throws {
        let plain = named.fingerprint.replacing(":", with: "").dropFirst(6).lowercased()
        let refused = try await outcome(uri)
        #expect(refused.contains("certificate") && refused.contains("not trusted"), "\(refused)")
        #expect(refused.contains("tls: {ca: FILE}") && refused.contains(plain), "\(refused)")
        let wrong = try await outcome(uri, trust: TLSTrust(fingerprint: other))
        #expect(wrong.contains("not trusted") && wrong.contains(plain), "\(wrong)")
        #expect(try await outcome(uri, trust: TLSTrust(ca: named.file)) == good)
        #expect(try await outcome(uri, trust: TLSTrust(fingerprint: named.fingerprint)) == good)
        #expect(try await outcome(uri, trust: TLSTrust(fingerprint: "sha256:\(plain)")) == good)
        // A certificate is for its name; its fingerprint is for itself.
        let address = uri.replacing("localhost", with: "127.0.0.1")
        #expect(try await outcome(address, trust: TLSTrust(ca: named.file)).contains("for another name"))
        #expect(try await outcome(address, trust: TLSTrust(fingerprint: named.fingerprint)) == good)
        // Whoever was trusted before is not for that: TLS would take the session up again without a certificate.
        let later = try await outcome(uri, trust: TLSTrust(fingerprint: other))
        #expect(later.contains("not trusted") && later.contains(plain), "\(later)")
    }

    @Test("a camera whose certificate signed itself is refused, says how to trust it, and plays when it is trusted")
    func rtsps() async throws {
        let folder = try folder()
        let mine = try certificate(for: "localhost", in: folder)
        let other = try certificate(for: "elsewhere", in: folder)
        let both = folder.appending(path: "localhost.both").path
        let server = try await RTSPServer(["--file", Self.lobby, "--loop", "--tls", both])
        let uri = server.uri.replacing("127.0.0.1", with: "localhost")
        try await expectTrust(uri, is: "playing", named: mine, other: other.fingerprint)
    }

    @Test("so is a playlist on a web server and its segments, and a picture")
    func https() async throws {
        let folder = try folder()
        let mine = try certificate(for: "localhost", in: folder)
        let other = try certificate(for: "elsewhere", in: folder)
        try output(
            of: "ffmpeg",
            [
                "-loglevel", "error", "-i", Self.lobby, "-t", "4", "-an", "-c", "copy", "-f", "hls", "-hls_list_size",
                "0",
            ]
                + [folder.appending(path: "film.m3u8").path])
        let server = try Program(
            "/usr/bin/python3",
            [
                "-uc",
                """
                import functools, http.server, ssl, sys
                handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
                server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(sys.argv[1] + "/localhost.both")
                server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
                print(server.server_port)
                server.serve_forever()
                """, folder.path,
            ])
        let port = try await server.line()
        try await expectTrust(
            "https://localhost:\(port)/film.m3u8", is: "playing", named: mine, other: other.fingerprint)
        try output(
            of: "ffmpeg",
            ["-loglevel", "error", "-i", Self.lobby, "-frames:v", "1", folder.appending(path: "snapshot.jpg").path])
        try await expectTrust(
            "https://localhost:\(port)/snapshot.jpg", is: "playing", named: mine, other: other.fingerprint)
    }

    @Test(
        "trust that cannot be read is refused by a sentence",
        arguments: [
            (TLSTrust(), "expected ca"), (TLSTrust(ca: "/no/such.pem"), "PEM file"),
            (TLSTrust(fingerprint: "sha256:12"), "64 hexadecimal digits"),
            (TLSTrust(ca: "a", fingerprint: "b"), "both"),
        ])
    func wrongTrust(trust: TLSTrust, part: String) async throws {
        #expect(try await outcome("https://localhost/x", trust: trust).contains(part))
    }

    @Test(
        "what has no end by its protocol is live before it is opened, and what may have one is asked",
        arguments: [
            ("rtsp", .live), ("rtspu", .live), ("rtsph", .live), ("rtmp", .live), ("udp", .live), ("srt", .live),
            ("rist", .live), ("sdp", .live), ("http", .remote), ("https", .remote),
        ] as [(String, StreamSupervision.Source)])
    func kinds(scheme: String, kind: StreamSupervision.Source) throws {
        let source = try VideoSource(
            SourceDescription(uri: "\(scheme)://127.0.0.1/x", fps: 4, side: 32),
            templates: PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines")),
            onFrame: { _ in }, onEvent: { _ in })
        #expect(source.kind == kind)
    }

    @Test("WebRTC and other schemes that nothing opens are refused by name", arguments: ["whep", "webrtcs", "gopher"])
    func schemes(scheme: String) async throws {
        let said = try await outcome("\(scheme)://127.0.0.1/x")
        #expect(said.contains("\(scheme)://") && (said.contains("not taken") || said.contains("nothing here opens")))
    }
}

/// Tests against cameras that close a session without keep-alive requests (`Tests/Fixtures/cameras/rtspd.py`).
@Suite("RTSP keep-alive", .serialized)
struct KeepAliveTests {
    @Test(
        "a request is sent at half of the server's time-out while packets flow, where GET_PARAMETER is known and not")
    func keepsAlive() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "camera-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let film = folder.appending(path: "film.h264").path
        let lobby = Fixtures.videos.appending(path: "lobby.mp4").path
        try output(
            of: "ffmpeg",
            ["-loglevel", "error", "-i", lobby, "-an", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", film])
        async let known: Void = keepsAlive("keepalive", method: "GET_PARAMETER", film)
        async let unknown: Void = keepsAlive("getparam", method: "OPTIONS", film)
        _ = try await (known, unknown)
    }

    private func keepsAlive(_ path: String, method: String, _ film: String) async throws {
        let log = "\(film)-\(path).log"
        let port = "\(try freePort())"
        let camera = try Program(
            "/bin/sh",
            [
                "-c", "exec /usr/bin/python3 \"$0\" \"$@\" 2>\(log)",
                Fixtures.repository.appending(path: "Tests/Fixtures/cameras/rtspd.py").path, port, film, "25",
            ])
        #expect(try await camera.line() == "READY")
        let source = try VideoSource(
            SourceDescription(uri: "rtsp://127.0.0.1:\(port)/\(path)", fps: 4, side: 32),
            templates: PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines")),
            onFrame: { _ in }, onEvent: { _ in })
        try await blocking { try source.start() }
        // The camera, whose time-out is 4 s, closes the session 5 s after the last request: three take longer.
        let isAsked = try await until {
            let said = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
            try #require(!said.contains { $0.contains("session timed out") })
            return said.drop { !$0.hasPrefix("PLAY") }.dropFirst().count { $0.hasPrefix(method) } >= 3
        }
        try await blocking { source.stop() }
        #expect(isAsked)
    }
}
