import Concurrency
import ControlAPI
import Daemon
import Engine
import Foundation
import Logging
import Matching
import StreamSources
import TestSupport
import Testing
import WatchwordConfiguration
import WireFormat

@Suite("Ids that are made from texts")
struct QueryNamesTests {
    /// Pairs of texts with the same slug, which contains only a part of each.
    static let alike = [
        ["一辆 BMW", "红色的 BMW 停下"], ["Ein grüner Bus", "ein gr ner bus!"], ["两", "乀"], ["両", "乀"],
        [
            String(repeating: "a very long text ", count: 4) + "one",
            String(repeating: "a very long text ", count: 4) + "two",
        ],
        ["C++", "C#"], ["a dog?", "a dog"],
    ]

    private func named(_ texts: [String]) -> [String] {
        QueryNames.named(texts.map { QueryConfiguration(text: $0) }).map(\.idOrSlug)
    }

    @Test("two texts never get one id, and each id is a name", arguments: alike)
    func apart(_ texts: [String]) throws {
        let ids = named(texts)
        #expect(Set(ids).count == 2 && ids.allSatisfy { $0.utf8.count <= 64 })
        let yaml = "queries:\n" + texts.map { "- \"\($0)\"" }.joined(separator: "\n")
        #expect(try Configuration(yaml: yaml, path: "w").queries.map(\.id) == ids)
        #expect(named(texts) == ids)
    }

    @Test("what was unambiguous keeps its id, alone and with others after it", arguments: alike)
    func kept(_ texts: [String]) {
        #expect(named([texts[0]]) == [QueryConfiguration.slug(texts[0])])
        #expect(named(["a red van", texts[0], "two dogs"])[1] == QueryConfiguration.slug(texts[0]))
        #expect(named(["A red van!"]) == ["a-red-van"])
    }

    @Test("an id that is written, and a text that is all in its slug, come before others, wherever they stand")
    func order() {
        var written = QueryConfiguration(id: "bmw", text: "a car")
        written.threshold = 1
        let ids = QueryNames.named([QueryConfiguration(text: "一辆 BMW"), written]).map(\.idOrSlug)
        #expect(ids[1] == "bmw" && ids[0].hasPrefix("bmw-") && ids[0].utf8.count == 12)
        let words = named(["一辆 BMW", "bmw"])
        #expect(words[1] == "bmw" && words[0] == ids[0])
    }

    @Test("pictures alone are told apart by what they show")
    func pictures() {
        func query(_ bytes: String) -> QueryConfiguration {
            var query = QueryConfiguration(text: "")
            query.images = ["data:image/png;name=a.png;base64,iVBORw0KGgoAAAANSUhEUgAA" + bytes]
            return query
        }
        let ids = QueryNames.named([query("AAAA"), query("BBBB")]).map(\.idOrSlug)
        #expect(Set(ids).count == 2)
    }

    @Test("many texts of one slug are named in one go, all apart")
    func many() {
        let ids = named((0..<5000).map { "\(String(UnicodeScalar(0x4E00 + UInt32($0)) ?? "x")) BMW" })
        #expect(Set(ids).count == 5000)
    }
}

/// A daemon in this process, its configuration, and requests as over ZeroMQ.
final class Place {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ww-\(UUID().uuidString.prefix(8))")
    private(set) var tower: WatchwordDaemon?
    private var number = 0

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    func configuration(_ queries: String, streams: String = "[]") throws -> Configuration {
        // Sockets are given back when a daemon is, which may be later.
        number += 1
        let yaml = """
            model: \(Fixtures.shapes.path)
            head: mean
            journal: \(folder.path)/journal.sqlite
            publish: ipc://\(folder.path)/e\(number)
            pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)
            streams: \(streams)
            queries: \(queries)
            """
        return try Configuration(yaml: yaml, path: "w.yaml")
    }

    func start(_ queries: String = "[]", streams: String = "[]") async throws -> WatchwordDaemon {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let tower = try await WatchwordDaemon(configuration(queries, streams: streams), logger: logger)
        try await tower.begin()
        self.tower = tower
        return tower
    }

