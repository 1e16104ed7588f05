import Foundation
import Messaging
import TestSupport
import Testing
import WebAPI
import WireFormat

/// Runs `body` with a daemon that has a token for each role.
private func signed(_ body: (Web, (Role) -> String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "s-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func token(_ role: Role) -> String { "a-token-for-\(role)-0123456789" }
    for role in Role.allCases {
        try #require(
            FileManager.default.createFile(
                atPath: folder.appending(path: "\(role)").path, contents: Data(token(role).utf8),
                attributes: [.posixPermissions: 0o600]))
    }
    let tokens = Role.allCases.map { "{file: \(folder.path)/\($0), role: \($0)}" }.joined(separator: ", ")
    let web = try await Web(http: "{listen: \"127.0.0.1:0\", rate: 100000, tokens: [\(tokens)]}")
    try await body(web, token)
    await web.stop()
}

extension Web {
    fileprivate static let json = ["-H", "Content-Type: application/json"]

    /// Exchanges a token for a session; returns the answer, and the cookie's name and value.
    fileprivate func signIn(_ token: String, _ more: [String] = []) async throws -> (answer: String, cookie: String) {
        let answer = try await curl("/api/v1/session", Self.json + more + ["-d", "{\"token\":\"\(token)\"}"])
        try #require(answer.status == 200, "\(answer)")
        let line = answer.headers.split(separator: "\r\n").first { $0.lowercased().hasPrefix("set-cookie:") }
        let field = try #require(line).dropFirst("set-cookie:".count).trimmingCharacters(in: .whitespaces)
        return (field, String(field.prefix { $0 != ";" }))
    }

    fileprivate func status(_ path: String, _ options: [String]) async throws -> Int {
        try await curl(path, options).status
    }
}

@Suite("Sessions of browsers", .serialized)
struct SessionTests {
    @Test("a token is exchanged for a cookie that scripts cannot read and other sites do not send, with its role")
    func roles() async throws {
        try await signed { web, token in
            for role in Role.allCases {
                let (field, cookie) = try await web.signIn(token(role))
                #expect(field.hasSuffix("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"), "\(field)")
                // 256 bits take 43 digits of 64.
                #expect(cookie.split(separator: "=", maxSplits: 1).last?.count == 43)
                let asked = ["-H", "Cookie: other=1; \(cookie)"]
                let shown = try await web.json("/api/v1/session", asked)
                #expect(shown["role"]?.string == role.rawValue && shown["until"]?.string != nil)
                #expect(try await web.status("/api/v1/status", asked) == 200)
                let may = [Role.view: [403, 403], .operate: [404, 403], .control: [404, 404]]
                let queries = try await web.status("/api/v1/queries/nothing", asked + ["-X", "DELETE"])
                let streams = try await web.status("/api/v1/streams/nothing", asked + ["-X", "DELETE"])
                #expect([queries, streams] == may[role])
            }
        }
    }

    @Test("nobody's value is taken for a session: not a planted one, not one that was signed out")
    func fixation() async throws {
        try await signed { web, token in
            let name = try await web.signIn(token(.view)).cookie.prefix { $0 != "=" }
            let planted = "\(name)=" + String(repeating: "A", count: 43)
            let (_, first) = try await web.signIn(token(.view), ["-H", "Cookie: \(planted)"])
            #expect(first != planted)
            #expect(try await web.status("/api/v1/status", ["-H", "Cookie: \(planted)"]) == 401)
            // The one before ends with the next.
            let (_, second) = try await web.signIn(token(.control), ["-H", "Cookie: \(first)"])
            #expect(try await web.status("/api/v1/status", ["-H", "Cookie: \(first)"]) == 401)
            #expect(try await web.status("/api/v1/status", ["-H", "Cookie: \(second)"]) == 200)
            let out = try await web.curl("/api/v1/session", ["-X", "DELETE", "-H", "Cookie: \(second)"])
            #expect(out.status == 200 && out.headers.contains("Max-Age=0; HttpOnly"))
            #expect(try await web.status("/api/v1/status", ["-H", "Cookie: \(second)"]) == 401)
        }
    }

