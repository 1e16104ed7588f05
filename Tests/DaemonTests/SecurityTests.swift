import CLIP
import ControlAPI
import Foundation
import Heads
import Logging
import Matching
import Messaging
import TestSupport
import Testing
import WatchwordConfiguration
import WireFormat

@Suite("Who may do what: configuration and limits")
struct SecurityTests {
    private func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "security-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test("the curve section finds its files beside the configuration, and says what is wrong with them")
    func curve() throws {
        let folder = try folder()
        let config = folder.appending(path: "w.yaml").path
        let (key, clients) = (folder.appending(path: "k").path, folder.appending(path: "c").path)
        try "curve: {key: k, clients: c}".write(toFile: config, atomically: true, encoding: .utf8)
        let curve = try #require(try Configuration.load(config).curve)
        #expect(curve.key == key && curve.clients == clients)
        let logger = Logger(label: "test")
        func refusal() -> String {
            do {
                _ = try curve.gate(logger: logger)
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(refusal().hasPrefix("\(key): the secret key cannot be read"))
        let secret = try CurveSecretKey.make()
        try secret.z85.write(toFile: key, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
        #expect(refusal().hasPrefix("\(key): other users can read this secret key"))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
        #expect(refusal().hasPrefix("\(clients): the file of clients cannot be read: No such file"))
        try "# nobody\nops x control\n".write(toFile: clients, atomically: true, encoding: .utf8)
        #expect(refusal() == "\(clients):2: a key has 40 letters of Z85, this has 1")
        try "ops \(secret.publicKey()) control\n".write(toFile: clients, atomically: true, encoding: .utf8)
        #expect(refusal() == "")
        #expect(throws: ConfigurationError.self) { try Configuration(yaml: "curve: {secret: k}", path: "w.yaml") }
    }

    @Test("limits are read, and refused where they make no sense")
    func limits() throws {
        let found = try Configuration(
            yaml: "limits: {request_megabytes: 2, import_megabytes: 3, requests_per_second: 4}", path: "w.yaml")
        #expect(found.limits.request == 2 << 20 && found.limits.importRequest == 3 << 20)
        #expect(found.limits.rate == 4 && found.limits.burst == 20)
        for wrong in ["request_megabytes: 0", "import_megabytes: 5000", "requests_per_second: 0", "rate: 1"] {
            #expect(throws: ConfigurationError.self) { try Configuration(yaml: "limits: {\(wrong)}", path: "w.yaml") }
        }
    }

    @Test("an operation whose time is over answers timeout and is cancelled; one in time has its result")
    func time() async throws {
        #expect(try await TimeLimit.run(seconds: 60) { 5 } == 5)
        await #expect { try await TimeLimit.run(seconds: 60) { throw ControlFailure("x", "y") } } throws: {
            ($0 as? ControlFailure)?.code == "x"
        }
        let (cancelled, told) = AsyncStream<Void>.makeStream()
        await #expect {
            try await TimeLimit.run(seconds: 0.05) {
                defer { told.finish() }
                try await Task.sleep(for: .seconds(3600))
            }
        } throws: {
            ($0 as? ControlFailure)?.code == "timeout"
        }
        for await _ in cancelled {}
    }

    @Test(
        "JSON that is deep, large, double or not UTF-8 is refused",
        arguments: [
            String(repeating: "[", count: 100_000),
            String(repeating: "{\"a\":", count: 65) + "1" + String(repeating: "}", count: 65),
            "1e400", "-1e400", String(repeating: "9", count: 400), "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}",
            "\"\\ud800\"",
            "\"\\udc00\\ud800\"", "01", "+1", ".5", "1.", "NaN", "Infinity", "[1,]", "{\"a\":1,}", "{}{}", "",
            "\u{FEFF}{}",
            "\"\t\"",
        ])
    func json(_ text: String) {
        #expect(throws: JSONText.Failure.self) { try JSONText.parse(Data(text.utf8)) }
    }

    @Test("bytes that are not UTF-8 are refused in texts, in keys, and between them")
    func bytes() {
        for bad in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82]] as [[UInt8]] {
            for (before, after) in [("\"", "\""), ("{\"", "\":1}"), ("[", "1]")] {
                let data = Data(before.utf8) + bad + Data(after.utf8)
                #expect(throws: JSONText.Failure.self) { try JSONText.parse(data) }
            }
        }
        let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect((try? JSONText.parse(Data(deep.utf8))) != nil)
    }

    static let paths = [
        "../mean", "/etc/passwd", "..", ".", "a/b", "mean/../../x", "mean.so", "Mean", "-mean", "me an", "mean\0",
        "mean\n", "",
        "%2e%2e%2fmean", "ｍean",
    ]

    @Test("a head's name that is a path is no head, and no file is looked at", arguments: paths)
    func heads(_ name: String) throws {
        let query = try QueryConfiguration(json: .object(["text": .string("a cat"), "threshold": .number(0.2)]))
        var headed = query
        headed.head = name
        let model = try ModelDirectory(Fixtures.shapes)
        // With the plugins' own folder one step below, the path would be there.
        let finder = HeadFinder(directories: [Fixtures.plugins + "/.", Fixtures.plugins])
        let defaults = Defaults(model: model, finder: finder)
        #expect { try defaults.query(headed) } throws: { ($0 as? HeadError)?.reason == .badName }
        #expect { try finder.file(name) } throws: { ($0 as? HeadError)?.reason == .badName }
        #expect { try finder.load(name) } throws: { ($0 as? HeadError)?.reason == .badName }
        _ = try defaults.query(query)
    }

    /// Those of `paths` that are valid names of streams and queries: with capitals, or a leading hyphen.
    static let plainNames = ["Mean", "-mean"]

    @Test("what may not be a head's name may be a stream's, a query's and a region's", arguments: plainNames)
    func allowed(_ name: String) throws {
        #expect(Self.paths.contains(name))
        let stream: JSONValue = .object([
            "name": .string(name), "uri": .string("test:x"),
            "regions": .object([name: .array([0, 0, 1, 1].map { .integer($0) })]),
        ])
        #expect(try stream.decoded(as: StreamConfiguration.self).problem == nil)
        let query = try QueryConfiguration(
            json: .object([
                "text": .string("a cat"), "id": .string(name), "group": .string(name), "threshold": .number(0.2),
            ]))
        #expect(query.id == name && query.group == name)
    }

    @Test(
        "names of streams, queries and regions that are paths are refused, in files and on the wire",
        arguments: paths.filter { !plainNames.contains($0) })
    func names(_ name: String) throws {
        let stream: JSONValue = .object(["name": .string(name), "uri": .string("test:x")])
        #expect(try stream.decoded(as: StreamConfiguration.self).problem?.key == "name")
        let region: JSONValue = .object([
            "name": .string("a"), "uri": .string("test:x"),
            "regions": .object([name: .array([0, 0, 1, 1].map { .integer($0) })]),
        ])
        #expect(try region.decoded(as: StreamConfiguration.self).problem?.key == "regions")
        #expect(throws: QueryError.self) {
            try QueryConfiguration(
                json: .object(["text": .string("a cat"), "id": .string(name), "threshold": .number(0.2)]))
        }
        #expect(throws: QueryError.self) {
            try QueryConfiguration(
                json: .object(["text": .string("a cat"), "group": .string(name), "threshold": .number(0.2)]))
        }
    }
}