    func reload(_ queries: String, streams: String = "[]") async throws {
        var new = try configuration(queries, streams: streams)
        number -= 1
        new.publish = "ipc://\(folder.path)/e\(number)"
        _ = try await tower?.reload(new)
    }

    func stop() async {
        guard let tower else { return }
        let scoring = Task { await tower.run() }
        await tower.stop()
        await scoring.value
        self.tower = nil
    }

    func ask(_ operation: String, _ args: JSONValue = .object([:])) async throws -> ControlReply {
        let request = ControlRequest(id: "1", op: operation, args: args)
        let tower = try #require(tower)
        return try WireCoding.decode(
            ControlReply.self, await Operations(tower).answer(WireCoding.encode(request)))
    }

    func add(_ json: String) async throws -> (id: String?, change: String?, error: String?) {
        let reply = try await ask("query.add", JSONText.parse(Data(json.utf8)))
        return (reply.result?["query"]?["id"]?.string, reply.result?["change"]?.string, reply.error?.code)
    }

    func sources() async throws -> [String: String] {
        let list = try await ask("query.list").result?.array ?? []
        return Dictionary(
            list.compactMap { query in
                query["id"]?.string.map { ($0, query["source"]?.string ?? "") }
            }
        ) { $1 }
    }
}

@Suite("Queries of one id", .serialized)
struct QueryIdentityTests {
    @Test(
        "two texts that are alike both stand, after a restart too; the same again is no change",
        arguments: QueryNamesTests.alike)
    func both(_ texts: [String]) async throws {
        let place = try Place()
        _ = try await place.start()
        var ids: [String?] = []
        for text in texts {
            let added = try await place.add("{\"text\":\"\(text)\",\"threshold\":0.5}")
            #expect(added.change == "added" && added.error == nil)
            ids.append(added.id)
        }
        for (text, id) in zip(texts, ids) {
            #expect(try await place.add("{\"text\":\"\(text)\",\"threshold\":0.5}") == (id, "unchanged", nil))
        }
        await place.stop()
        let again = try await place.start()
        #expect(await again.engine.allQueries.map(\.text).sorted() == texts.sorted())
        #expect(try await place.add("{\"text\":\"\(texts[1])\",\"threshold\":0.5}") == (ids[1], "unchanged", nil))
        await place.stop()
    }

    @Test("another query takes an id's place only if that is asked for, and it is said")
    func replacing() async throws {
        let place = try Place()
        let tower = try await place.start("[{id: c, text: a circle, threshold: 0.3}]")
        #expect(try await place.add(#"{"id":"c","text":"a circle","threshold":0.3}"#) == ("c", "unchanged", nil))
        #expect(try await place.sources() == ["c": "file"], "nothing had to be kept")
        #expect(try await place.add(#"{"id":"c","text":"a star"}"#) == (nil, nil, "exists"))
        #expect(try await place.add(#"{"id":"c","text":"a star","replace":false}"#) == (nil, nil, "exists"))
        #expect(try await place.add(#"{"id":"c","text":"a star","replace":1}"#) == (nil, nil, "bad-argument"))
        #expect(await tower.engine.query("c")?.text == "a circle")
        #expect(try await place.add(#"{"id":"c","text":"a star","replace":true}"#) == ("c", "replaced", nil))
        #expect(await tower.engine.query("c")?.text == "a star")
        await place.stop()
    }