    @Test("other sites' pages, forms and guesses open no session; wrong tokens are counted as everywhere")
    func refused() async throws {
        try await signed { web, token in
            let body = ["-d", "{\"token\":\"\(token(.control))\"}"]
            for (status, options) in [
                (403, Web.json + body + ["-H", "Origin: http://evil.example"]),
                (403, Web.json + body + ["-H", "Sec-Fetch-Site: cross-site"]), (415, body),
                (400, Web.json + ["-d", "{}"]), (400, Web.json + ["-d", "{\"token\":1}"]),
                (413, Web.json + ["-d", "{\"token\":\"\(String(repeating: "a", count: 5000))\"}"]),
            ] {
                #expect(try await web.status("/api/v1/session", options) == status, "\(options)")
            }
            let (_, cookie) = try await web.signIn(token(.control))
            let other = ["-H", "Cookie: \(cookie)", "-H", "Origin: http://evil.example", "-X", "DELETE"]
            #expect(try await web.status("/api/v1/streams/nothing", other) == 403)
            // Ten wrong tokens cost nothing but a 401; then a pause is told, which the right one ends on this machine.
            let wrong = Web.json + ["-d", "{\"token\":\"a-wrong-token-0123456789\"}"]
            var statuses: [Int] = []
            for _ in 0..<12 { statuses.append(try await web.status("/api/v1/session", wrong)) }
            #expect(statuses == [Int](repeating: 401, count: 11) + [429])
            #expect(try await web.status("/api/v1/session", Web.json + body) == 200)
        }
    }

    @Test("without a token nobody signs in: who reaches the socket has the role control")
    func local() async throws {
        let web = try await Web()
        let shown = try await web.json("/api/v1/session")
        #expect(shown == .object(["role": .string("control"), "token": .bool(false)]))
        let answer = try await web.curl("/api/v1/session", Web.json + ["-d", "{\"token\":\"x\"}"])
        #expect(answer.status == 422 && !answer.headers.lowercased().contains("set-cookie"))
        await web.stop()
    }

    @Test("a cookie that is given over TLS comes back over TLS alone")
    func secure() async throws {
        try await signed { web, token in
            let host = web.server.address.dropFirst("http://".count)
            for (scheme, end) in [("https", "; SameSite=Strict; Secure"), ("http", "; SameSite=Strict")] {
                let origin = ["-H", "Origin: \(scheme)://\(host)"]
                let (field, cookie) = try await web.signIn(token(.view), origin)
                #expect(field.hasSuffix(end), "\(field)")
                let out = ["-X", "DELETE", "-H", "Cookie: \(cookie)"] + origin
                let headers = try await web.curl("/api/v1/session", out).headers
                #expect(headers.contains("Max-Age=0; HttpOnly" + end + "\r\n") || headers.hasSuffix(end), "\(headers)")
            }
        }
    }

    @Test("streams that a session opened end with it; another's go on")
    func openStreams() async throws {
        try await signed { web, token in
            let cookie = ["-H", "Cookie: \(try await web.signIn(token(.view)).cookie)"]
            func follow(_ path: String, _ options: [String]) throws -> Program {
                let script = "/usr/bin/curl -sSN -m 120 \"$@\"; echo \"ended $?\""
                return try Program("/bin/sh", ["-c", script, "sh"] + options + [web.server.address + path])
            }
            let own = try ["/api/v1/live", "/api/v1/events/stream"].map { try follow($0, cookie) }
            let other = try follow("/api/v1/live", ["-H", "Authorization: Bearer \(token(.view))"])
            #expect(try await until { web.server.counters.snapshot.followers == 3 })
            #expect(try await web.status("/api/v1/session", cookie + ["-X", "DELETE"]) == 200)
            // Each ends as an answer that is whole, before curl's own patience is over.
            for program in own { #expect(try await program.rest().hasSuffix("ended 0\n")) }
            #expect(try await until { web.server.counters.snapshot.followers == 1 })
            for path in ["/api/v1/live", "/api/v1/events/stream"] {
                #expect(try await web.status(path, cookie) == 401)
            }
            withExtendedLifetime(other) {}
        }
    }

    @Test("a session ends after twelve hours, and a token's oldest when that has too many; no caller ends another's")
    func expiry() throws {
        let (table, caller) = (SessionTable(), Caller(name: "desk", role: .operate, address: "http"))
        let now = ContinuousClock.now
        let first = table.open(for: caller, at: now).value
        #expect(table.session(first, at: now + .seconds(12 * 3600 - 1))?.caller == caller)
        #expect(table.session(first, at: now + .seconds(12 * 3600)) == nil)
        let other = table.open(for: Caller(name: "hall", role: .view, address: "http"), at: now)
        let oldest = try #require(table.session(first, at: now))
        #expect(!oldest.isOver(at: now + .seconds(12 * 3600 - 1)) && oldest.isOver(at: now + .seconds(12 * 3600)))
        let values = (1...SessionTable.most).map { table.open(for: caller, at: now + .milliseconds($0)).value }
        #expect(Set(values).count == SessionTable.most)
        #expect(table.session(first, at: now + .seconds(1)) == nil && oldest.isOver(at: now + .seconds(1)))
        #expect(table.session(other.value, at: now + .seconds(1))?.caller.name == "hall")
        #expect(values.allSatisfy { table.session($0, at: now + .seconds(2)) != nil })
    }
}
