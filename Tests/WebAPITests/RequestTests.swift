import ControlAPI
import Daemon
import Foundation
import TestSupport
import Testing
import WatchwordConfiguration
import WebAPI
import WireFormat

@Suite("Requests to the web API")
struct RequestTests {
    @Test("a target is a path's segments and a query's fields, decoded after they are parted")
    func targets() throws {
        let target = try RequestTarget("/api/v1/a%2Fb/%C3%A4?x=1+2%2B3&y&x==&&z=%26#part")
        #expect(target.segments == ["api", "v1", "a/b", "ä"])
        #expect(target.query.map(\.name) == ["x", "y", "x", "z"])
        #expect(target.query.map(\.value) == ["1 2+3", "", "=", "&"])
        for wrong in ["", "*", "a/b", "/%", "/%4", "/%zz", "/a?b=%f", "/%ff", "/?%c3"] {
            #expect(throws: Refusal.self, "\(wrong)") { try RequestTarget(wrong) }
        }
        #expect(throws: Refusal.self) { try RequestTarget("/" + String(repeating: "a", count: 9000)) }
    }

    @Test("a path that is there is answered for its methods, and says which those are")
    func methods() throws {
        #expect(throws: Refusal.self) { try Routes.find("GET", ["api", "v1", "nothing"]) }
        let refused = #expect(throws: Refusal.self) { try Routes.find("PUT", ["api", "v1", "queries", "q"]) }
        #expect(refused?.status == 405 && refused?.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH")
        #expect(try Routes.find("PATCH", ["api", "v1", "queries", "q"]).arguments == ["id": "q"])
        // Each route is found by itself, so none hides another.
        for route in Routes.all {
            let segments = route.path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
                .map { $0.hasPrefix("{") ? "a" : String($0) }
            #expect(try Routes.find(route.method, segments).route.path == route.path)
        }
    }

    private func operation(_ name: String) throws -> DaemonOperation {
        try #require(Operations.all.first { $0.name == name })
    }

    @Test("arguments come from path, query and body, and what does not fit the schema is refused by key")
    func arguments() throws {
        let replay = try operation("events.replay")
        func ask(_ query: String) throws -> JSONValue {
            try ArgumentReader.read(
                replay, path: [:], query: RequestTarget("/?" + query).query, body: Data(), contentType: nil)
        }
        #expect(try ask("since=5&query=q1") == .object(["since": .integer(5), "query": .string("q1")]))
        for wrong in [
            "since=-1", "since=x", "since=1.5", "limit=0", "limit=10001", "since=1&since=2", "other=1", "query=",
        ] {
            #expect(throws: Refusal.self, "\(wrong)") { try ask(wrong) }
        }
        let update = try operation("query.update")
        func change(_ body: String, _ type: String? = "application/json; charset=utf-8") throws -> JSONValue {
            try ArgumentReader.read(
                update, path: ["id": "q"], query: [], body: Data(body.utf8), contentType: type)
        }
        #expect(
            try change(#"{"threshold": 0.2, "tags": null}"#)
                == .object(["id": .string("q"), "threshold": .number(0.2), "tags": .null]))
        for wrong in ["[]", "{", "{\"nothing\": 1}", "{\"id\": \"other\"}", "{\"frames\": 0}", "{\"text\": 5}"] {
            #expect(throws: Refusal.self, "\(wrong)") { try change(wrong) }
        }
        let type = #expect(throws: Refusal.self) { try change("{}", "text/plain") }
        #expect(type?.status == 415)
    }

    @Test("an operation has one place on the web, and every argument in its path is one of its own")
    func table() {
        let places = Operations.all.map { "\($0.method) \($0.path)" }
        #expect(Set(places).count == places.count && Set(Operations.names).count == places.count)
        for operation in Operations.all {
            #expect(Set(operation.pathArguments).isSubset(of: operation.properties.map(\.key)), "\(operation.name)")
        }
    }