    @Test("an import says what it added, replaced and left, and may be told to replace nothing")
    func importing() async throws {
        let place = try Place()
        _ = try await place.start()
        func queries(_ json: String, replace: Bool? = nil) async throws -> ControlReply {
            var args = ["queries": try JSONText.parse(Data(json.utf8))]
            if let replace { args["replace"] = .bool(replace) }
            return try await place.ask("query.import", .object(args))
        }
        func counts(_ reply: ControlReply) -> [Int64?] {
            ["added", "replaced", "unchanged"].map { reply.result?[$0]?.integer }
        }
        let texts = #"{"text":"一辆 BMW"},{"text":"红色的 BMW 停下"}"#
        #expect(try await counts(queries(#"[{"id":"a","text":"x"},\#(texts)]"#)) == [3, 0, 0])
        #expect(try await counts(queries(#"[{"id":"a","text":"y"},{"id":"b","text":"x"},\#(texts)]"#)) == [1, 1, 2])
        #expect(
            try await queries(#"[{"id":"d","text":"y"},{"id":"a","text":"z"}]"#, replace: false).error?.code == "exists"
        )
        #expect(
            try await place.ask("query.get", .object(["id": .string("d")])).error?.code == "not-found",
            "none, if one is wrong")
        #expect(
            try await queries(#"[{"text":"two"},{"text":"two"}]"#).error?.message.contains("two of this id") == true)
        let over = try await queries(#"[{"id":"o","text":"y","expires":"2020-01-01T00:00:00Z"}]"#)
        #expect(over.result?["expired"] == .array([.string("o")]))
        await place.stop()
    }

    @Test("what a socket changed of the configuration is said, outlives a restart, and is taken back by a reset")
    func shadows() async throws {
        let place = try Place()
        let file = "[{id: c, text: a circle, threshold: 0.3}, 一辆 BMW, {id: d, text: a star}]"
        var tower = try await place.start(file)
        #expect(try await place.sources() == ["c": "file", "bmw": "file", "d": "file"])
        for (id, changes) in [("c", ["threshold": JSONValue.number(0.4)]), ("bmw", ["text": .string("a house")])] {
            let args = changes.merging(["id": .string(id)]) { $1 }
            #expect(try await place.ask("query.update", .object(args)).result?["change"] == .string("replaced"))
        }
        _ = try await place.add(#"{"id":"own","text":"a square"}"#)
        let shadowed = ["c": "shadows-file", "bmw": "shadows-file", "d": "file", "own": "socket"]
        #expect(try await place.sources() == shadowed)
        await place.stop()
        tower = try await place.start(file)
        #expect(try await place.sources() == shadowed)
        #expect(await tower.engine.query("bmw")?.text == "a house")
        try await place.reload(file.replacing("0.3", with: "0.35"))
        #expect(await tower.engine.query("c")?.rule == .score(0.4))

        func reset(_ id: String) async throws -> (change: String?, error: String?) {
            let reply = try await place.ask("query.reset", .object(["id": .string(id)]))
            return (reply.result?["change"]?.string, reply.error?.code)
        }
        #expect(try await reset("c") == ("replaced", nil))
        #expect(try await reset("c") == ("unchanged", nil))
        #expect(await tower.engine.query("c")?.rule == .score(0.35))
        #expect(try await reset("own") == (nil, "refused"))
        #expect(try await reset("nobody") == (nil, "not-found"))
        #expect(try await reset("bmw") == ("replaced", nil))
        // One that is removed is there again when the file is read again.
        let removed = try await place.ask("query.remove", .object(["id": .string("d")]))
        #expect(removed.result?["returns"] == .bool(true))
        try await place.reload(file)
        #expect(try await place.sources() == ["c": "file", "bmw": "file", "d": "file", "own": "socket"])
        await place.stop()
        tower = try await place.start(file)
        #expect(await tower.engine.query("c")?.rule == .score(0.3))
        await place.stop()
    }

    @Test("a text of the configuration whose slug another text of a socket has stands beside it")
    func beside() async throws {
        let place = try Place()
        var tower = try await place.start()
        #expect(try await place.add(#"{"text":"一辆 BMW"}"#).id == "bmw")
        try await place.reload("[红色的 BMW 停下]")
        #expect(await tower.engine.allQueries.map(\.text).sorted() == ["一辆 BMW", "红色的 BMW 停下"])
        let ids = await tower.engine.allQueries.map(\.id)
        await place.stop()
        tower = try await place.start("[红色的 BMW 停下]")
        #expect(await tower.engine.allQueries.map(\.id) == ids)
        await place.stop()
    }

    @Test("a stream that a socket changed is said to be, and is taken back by a reset")
    func streams() async throws {
        let place = try Place()
        let file = "[{name: s, uri: 'test://ball'}]"
        _ = try await place.start(streams: file)
        func source() async throws -> [String?] {
            try await place.ask("stream.list").result?.array?.map { $0["source"]?.string } ?? []
        }
        #expect(try await source() == ["file"])
        let other: JSONValue = .object(["name": .string("s"), "uri": .string("test://snow")])
        #expect(try await place.ask("stream.add", other).result?["change"] == .string("replaced"))
        #expect(try await source() == ["shadows-file"])
        await place.stop()
        let tower = try await place.start(streams: file)
        #expect(try await source() == ["shadows-file"])
        let name: JSONValue = .object(["name": .string("s")])
        #expect(try await place.ask("stream.reset", name).result?["change"] == .string("replaced"))
        #expect(try await place.ask("stream.reset", name).result?["change"] == .string("unchanged"))
        #expect(await tower.streams.running.map(\.description.uri) == ["test://ball"])
        #expect(try await source() == ["file"])
        #expect(try await place.ask("stream.remove", name).result?["returns"] == .bool(true))
        #expect(try await place.ask("stream.reset", .object(["name": .string("x")])).error?.code == "not-found")
        await place.stop()
    }

    @Test(
        "no operation takes a key that it does not know, a wrong type, or a list for keys, over ZeroMQ",
        arguments: Operations.names)
    func unknownKeys(_ operation: String) async throws {
        let place = try Place()
        _ = try await place.start("[{id: c, text: a circle, threshold: 0.3}]")
        let known = try #require(Operations.all.first { $0.name == operation })
        let right: [String: JSONValue] = [
            "id": .string("c"), "name": .string("s"), "uri": .string("test://ball"), "text": .string("a circle"),
            "queries": .array([]), "replace": .bool(true), "event": .string("e"), "verdict": .string("right"),
            "stream": .string("s"), "node": .string("n"),
        ]
        let keys = known.arguments.keys
        // An import has queries, a notifier ids of queries.
        let given = right.filter { keys.contains($0.key) && ($0.key != "queries" || operation == "query.import") }
        for (key, value) in [("colour", JSONValue.string("red")), ("limits", .integer(1)), ("ids", .null)] {
            let reply = try await place.ask(operation, .object(given.merging([key: value]) { $1 }))
            #expect(reply.error != nil && reply.error?.message.contains(key) == true, "\(operation): \(reply)")
        }
        #expect(try await place.ask(operation, .array([])).error != nil)
        #expect(try await place.ask(operation, .string("c")).error != nil)
        for key in keys {
            let wrong = given.merging([key: .object(["no": .array([.null])])]) { $1 }
            #expect(try await place.ask(operation, .object(wrong)).error != nil, "\(operation) \(key)")
        }
        #expect(await place.tower?.engine.allQueries.map(\.id) == ["c"])
        #expect(await place.tower?.streams.running.isEmpty == true)
        await place.stop()
    }

    @Test("keys of a stream that stand within others are known, too")
    func nestedKeys() async throws {
        let place = try Place()
        _ = try await place.start()
        for (key, json) in [
            ("backoff.frist", #"{"name":"s","uri":"test://ball","backoff":{"frist":1}}"#),
            ("loops", #"{"name":"s","uri":"test://ball","loops":true}"#),
            ("since", #"{"name":"s","uri":"test://ball","since":1}"#),
        ] {
            let reply = try await place.ask("stream.add", JSONText.parse(Data(json.utf8)))
            #expect(reply.error?.code == "bad-argument" && reply.error?.message.contains(key) == true, "\(reply)")
        }
        // What a client leaves out may be null.
        let null = #"{"name":"s","uri":"test://ball","fps":null,"labels":null}"#
        #expect(try await place.ask("stream.add", JSONText.parse(Data(null.utf8))).error == nil)
        await place.stop()
    }

    @Test("a moment of expiry that is over is refused where it is given, and is no fault where it is kept")
    func past() async throws {
        let place = try Place()
        let tower = try await place.start(
            "[{id: c, text: a circle}, {id: o, text: x, expires: '2020-01-01T00:00:00Z'}]")
        #expect(await tower.engine.query("o") != nil)
        #expect(try await place.add(#"{"text":"x","expires":"2020-01-01T00:00:00Z"}"#).error == "refused")
        let change: JSONValue = .object(["id": .string("c"), "expires": .string("2021-01-01T00:00:00+01:00")])
        #expect(try await place.ask("query.update", change).error?.code == "refused")
        let other: JSONValue = .object(["id": .string("o"), "priority": .integer(3)])
        #expect(try await place.ask("query.update", other).error == nil)
        await place.stop()
    }
}
