import ControlAPI
import Foundation
import Matching
import TestSupport
import Testing
import WatchwordConfiguration
import WireFormat

/// The smallest possible PNG: one transparent pixel.
private let png = Data(
    base64Encoded: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")

@Suite("Queries as they are configured")
struct QueryConfigurationTests {
    private func read(_ text: String, folder: URL = URL(filePath: "/nowhere")) throws -> [QueryConfiguration] {
        try QueryConfiguration.read(Data(text.utf8), path: "q", folder: folder)
    }

    private func standing(_ query: QueryConfiguration) throws -> StandingQuery {
        try query.standing(
            id: query.idOrSlug, head: query.head ?? "mean", scores: .cosines, frames: query.frames ?? 12,
            rule: query.rule ?? .score(0.2),
            prompts: ["a photo of {}"])
    }

    private let everything = """
        - id: van
          text: a red van stops
          phrasings: [a van, "a \\"red\\" car"]
          prompts: ["{}", "a photo of {}"]
          tags: [cars]
          metadata: {owner: gate house, floor: 3}
          head: lstm
          frames: 8
          against: [an empty street, rain]
          probability: 0.7
          hysteresis: 0.125
          minimum_duration: 2.5
          confirm: 2/3
          cooldown: 60
          update: {step: 0.05, interval: 10}
          streams: [gate*, "label:outdoor", "!gate-2", lobby/door]
          active:
            - {zone: Europe/Berlin, days: mon-fri, hours: ["22:00-06:00", "12:00-13:00"]}
            - {zone: UTC, days: [sat, sun]}
          group: cars
          priority: -2
          expires: 2030-01-31T19:00:00+01:00
          enabled: no
          snapshot: false
        - text: two dogs
          false_alerts_per_day: 1
          confirm: {need: 3, of: 5}
        - a cat
        """

    @Test("every key is read, and means what it says")
    func keys() throws {
        let queries = try read(everything).map(standing)
        let van = queries[0]
        #expect(van.rule == .contrast(against: ["an empty street", "rain"], probability: 0.7))
        #expect(van.sentences.count == 6 && van.settings.metadata == ["owner": "gate house", "floor": "3"])
        let policy = van.settings.policy
        #expect(policy.needed == 2 && policy.windows == 3 && policy.cooldown == 60 && policy.minimumDuration == 2.5)
        #expect(policy.hysteresis == 0.125 && policy.updateStep == 0.05 && policy.updateInterval == 10)
        #expect(van.settings.selector.matches("gate-1") && !van.settings.selector.matches("gate-2"))
        #expect(van.settings.selector.matches("yard", labels: ["outdoor"]))
        let hours = van.settings.activeHours.rules
        #expect(hours.map(\.zone) == ["Europe/Berlin", "UTC"] && hours.map(\.days.count) == [5, 2])
        #expect(van.settings.expires == 1_896_112_800 && van.isExpired(at: 1_896_112_800))
        #expect(!van.settings.enabled && !van.settings.snapshot)
        #expect(van.settings.group == "cars" && van.settings.priority == -2)
        #expect(queries[1].rule == .budget(falseAlertsPerDay: 1) && queries[1].id == "two-dogs")
        #expect(queries[2].rule == .score(0.2) && queries[2].settings.policy.hysteresis == 0.02)
    }

    @Test("what is written can be read again, in YAML, in JSON lines and on the wire, and is the same query")
    func roundTrip() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "queries-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try #require(png).write(to: folder.appending(path: "a gate.png"))
        let odd =
            "- {text: \"\\u0085 \\u2028\\x7F tab\\t: # 'x' \\U0001F600 yes\", threshold: 1.0e-3, images: a gate.png}\n"
            + "- {id: picture, images: [a gate.png]}\n- {text: 'no', metadata: {\"on\": 'null', '1': '2'}}\n"
        let queries = try read(everything + "\n" + odd, folder: folder).map(standing)
        #expect(queries[3].images.first?.name == "a gate.png" && queries[4].text.isEmpty)
        #expect(queries[4].images.first?.encoded == png.map { [UInt8]($0) })
        let written = queries.map { QueryConfiguration($0) }
        let yaml = try QueryConfiguration.yaml(written)
        #expect(try read(yaml) == written)
        let lines = try QueryConfiguration.jsonLines(written)
        #expect(try read(String(decoding: lines, as: UTF8.self)) == written)
        #expect(try read(yaml).map(standing) == queries)
        let wire = try written.map { try WireCoding.decode(QueryConfiguration.self, WireCoding.encode($0)) }
        #expect(wire == written)
        for query in queries {
            let described = try JSONValue(encoding: QueryDescription(query))
            #expect(described["frames"] == .integer(Int64(query.frames)) && described["id"] == .string(query.id))
        }
    }

    @Test(
        "what is wrong is named with file, line and key",
        arguments: [
            (
                "- text: a\n  threshold: 1\n  against: [b]",
                "q:3: against: a query has one rule, and there is threshold too"
            ),
            ("- text: a\n  probability: 0.5", "q:2: probability: it belongs to against"),
            ("- text: a\n  against: []", "q:2: against: expected 1 to 64 texts, found 0"),
            (
                "- text: a\n  against: [b]\n  probability: 1",
                "q:3: probability: expected a number between 0 and 1, found 1.0"
            ),
            ("- text: a\n  against: [' ']", "q:2: against: a text is empty"),
            (
                "- text: a\n  false_alerts_per_day: 0",
                "q:2: false_alerts_per_day: expected 0.001 to 8640, found 0.0"
            ),
            ("- text: a\n  confirm: 4/3", "q:2: confirm.need: expected 1 to 3, found 4"),
            ("- text: a\n  confirm: two", "q:2: confirm: \"two\" is not as in"),
            ("- text: a\n  confirm: {need: 1}", "q:2: confirm: both need and of"),
            ("- text: a\n  confirm: {need: 1, off: 2}", "q:2: unknown key \"off\" in confirm; did you mean \"of\"?"),
            ("- text: a\n  cooldown: -1", "q:2: cooldown: expected 0 to 86400 seconds, found -1.0"),
            (
                "- text: a\n  minimum_duration: soon",
                "q:2: minimum_duration: expected a number, found the text \"soon\""
            ),
            ("- text: a\n  streams: [a/b/c]", "q:2: streams: \"a/b/c\" is no selector"),
            ("- text: a\n  active: {days: mon}", "q:2: active: \"zone\" is missing"),
            ("- text: a\n  active: {zone: Mars/Base}", "q:2: active: zone \"Mars/Base\" is no time zone"),
            ("- text: a\n  active:\n  - {zone: UTC, days: mo}", "q:3: active: days: \"mo\" is none of mon"),
            ("- text: a\n  active: {zone: UTC, hours: 8-9}", "active: hours: \"8-9\" is no span of time"),
            ("- text: a\n  expires: tomorrow", "q:2: expires: \"tomorrow\" is no moment"),
            ("- text: a\n  expires: 2030-01-01", "q:2: expires: \"2030-01-01\" is no moment"),
            (
                "- text: a\n  group: a b",
                "q:2: group: expected 1 to 64 letters, digits, hyphens or underscores, found \"a b\""
            ),
            ("- text: a\n  priority: 5000", "q:2: priority: expected -1000 to 1000, found 5000"),
            ("- text: a\n  prompts: [photo]", "q:2: prompts: \"photo\" must hold {} once"),
            (
                "- text: a\n  id: a.b",
                "q:2: id: expected 1 to 64 letters, digits, hyphens or underscores, found \"a.b\""
            ),
            ("- text: a\n  frames: 0", "q:2: frames: expected 1 to 1024, found 0"),
            ("- text: a\n  metadata: {a: [b]}", "q:2: metadata: a: expected a text, found a list"),
            ("- text: ''", "q:1: text: the text is empty"), ("- a\n-", "q:2: text: the text is empty"),
            ("- id: a", "q:1: a query: \"text\" is missing"),
            ("- id: a\n  images: [none.png]", "q:2: images: none.png cannot be read"),
            ("- id: a\n  images: ['data:image/png;base64,AAAA']", "q:2: images: picture: expected a JPEG, PNG, WebP"),
            ("- id: a\n  images: ['data:image/png;base64,*']", "q:2: images: a data: URI's picture is not base64"),
            (
                "{\"text\":\"a\"}\n\n{\"text\":\"b\",\"thresold\":1}",
                "q:3: unknown key \"thresold\" in a query; did you mean"
            ),
            (
                "{\"text\":\"a\"}\n{\"text\":\"b\",\"threshold\":\"1\"}",
                "q:2: threshold: expected a number, found the text"
            ),
            ("{\"text\":\"a\"}\n{\"text\":\"b\"", "q:2: this line is not JSON: a comma or } is expected, at byte 12"),
            (
                "{\"text\":\"a\"}\n{\"text\":\"a\",\"text\":\"b\"}",
                "q:2: this line is not JSON: the key \"text\" stands twice"
            ),
            ("{\"text\":\"a\"}\n[1]", "q:2: a query: expected keys and values, found a list"),
            ("{\"text\":\"a\"}\n{\"text\":\"a\",\"cooldown\":1e6}", "q:2: cooldown: expected 0 to 86400 seconds"),
        ])
    func errors(_ text: String, _ part: String) {
        #expect { try read(text) } throws: { error in
            let hit = "\(error)".hasPrefix(part.hasPrefix("q:") ? part : "q:") && "\(error)".contains(part)
            if !hit { Issue.record("\(error)") }
            return hit
        }
    }

    @Test("over the wire a path is refused, and the sentence names the query and the key")
    func wire() {
        let sent = Data(#"{"id":"gate","images":["/etc/passwd"]}"#.utf8)
        #expect { try WireCoding.decode(QueryConfiguration.self, sent) } throws: {
            "\($0)".hasPrefix("query \"gate\": images: \"/etc/passwd\" is a path; pictures are sent as data: URIs")
        }
        let wrong = Data(#"{"id":"gate","text":"a","frames":"many"}"#.utf8)
        #expect { try WireCoding.decode(QueryConfiguration.self, wrong) } throws: {
            "\($0)" == "query \"gate\": frames: expected a whole number, found the text \"many\""
        }
    }

    @Test("a change keeps what it does not name, null takes back, and a new rule takes the place of the old one")
    func changes() throws {
        let van = try #require(read(everything).first)
        let changed = try van.changed(by: .object(["cooldown": .integer(5), "tags": .null, "id": .string("other")]))
        #expect(changed.cooldown == 5 && changed.tags == nil && changed.id == "van")
        #expect(changed.against == van.against && changed.confirm == van.confirm && changed.images == van.images)
        let fixed = try van.changed(by: .object(["threshold": .number(0.3)]))
        #expect(fixed.rule == .score(0.3) && fixed.probability == nil)
        let budget = try fixed.changed(by: .object(["false_alerts_per_day": .integer(2)]))
        #expect(budget.rule == .budget(falseAlertsPerDay: 2))
        let other = try van.changed(by: .object(["probability": .number(0.9)]))
        #expect(other.rule == .contrast(against: ["an empty street", "rain"], probability: 0.9))
        #expect(throws: QueryError.self) {
            try van.changed(by: .object(["threshold": .integer(1), "against": .array([.string("a")])]))
        }
        #expect(throws: QueryError.self) { try van.changed(by: .object(["colour": .string("red")])) }
    }

    @Test("YAML is told from JSON lines by what it begins with")
    func kinds() throws {
        #expect(try read("{queries: [a, b]}").map(\.text) == ["a", "b"])
        #expect(try read("{\"queries\": [\"a\"]}").map(\.text) == ["a"])
        #expect(try read("queries:\n- a").map(\.text) == ["a"])
        #expect(try read("[a, b]").map(\.text) == ["a", "b"])
        #expect(try read("\n{\"text\":\"a\"}\r\n{\"text\":\"b\"}\n").map(\.text) == ["a", "b"])
        #expect(try read("").isEmpty)
    }

    @Test("many queries go through a file unharmed")
    func many() throws {
        let queries = (0..<2000).map { index in
            var query = QueryConfiguration(id: "q\(index)", text: "event number \(index) happens", threshold: 0.25)
            query.tags = ["t\(index % 7)"]
            return query
        }
        #expect(
            try QueryConfiguration.read(QueryConfiguration.jsonLines(queries), path: "q", folder: Fixtures.repository)
                == queries)
        #expect(try read(QueryConfiguration.yaml(queries)) == queries)
    }

    @Test("labels of streams are read and checked")
    func labels() throws {
        let found = try Configuration(yaml: "streams:\n- {name: a, uri: b, labels: [outdoor, north]}", path: "w")
        #expect(found.streams[0].labels == ["outdoor", "north"])
        #expect { try Configuration(yaml: "streams:\n- name: a\n  uri: b\n  labels: [a b]", path: "w") } throws: {
            "\($0)".hasPrefix("w:4: labels: \"a b\"")
        }
    }

    @Test(
        "no JSON is read in another way than Foundation does, and broken JSON is refused",
        arguments: 0..<100 as Range<UInt64>)
    func json(_ seed: UInt64) throws {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
        func random(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        func text() -> String { String((0..<random(6)).map { _ in Array("aä\"\\/\n\t😀\u{7F}\u{1}é")[random(11)] }) }
        func value(_ depth: Int) -> JSONValue {
            switch random(depth > 0 ? 7 : 5) {
            case 0: .null
            case 1: .bool(random(2) == 0)
            case 2: .integer(Int64(random(1_000_000)) - 500_000)
            case 3: .number(Double(random(1_000_000)) / 7 + 0.1)
            case 4: .string(text())
            case 5: .array((0..<random(4)).map { _ in value(depth - 1) })
            default: .object(Dictionary((0..<random(4)).map { _ in (text(), value(depth - 1)) }) { $1 })
            }
        }
        for _ in 0..<20 {
            let wanted = value(4)
            let data = try WireCoding.encode(wanted)
            #expect(try JSONText.parse(data) == wanted)
            // One byte less or another byte: whatever it is now, it is taken only if Foundation takes it too.
            var broken = data
            let place = random(broken.count)
            if random(2) == 0 { broken.remove(at: place) } else { broken[place] = UInt8(random(256)) }
            guard let read = try? JSONText.parse(broken) else { continue }
            #expect(try WireCoding.decode(JSONValue.self, broken) == read, "\(String(decoding: broken, as: UTF8.self))")
        }
    }
}
