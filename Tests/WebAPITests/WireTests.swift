import Foundation
import TestSupport
import Testing
import WebAPI

@Suite("HTTP on the wire", .serialized)
struct WireTests {
    private let host = "Host: localhost\r\n"

    /// Starts a Python program with a helper: `ask(address, text)` sends bytes from an address and returns the answer.
    private func python(_ program: String, _ arguments: [String]) throws -> Program {
        let common = """
            import socket, sys, time
            port = int(sys.argv[1])
            def connect(source="127.0.0.1"):
                s = socket.socket(); s.bind((source, 0)); s.settimeout(60); s.connect(("127.0.0.1", port)); return s
            def read(s):
                data = b""
                try:
                    while True:
                        piece = s.recv(65536)
                        if not piece: break
                        data += piece
                except socket.timeout: data += b"(silence)"
                return data
            def ask(text, source="127.0.0.1"):
                s = connect(source); s.sendall(text.encode()); return read(s)
            def get(path, source="127.0.0.1", more=""):
                return ask("GET " + path + " HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n" + more + "\\r\\n", source)

            """
        return try Program("/usr/bin/python3", ["-uc", common + program] + arguments)
    }

    @Test("health is told however many silent connections there are, and they are closed for others")
    func silence() async throws {
        let web = try await Web(http: "{listen: \"127.0.0.1:0\", connections: 60, rate: 100000}")
        let client = try python(
            """
            silent = [connect("127.0.0.2") for i in range(400)] + [connect() for i in range(200)]
            for s in silent[:20]:
                try: s.sendall(b"GET /healthz HT")
                except OSError: pass
            started = time.time()
            print(*[get("/healthz").split(b"\\r\\n")[0].decode() for i in range(10)], sep="|")
            print(time.time() - started)
            """, [web.port])
        #expect(try await client.line() == [String](repeating: "HTTP/1.1 200 OK", count: 10).joined(separator: "|"))
        // The wait for a silent connection's end would be ten seconds, and thirty for one that was let in.
        #expect(try #require(Double(try await client.line())) < 9)
        #expect(web.server.counters.snapshot.displaced >= 500)
        await web.stop()
    }

    @Test("a head that comes byte by byte, and a next one on a connection that stays open, must come in time")
    func drips() async throws {
        var limits = WebServer.Limits()
        (limits.first, limits.idle) = (1, 1)
        let web = try await Web(limits: limits)
        let client = try python(
            """
            for first in ("", "GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"):
                s = connect(); s.sendall(first.encode()); ended = False
                for i in range(600):
                    try: s.sendall(b"G" if i == 0 else b"E")
                    except OSError: ended = True
                    if ended: break
                    time.sleep(0.1)
                print(ended)
            """, [web.port])
        #expect(try await client.rest() == "True\nTrue\n")
        await web.stop()
    }

    @Test("who asks too often keeps no other address from asking, and nobody from the metrics")
    func rates() async throws {
        let web = try await Web(http: "{listen: \"127.0.0.1:0\", rate: 20}")
        let client = try python(
            """
            def code(path, source): return int(get(path, source).split()[1])
            codes = [code("/api/v1/heads", "127.0.0.2") for i in range(200)]
            print(429 in codes, code("/api/v1/heads", "127.0.0.1"), code("/metrics", "127.0.0.1"), code("/metrics", "127.0.0.2"))
            """, [web.port])
        #expect(try await client.rest() == "True 200 200 200\n")
        await web.stop()
    }