    @Test("pages of other sites and names that only point here are refused; the token is compared whole")
    func gate() throws {
        let configuration = try #require(try Configuration(yaml: "http: {}", path: "w.yaml").http)
        let open = Gate(configuration, tokens: [])
        for host in ["127.0.0.1:8787", "localhost", "[::1]:8787", "LOCALHOST:1", nil] {
            #expect(throws: Never.self) { try open.check(host: host, origin: nil, site: nil) }
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil:8787"] {
            #expect(throws: Refusal.self, "\(host)") { try open.check(host: host, origin: nil, site: nil) }
        }
        try open.check(host: "localhost:8787", origin: "http://localhost:8787", site: "same-origin")
        for (origin, site) in [
            ("http://evil.example", nil), ("null", nil), ("http://localhost:9999", nil), (nil, "cross-site"),
            (nil, "same-site"),
        ] {
            #expect(throws: Refusal.self) { try open.check(host: "localhost:8787", origin: origin, site: site) }
        }
        // A link may open the page from anywhere, and do nothing else.
        try open.check(host: "localhost:8787", origin: nil, site: "cross-site", followsLink: true)
        #expect(throws: Refusal.self) {
            try open.check(host: "evil.example", origin: nil, site: "cross-site", followsLink: true)
        }
        #expect(throws: Refusal.self) {
            try open.check(host: "localhost", origin: "http://evil.example", site: "cross-site", followsLink: true)
        }
        let tokens = zip(["0123456789abcdef", "view-0123456789abcdef"], [Role.control, .view])
            .map { HTTPToken(name: "\($1)", role: $1, secret: Array($0.utf8)) }
        let closed = Gate(configuration, tokens: tokens)
        #expect(try closed.check(authorization: "bearer 0123456789abcdef").role == .control)
        #expect(try closed.check(authorization: "Bearer view-0123456789abcdef").role == .view)
        #expect(try open.check(authorization: nil).role == .control)
        for wrong in [
            nil, "", "Bearer", "Bearer ", "Basic 0123456789abcdef", "Bearer 0123456789abcdeF",
            "Bearer 0123456789abcde", "Bearer 0123456789abcdef0",
        ] {
            #expect(throws: Refusal.self) { _ = try closed.check(authorization: wrong) }
        }
        try closed.check(host: "cam.example", origin: nil, site: nil)
    }

    @Test("a socket beyond loopback needs a token, which not everybody may read")
    func configuration() throws {
        func http(_ text: String) throws -> HTTPConfiguration? {
            try Configuration(yaml: text, path: "w.yaml").http
        }
        #expect(try http("head: mean") == nil)
        #expect(try http("http: {listen: \"[::1]:80\"}")?.address == "::1")
        #expect(try http("http: {listen: \"localhost:80\"}")?.address == "127.0.0.1")
        for wrong in [
            "{listen: \"0.0.0.0:8787\"}", "{listen: \"[::]:8787\"}", "{listen: \"192.168.1.2:80\"}", "{listen: 8787}",
            "{listen: \"127.0.0.1:65536\"}", "{listen: \"127.evil.example:80\"}", "{listen: \"[::1]\"}",
            "{followers: 0}", "{tokens: x}", "{tokens: [x]}", "{tokens: [{file: x}]}", "{tokens: [{role: view}]}",
            "{tokens: [{file: x, role: root}]}", "{tokens: [{file: x, role: view, secret: y}]}",
            "{token: x, tokens: [{file: a/x, role: view}]}", "{listen: \"0.0.0.0:8787\", tokens: []}",
        ] {
            #expect(throws: ConfigurationError.self, "\(wrong)") { try http("http: \(wrong)") }
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "web-token")
        func write(_ text: String, mode: Int) throws {
            try Data(text.utf8).write(to: file)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
        }
        let beyond = try #require(try http("http: {listen: \"0.0.0.0:8787\", token: web-token}"))
        let environment = ["CREDENTIALS_DIRECTORY": folder.path]
        try write("0123456789abcdef\n", mode: 0o600)
        #expect(try beyond.secrets(environment: environment).map(\.secret) == [Array("0123456789abcdef".utf8)])
        #expect(try beyond.secrets(environment: environment).map(\.role) == [.control])
        #expect(throws: ConfigurationError.self) { try beyond.secrets(environment: [:]) }
        for (text, mode) in [
            ("0123456789abcdef", 0o644), ("0123456789abcdef", 0o640), ("0123456789abcdef", 0o620), ("short", 0o600),
            ("0123456789 abcdef", 0o600), ("", 0o600),
        ] {
            try write(text, mode: mode)
            // Not as a credential of systemd's: there the group's mode is an access list's.
            let plain = try #require(try http("http: {listen: \"0.0.0.0:8787\", token: \(file.path)}"))
            #expect(throws: ConfigurationError.self) { try plain.secrets(environment: [:]) }
        }
    }

    @Test("the document in docs is the one that is served")
    func document() throws {
        // After a change: curl -s http://127.0.0.1:8787/api/v1/openapi.json >docs/openapi.json
        let kept = try Data(contentsOf: Fixtures.repository.appending(path: "docs/openapi.json"))
        #expect(try OpenAPIDocument.data() == kept)
    }
}
