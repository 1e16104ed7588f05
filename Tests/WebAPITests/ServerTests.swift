import Daemon
import Foundation
import Health
import Journal
import Publishing
import SystemSupport
import TestSupport
import Testing
import WebAPI
import WireFormat

@Suite("The web API and its clients", .serialized)
struct ServerTests {
    @Test("operations answer curl as they answer the control socket, and wrong requests by their status")
    func operations() async throws {
        let web = try await Web()
        let json = ["-H", "Content-Type: application/json"]
        let added = try await web.json("/api/v1/queries", json + ["-d", #"{"text":"a blue circle","threshold":0.2}"#])
        #expect(added["query"]?["id"]?.string == "a-blue-circle")
        let changed = try await web.json(
            "/api/v1/queries/a-blue-circle", json + ["-X", "PATCH", "-d", #"{"threshold":0.3,"tags":["x"]}"#])
        #expect(changed["query"]?["threshold"]?.double == 0.3)
        let request = ControlRequest(id: "1", op: "query.get", args: .object(["id": .string("a-blue-circle")]))
        let reply = try WireCoding.decode(
            ControlReply.self, await Operations(web.daemon).answer(WireCoding.encode(request)))
        #expect(try await web.json("/api/v1/queries/a-blue-circle") == reply.result)
        let many = #"{"queries":[{"text":"one","threshold":1},{"text":"two","threshold":1}]}"#
        #expect(try await web.json("/api/v1/import", json + ["-d", many])["added"]?.integer == 2)
        #expect(try await web.json("/api/v1/export?limit=2")["next"]?.string == "one")
        #expect(try await web.curl("/api/v1/queries/one", ["-X", "DELETE"]).status == 200)

        let big = web.folder.appending(path: "big")
        try Data(repeating: 0x20, count: 2 << 20).write(to: big)
        let refused: [(Int, String, String, [String])] = [
            (400, "bad-argument", "/api/v1/queries", json + ["-d", #"{"txt":"a"}"#]),
            (400, "bad-request", "/api/v1/queries", json + ["-d", "{"]),
            (400, "bad-argument", "/api/v1/events?since=x", []),
            (400, "bad-argument", "/api/v1/events/stream?log=moon", []),
            (400, "bad-argument", "/api/v1/events/stream?query=" + String(repeating: "q", count: 65), []),
            (400, "bad-argument", "/api/v1/events/E1/snapshot?seq=x", []),
            (400, "bad-request", "/api/v1/%zz", []),
            (403, "forbidden", "/api/v1/status", ["-H", "Host: evil.example"]),
            (403, "forbidden", "/api/v1/status", ["-H", "Origin: http://evil.example"]),
            (404, "not-found", "/api/v1/queries/one", []),
            (404, "not-found", "/api/v1/queries/", []),
            (405, "bad-method", "/api/v1/queries", ["-X", "DELETE"]),
            (409, "other-journal", "/api/v1/events?since=5&journal=x", []),
            (409, "other-journal", "/api/v1/events/stream?since=99999", []),
            (413, "too-large", "/api/v1/queries", json + ["--data-binary", "@\(big.path)"]),
            (
                413, "too-large", "/api/v1/queries",
                json + ["-H", "Transfer-Encoding: chunked", "--data-binary", "@\(big.path)"]
            ),
            (415, "bad-content-type", "/api/v1/queries", ["-d", "{}"]),
            (422, "refused", "/api/v1/queries", json + ["-d", #"{"text":" ","threshold":1}"#]),
            (422, "refused", "/api/v1/streams", json + ["-d", #"{"name":"s","uri":"nothing://x","template":"none"}"#]),
        ]
        for (status, code, path, options) in refused {
            let answer = try await web.curl(path, options)
            let error = try JSONText.parse(Data(answer.body.utf8))["error"]
            #expect(answer.status == status && error?["code"]?.string == code, "\(path) \(options) \(answer)")
            let sentence = error?["message"]?.string ?? ""
            #expect(!sentence.isEmpty)
        }
        #expect(try await web.curl("/readyz").status == 200)
        web.daemon.health.setReady(false)
        #expect(try await web.curl("/readyz").status == 503)
        #expect(try await web.curl("/healthz").status == 200)
        await web.stop()
    }

    @Test("without the token nothing but health is told")
    func token() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID())")
        try Data("0123456789abcdef".utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        defer { try? FileManager.default.removeItem(at: file) }
        let web = try await Web(http: "{listen: \"127.0.0.1:0\", token: \(file.path), rate: 2}")
        for path in ["/metrics", "/api/v1/status", "/api/v1/events/stream", "/api/v1/openapi.json"] {
            let answer = try await web.curl(path)
            #expect(answer.status == 401 && answer.headers.contains("WWW-Authenticate: Bearer"))
            #expect(try await web.curl(path, ["-H", "Authorization: Bearer 0123456789abcdeg"]).status == 401)
        }
        let bearer = ["-H", "Authorization: Bearer 0123456789abcdef"]
        #expect(try await web.curl("/api/v1/status", bearer).status == 200)
        #expect(try await web.curl("/healthz").status == 200)
        // More than twice as many at once as a second may have.
        let codes = try await Program(
            "/usr/bin/curl",
            ["-sS", "-o", "/dev/null", "-w", "%{http_code}\n"] + bearer + [
                "\(web.server.address)/api/v1/heads?x=[1-40]"
            ]
        ).rest()
        #expect(codes.contains("429") && codes.contains("400"), "\(codes)")
        await web.stop()
    }

    @Test("while too many requests are worked on, another is told to come again, and health is told all the same")
    func busy() async throws {
        var limits = WebServer.Limits()
        (limits.working, limits.importing) = (0, 1)
        let web = try await Web(limits: limits)
        let refused = try await web.curl("/api/v1/status")
        #expect(refused.status == 503 && refused.headers.contains("Retry-After") && refused.body.contains("busy"))
        let body = ["-H", "Content-Type: application/json", "-d", #"{"queries":[]}"#]
        // Each gives its place back, also one that was refused.
        #expect(try await web.curl("/api/v1/import", body + ["-d", "x"]).status == 400)
        for _ in 0..<3 { #expect(try await web.curl("/api/v1/import", body).status == 200) }
        #expect(try await web.curl("/healthz").status == 200)
        #expect(try await web.curl("/metrics").status == 200)
        await web.stop()
    }

    @Test("what is no HTTP is refused or cut off, and the next request is answered")
    func malformed() async throws {
        var limits = WebServer.Limits()
        (limits.request, limits.idle) = (1, 1)
        let web = try await Web(limits: limits)
        let host = "Host: localhost\r\n"
        let long = String(repeating: "a", count: 100_000)
        let refused = [
            "\r\n\r\nnothing\r\n\r\n", "\u{0}\u{1}\u{2}\u{ff}\r\n\r\n", "GET / HTTP/9.9\r\n\(host)\r\n",
            "GET  HTTP/1.1\r\n\(host)\r\n", "GET /healthz HTTP/1.1\r\n\(host)X: \(long)\r\n\r\n",
            "GET /\(long) HTTP/1.1\r\n\(host)\r\n",
            "GET /healthz HTTP/1.1\r\n\(host)" + String(repeating: "X: y\r\n", count: 500) + "\r\n",
            "GET /healthz HTTP/1.1\r\n\(host)bad header\r\n\r\n",
            "POST /api/v1/queries HTTP/1.1\r\n\(host)Content-Length: -5\r\n\r\n",
            "POST /api/v1/queries HTTP/1.1\r\n\(host)Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
            "POST /api/v1/queries HTTP/1.1\r\n\(host)Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST /api/v1/queries HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        ]
        for (request, answer) in zip(refused, try await web.raw(refused)) {
            let isRefused = answer.answer.isEmpty || answer.answer.hasPrefix("HTTP/1.1 4")
            #expect(isRefused && answer.closed, "\(request.prefix(80)): \(answer.answer.prefix(200))")
        }
        // Those that send a little and no more are cut off.
        let slow = [
            "", "GET /healthz HTTP/1.1\r\nHost: loc", "GET /healthz HTTP/1.1\r\n\(host)X",
            "POST /api/v1/queries HTTP/1.1\r\n\(host)Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
        ]
        for (request, answer) in zip(slow, try await web.raw(slow)) {
            #expect(answer.closed && !answer.answer.contains(" 200 "), "\(request): \(answer.answer)")
        }
        let fine = [
            "GET /healthz HTTP/1.0\r\n\r\n", "GET /healthz HTTP/1.1\r\n\(host)Connection: close\r\n\r\n",
            String(repeating: "GET /healthz HTTP/1.1\r\n\(host)\r\n", count: 20),
        ]
        let answers = try await web.raw(fine).map(\.answer)
        #expect(answers.map { $0.components(separatedBy: "HTTP/1.1 200").count - 1 } == [1, 1, 20], "\(answers)")
        #expect(try await until { web.server.counters.snapshot.connections == 0 })
        await web.stop()
    }

    @Test("many connections at once and one after the other are all answered, and none is left")
    func connections() async throws {
        let web = try await Web()
        let turns = ProcessInfo.processInfo.environment["WATCHWORD_CONNECTIONS"] ?? "2000"
        ResourceLimits.raiseOpenFiles()
        let client = try Web.client(["many", "127.0.0.1", web.port, "1000", turns])
        #expect(try await client.rest() == "{\"at_once\": 2000, \"in_turn\": \(turns)}\n")
        #expect(try await until { web.server.counters.snapshot.connections == 0 })
        await web.stop()
    }

    @Test("more followers than there are places are told so, and one who goes makes room")
    func followers() async throws {
        let web = try await Web(http: "{listen: \"127.0.0.1:0\", followers: 2, rate: 100000}")
        let path = web.server.address + "/api/v1/events/stream"
        let first = try Program("/usr/bin/curl", ["-sSN", path])
        let second = try Program("/usr/bin/curl", ["-sSN", path])
        #expect(try await first.line() == "retry: 1000")
        #expect(try await second.line() == "retry: 1000")
        #expect(try await web.curl("/api/v1/events/stream").status == 429)
        #expect(web.server.counters.snapshot.followersRefused == 1)
        second.kill()
        #expect(try await until { web.server.counters.snapshot.followers == 1 })
        await web.stop()
        // The end of the daemon is the end of the stream, not a broken one.
        #expect(try await first.rest().hasSuffix("\n\n"))
    }

    @Test("a follower that does not read is cut off, and loses nothing by it")
    func stalled() async throws {
        var limits = WebServer.Limits()
        limits.stall = 1
        let web = try await Web(limits: limits)
        let stuck = try Program(
            "/usr/bin/python3",
            [
                "-c",
                """
                import socket, sys
                s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.connect(("127.0.0.1", int(sys.argv[1])))
                s.sendall(b"GET /api/v1/events/stream?since=0 HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
                print(len(s.recv(10)), flush=True); sys.stdin.readline()
                """, web.port,
            ], hasInput: true)
        #expect(try await stuck.line() == "10")
        let text = String(repeating: "x", count: 10_000)
        let messages = (0..<50).map { _ in
            PendingMessage(topic: "match.s.q", query: "q", stream: "s") { seq, _ in
                try WireCoding.encode(
                    JSONValue.object(["v": .integer(1), "seq": .integer(seq), "text": .string(text)]))
            }
        }
        #expect(
            try await until {
                await web.daemon.outbox.send(messages)
                return web.server.counters.snapshot.stalled == 1
            })
        #expect(try await until { web.server.counters.snapshot.followers == 0 })
        let newest = web.daemon.outbox.feed.newest
        let again = try Web.client(["follow", "\(web.server.address)/api/v1/events/stream", "\(newest - 3)", "3"])
        let seqs = try await again.rest().split(separator: "\n").compactMap { Int64($0.prefix { $0 != " " }) }
        #expect(seqs == Array(4...newest))
        stuck.kill()
        await web.stop()
    }

    @Test("Schemathesis finds no server error and no answer that is not documented")
    func schemathesis() async throws {
        let video = Fixtures.repository.appending(path: "Tests/Fixtures/videos/lobby.mp4").path
        let web = try await Web([
            "streams: [{name: s, uri: \(video), loop: true, realtime: true}]",
            "queries: [{id: q, text: a, threshold: 0.1}]",
        ])
        let examples = ProcessInfo.processInfo.environment["WATCHWORD_EXAMPLES"] ?? "10"
        let script = Fixtures.repository.appending(path: "scripts/clients/test-http.sh").path
        let said = try await Program(
            "/bin/sh", ["-c", "\(script) \(web.server.address) \(examples) 2>&1; echo code $?"]
        )
        .rest()
        #expect(said.hasSuffix("code 0\n"), "\(said.suffix(4000))")
        #expect(try await web.curl("/healthz").status == 200)
        await web.stop()
    }
}