    @Test("wrong tokens are told to wait, and the right one is not kept out by them")
    func wrongTokens() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID())")
        try Data("0123456789abcdef".utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        defer { try? FileManager.default.removeItem(at: file) }
        let web = try await Web(http: "{listen: \"127.0.0.1:0\", token: \(file.path), rate: 100000}")
        let client = try python(
            """
            def head(token): return get("/api/v1/heads", more="Authorization: Bearer " + token + "\\r\\n").split(b"\\r\\n\\r\\n")[0]
            heads = [head("0123456789abcde%x" % (i % 15)) for i in range(60)]
            print([h.split()[1] for h in heads[:10]] == [b"401"] * 10)
            print(sum(b" 429 " in h and b"retry-after: " in h.lower() for h in heads) >= 40)
            print(head("0123456789abcdef").split()[1], get("/healthz").split()[1])
            """, [web.port])
        #expect(try await client.rest() == "True\nTrue\nb'200' b'200'\n")
        await web.stop()
    }

    @Test("HEAD is answered like GET, without the body, on every path that has GET")
    func heads() async throws {
        let web = try await Web(["queries: [{id: q, text: a, threshold: 0.1}]"])
        var paths = Routes.all.filter { $0.method == "GET" }.map {
            $0.path.replacing("{id}", with: "q").replacing("{name}", with: "none").replacing("{event}", with: "none")
        }
        paths += ["/nothing", "/healthz?x=1", "/healthz/", "/metrics/", "/readyz/?a=b&c"]
        // A closing GET after it: its answer must follow the first head at once.
        let last = "GET /readyz HTTP/1.1\r\n\(host)Connection: close\r\n\r\n"
        let heads = try await web.raw(paths.map { "HEAD \($0) HTTP/1.1\r\n\(host)\r\n" + last })
        // These have no end.
        let ending = paths.filter { !$0.hasSuffix("/events/stream") && !$0.hasSuffix("/live") }
        let gets = try await web.raw(
            ending.map { "GET \($0) HTTP/1.1\r\n\(host)Connection: close\r\n\r\n" })
        let answers = Dictionary(uniqueKeysWithValues: zip(ending, gets))
        for (path, answer) in zip(paths, heads) {
            let parts = answer.answer.components(separatedBy: "\r\n\r\n")
            #expect(parts.count == 3 && parts[1].hasPrefix("HTTP/1.1 200 OK"), "\(path): \(answer.answer)")
            guard let get = answers[path]?.answer else {
                #expect(parts[0].contains("text/event-stream") || parts[0].contains("vnd.watchword.live"))
                continue
            }
            let (head, line) = (parts[0].lowercased(), get.components(separatedBy: "\r\n")[0])
            #expect(parts[0].hasPrefix(line) && head.contains("content-length: "), "\(path): \(answer.answer)")
            // Uptime and counters change from one answer to the next.
            if !path.contains("metrics"), !path.contains("status") {
                let body = get.components(separatedBy: "\r\n\r\n")[1]
                #expect(head.contains("content-length: \(body.utf8.count)"), "\(path)")
            }
        }
        #expect(try await web.raw(["HEAD /api/v1/import HTTP/1.1\r\n\(host)\r\n" + last])[0].answer.contains("405"))
        #expect(web.server.counters.snapshot.followers == 0)
        await web.stop()
    }

    @Test("a body is asked for when it is expected to be, and one that is not wanted is refused before it comes")
    func expectations() async throws {
        let web = try await Web()
        let client = try python(
            """
            def post(length, expect, path="/api/v1/import"):
                s = connect(); s.settimeout(20)
                s.sendall(("POST " + path + " HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Type: application/json\\r\\n"
                    "Expect: " + expect + "\\r\\nContent-Length: %d\\r\\n\\r\\n" % length).encode())
                return s
            body = b'{"queries":[]}'
            s = post(len(body), "100-Continue")
            print(s.recv(1000)); s.sendall(body); print(s.recv(1000).split(b" ")[1])
            for length, expect, path in ((10**9, "100-continue", "/api/v1/import"), (2 << 20, "100-continue", "/api/v1/queries"),
                                         (5, "magic", "/api/v1/queries"), (5, "100-continue", "/api/v1/nothing")):
                answer = read(post(length, expect, path)) if expect != "magic" else post(length, expect, path).recv(1000)
                print(answer.split(b" ")[1], b"(silence)" in answer)
            """, [web.port])
        let said = try await client.rest()
        #expect(
            said == """
                b'HTTP/1.1 100 Continue\\r\\n\\r\\n'
                b'200'
                b'413' False
                b'413' False
                b'417' False
                b'404' False

                """, "\(said)")
        await web.stop()
    }

    @Test("OPTIONS names the methods, targets may be whole URIs or encoded, and a host that stands twice is refused")
    func targets() async throws {
        let web = try await Web()
        let close = "\(host)Connection: close\r\n\r\n"
        let cases: [(request: String, status: String, also: String)] = [
            ("OPTIONS /api/v1/queries HTTP/1.1\r\n\(close)", "204", "Allow: GET, HEAD, OPTIONS, POST"),
            ("OPTIONS * HTTP/1.1\r\n\(close)", "204", "Allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST"),
            ("OPTIONS /nothing HTTP/1.1\r\n\(close)", "404", "not-found"),
            ("TRACE /healthz HTTP/1.1\r\n\(close)", "405", "Allow: GET, HEAD, OPTIONS"),
            ("GET http://localhost/healthz HTTP/1.1\r\n\(close)", "200", "ok"),
            ("GET /%68ealthz HTTP/1.1\r\n\(close)", "200", "ok"),
            ("GET /healthz/?x=1&x=2 HTTP/1.1\r\n\(close)", "200", "ok"),
            ("GET //healthz HTTP/1.1\r\n\(close)", "404", "not-found"),
            ("GET /api/v1/queries/ HTTP/1.1\r\n\(close)", "404", "not-found"),
            ("GET /healthz HTTP/1.1\r\n\(host)Host: evil.example\r\nConnection: close\r\n\r\n", "400", "twice"),
        ]
        for (wanted, answer) in zip(cases, try await web.raw(cases.map(\.request))) {
            #expect(
                answer.answer.hasPrefix("HTTP/1.1 \(wanted.status)")
                    && answer.answer.lowercased().contains(wanted.also.lowercased()),
                "\(wanted.request): \(answer.answer)")
        }
        await web.stop()
    }
}
