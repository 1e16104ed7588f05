import ControlAPI
import Daemon
import Foundation
import Messaging
import TestSupport
import Testing
import WatchwordConfiguration
import WebAPI
import WireFormat

/// A daemon with both sockets, a token and a key for each role, and streams with secret passwords.
private final class Roles: Sendable {
    static let secrets = ["hunter2-in-the-uri", "swordfish-in-a-file", "token-in-the-query"]
    let web: Web
    let server: ControlServer
    let control: String
    private let folder: String
    private let keys: [Role: CurveSecretKey]
    private let serverKey: CurvePublicKey

    init() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "r-\(UUID().uuidString.prefix(8))").path
        self.folder = folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        func keep(_ name: String, _ text: String) throws {
            try #require(
                FileManager.default.createFile(
                    atPath: "\(folder)/\(name)", contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
        }
        let secret = try CurveSecretKey.make()
        serverKey = try secret.publicKey()
        try keep("key", secret.z85)
        let keys = Dictionary(uniqueKeysWithValues: try Role.allCases.map { ($0, try CurveSecretKey.make()) })
        self.keys = keys
        try keep("clients", keys.map { "c-\($0.rawValue) \(try $1.publicKey().z85) \($0.rawValue)\n" }.joined())
        for role in Role.allCases { try keep("token-\(role)", Self.token(role)) }
        try keep("lobby", "me:\(Self.secrets[1])\n")
        let tokens = Role.allCases.map { "{file: \(folder)/token-\($0), role: \($0)}" }.joined(separator: ", ")
        web = try await Web(
            [
                "curve: {key: \(folder)/key, clients: \(folder)/clients}", "streams:",
                "- {name: uri, uri: \"rtsp://me:\(Self.secrets[0])@127.0.0.1:9/live?token=\(Self.secrets[2])\"}",
                "- {name: file, uri: \"rtsp://127.0.0.1:9/live\", credentials: \(folder)/lobby}",
                "queries:", "- {id: stands, text: a blue circle, threshold: 1}",
            ], http: "{listen: \"127.0.0.1:0\", rate: 100000, tokens: [\(tokens)]}")
        let operations = Operations(web.daemon)
        control = "ipc://\(folder)/c"
        server = try ControlServer(binding: control, gate: web.daemon.gate) { await operations.answer($0, from: $1) }
    }

    private static func token(_ role: Role) -> String { "a-token-for-\(role)-0123456789" }

    func bearer(_ role: Role) -> [String] { ["-H", "Authorization: Bearer \(Self.token(role))"] }

    /// Sends a request over ZeroMQ with CURVE.
    func ask(_ operation: String, _ args: JSONValue, as role: Role) async throws -> ControlReply {
        let identity = CurveIdentity(secret: try #require(keys[role]), server: serverKey)
        let client = ControlClient(control, identity: identity)
        let request = try WireCoding.encode(ControlRequest(id: "1", op: operation, args: args))
        return try WireCoding.decode(
            ControlReply.self, try await blocking { try client.request(request, timeout: 60) })
    }

    func stop() async {
        server.stop()
        await web.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

@Suite("Roles over both sockets", .serialized)
struct RoleTests {
    /// Invalid arguments for an operation, so that an allowed caller's request changes nothing.
    private func arguments(_ operation: DaemonOperation) -> JSONValue {
        .object(Dictionary(uniqueKeysWithValues: operation.pathArguments.map { ($0, .string("nothing")) }))
    }

    private func isForbidden(_ code: String?, _ message: String?, _ operation: DaemonOperation, _ role: Role) -> Bool {
        code == "forbidden" && message?.contains("needs the role \(operation.role), ") == true
            && message?.contains("has \(role)") == true
    }

    @Test("each operation is done for those whose role reaches so far, and refused to the others by one sentence")
    func matrix() async throws {
        let roles = try await Roles()
        for operation in Operations.all {
            let path = Routes.root + operation.path.replacing(/\{[a-z]+\}/, with: "nothing")
            for role in Role.allCases {
                let reply = try await roles.ask(operation.name, arguments(operation), as: role)
                let options = ["-X", operation.method.rawValue.uppercased()] + roles.bearer(role)
                let answer = try await roles.web.curl(path, options)
                if role < operation.role {
                    #expect(
                        isForbidden(reply.error?.code, reply.error?.message, operation, role),
                        "\(operation.name) \(role) \(reply)")
                    let error = try JSONText.parse(Data(answer.body.utf8))["error"]
                    #expect(answer.status == 403, "\(operation.name) \(role) \(answer)")
                    #expect(error?["code"]?.string == "forbidden")
                    #expect(error?["message"]?.string?.contains("needs the role \(operation.role), ") == true)
                } else {
                    #expect(reply.error?.code != "forbidden", "\(operation.name) \(role) \(reply)")
                    #expect(![401, 403, 405].contains(answer.status), "\(operation.name) \(role) \(answer)")
                }
            }
        }
        #expect((roles.web.daemon.gate?.denied["c-view may not stream.add"] ?? 0) == 1)
        await roles.stop()
    }

    @Test("without a token everything is refused that says something of what is watched, also what never ends")
    func unknown() async throws {
        let roles = try await Roles()
        for route in Routes.all where !route.endpoint.isOpen {
            let path = route.path.replacing(/\{[a-z]+\}/, with: "nothing")
            for options in [[], ["-H", "Authorization: Bearer a-wrong-one-0123456789"]] {
                let answer = try await roles.web.curl(path, ["-X", route.method] + options)
                // Too many wrong tokens are refused before they are looked at.
                #expect(answer.status == 401 || (!options.isEmpty && answer.status == 429), "\(route.path) \(answer)")
            }
        }
        await roles.stop()
    }

    @Test("the table says what changes streams, what changes queries, and that all else only looks")
    func table() {
        // They are asked with a body, and change nothing.
        let questions: Set = ["history.search", "query.backtest"]
        for operation in Operations.all {
            let changes = operation.method != .get && !questions.contains(operation.name)
            let isControl =
                operation.name.hasPrefix("stream.") || operation.name.hasPrefix("fleet.")
                || ["history.remove", "notify.add", "notify.remove"].contains(operation.name)
            let expected: Role = !changes ? .view : isControl ? .control : .operate
            #expect(operation.role == expected, "\(operation.name)")
        }
        for route in Routes.all where !route.endpoint.isOpen && route.method == "GET" {
            #expect(route.endpoint.role == .view, "\(route.path)")
        }
    }

    @Test("view can change nothing: what stands is as before, whatever it was asked for with good arguments")
    func changesNothing() async throws {
        let roles = try await Roles()
        let json = roles.bearer(.view) + ["-H", "Content-Type: application/json"]
        let query: JSONValue = .object(["text": .string("a red ring"), "threshold": .number(0.5)])
        let tries: [(String, JSONValue, String, String, String)] = [
            ("query.add", query, "POST", "/queries", #"{"text":"a red ring","threshold":0.5}"#),
            (
                "query.update", .object(["id": .string("stands"), "threshold": .number(0.1)]), "PATCH",
                "/queries/stands",
                #"{"threshold":0.1}"#
            ),
            ("query.import", .object(["queries": .array([query])]), "POST", "/import", #"{"queries":[]}"#),
            ("query.remove", .object(["id": .string("stands")]), "DELETE", "/queries/stands", ""),
            (
                "stream.add", .object(["name": .string("s"), "uri": .string("shapes://7")]), "POST", "/streams",
                #"{"name":"s","uri":"shapes://7"}"#
            ),
            ("stream.remove", .object(["name": .string("uri")]), "DELETE", "/streams/uri", ""),
        ]
        func state() async throws -> [JSONValue?] {
            let queries = try await roles.ask("query.export", .object([:]), as: .view).result
            let streams = try await roles.ask("stream.list", .object([:]), as: .view).result?.array?.map { $0["name"] }
            return [queries] + (streams ?? [])
        }
        let before = try await state()
        for (name, args, method, path, body) in tries {
            #expect(try await roles.ask(name, args, as: .view).error?.code == "forbidden")
            let options = json + ["-X", method] + (body.isEmpty ? [] : ["-d", body])
            #expect(try await roles.web.curl("/api/v1" + path, options).status == 403)
        }
        #expect(try await state() == before)
        // What operate may: queries, and no source.
        #expect(try await roles.ask("query.add", query, as: .operate).error == nil)
        #expect(try await roles.ask("stream.add", tries[4].1, as: .operate).error?.code == "forbidden")
        #expect(try await roles.ask("stream.remove", tries[5].1, as: .operate).error?.code == "forbidden")
        #expect(try await state() != before)
        await roles.stop()
    }

    @Test("view learns no secret of a stream's, of a file or of a URI, whatever it asks on either socket")
    func learnsNothing() async throws {
        let roles = try await Roles()
        // The cameras have refused by now, and the reason stands in what is told of them.
        let hasFailed = try await until {
            let streams = try await roles.ask("stream.list", .object([:]), as: .view).result?.array ?? []
            return streams.count == 2 && streams.allSatisfy { $0["reason"]?.string?.isEmpty == false }
        }
        #expect(hasFailed)
        var told = ""
        for operation in Operations.all where operation.role == .view {
            for name in ["uri", "file", "stands"] {
                let args = JSONValue.object(
                    Dictionary(uniqueKeysWithValues: operation.pathArguments.map { ($0, .string(name)) }))
                let reply = try await roles.ask(operation.name, args, as: .view)
                told += String(decoding: try WireCoding.encode(reply), as: UTF8.self)
            }
        }
        for route in Routes.all where route.method == "GET" {
            for name in ["uri", "file", "stands"] {
                let path = route.path.replacing(/\{[a-z]+\}/, with: name)
                // These streams never end: what they begin with is the journal.
                let isEndless = path.hasSuffix("/stream") || path.hasSuffix("/live")
                let options = roles.bearer(.view) + (isEndless ? ["-m", "3"] : [])
                let target = isEndless ? path + "?since=0" : path
                told += (try? await roles.web.curl(target, options).body) ?? ""
            }
        }
        #expect(told.contains("127.0.0.1") && told.contains("stands"))
        for secret in Roles.secrets + ["a-token-for"] {
            #expect(!told.contains(secret), "\(secret)")
        }
        await roles.stop()
    }

    @Test("several tokens are told apart; one token twice, or one name twice, is refused")
    func tokens() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "t-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (name, text) in [
            ("a", "one-0123456789abcdef"), ("b", "two-0123456789abcdef"), ("c", "one-0123456789abcdef\n"),
        ] {
            try #require(
                FileManager.default.createFile(
                    atPath: "\(folder)/\(name)", contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
        }
        func http(_ text: String) throws -> HTTPConfiguration {
            try #require(try Configuration(yaml: "http: \(text)", path: "w.yaml").http)
        }
        let good = try http(
            "{listen: \"0.0.0.0:1\", token: \(folder)/a, tokens: [{file: \(folder)/b, role: subscribe}]}")
        let secrets = try good.secrets(environment: [:])
        #expect(secrets.map(\.role) == [.control, .view] && secrets.map(\.name) == ["a", "b"])
        let same = try http("{tokens: [{file: \(folder)/a, role: view}, {file: \(folder)/c, role: control}]}")
        #expect {
            try same.secrets(environment: [:])
        } throws: {
            "\($0)".contains("are one token") && !"\($0)".contains("one-0123456789abcdef")
        }
        #expect(throws: ConfigurationError.self) {
            try http("{tokens: [{file: x, role: view}, {file: y, role: view, name: x}]}")
        }
    }
}
