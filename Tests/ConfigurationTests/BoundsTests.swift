import Foundation
import Matching
import Printing
import TestSupport
import Testing
import WatchwordConfiguration
import WireFormat

@Suite("Bounds of what is read")
struct BoundsTests {
    private func refusal(_ json: String) -> String? {
        do {
            _ = try QueryConfiguration(json: JSONText.parse(Data(json.utf8)))
            return nil
        } catch { return "\(error)" }
    }

    @Test("a slip of the keyboard is answered by the key that was meant, a long or strange key by those there are")
    func suggestions() throws {
        #expect(refusal(#"{"text":"a","treshold":0.3}"#)?.contains("did you mean \"threshold\"?") == true)
        #expect(refusal(#"{"text":"a","false_alerts_per_dya":1}"#)?.contains("\"false_alerts_per_day\"?") == true)
        for key in [String(repeating: "k", count: 1000), String(repeating: "threshold", count: 50), "qqqqqqqqqqqq"] {
            let said = try #require(refusal("{\"text\":\"a\",\"\(key)\":1}"))
            #expect(said.contains("known keys: ") && said.utf8.count < 1000, "\(said)")
        }
        let yaml = String(repeating: "k", count: 3_000_000) + ": 1"
        #expect {
            try Configuration(yaml: "? " + yaml.dropLast(3) + "\n: 1", path: "w.yaml")
        } throws: {
            "\($0)".contains("known keys: ") && "\($0)".utf8.count < 1000
        }
    }

    @Test("what is too large for JSON is refused before anything is made of it")
    func json() throws {
        func problem(_ json: String) -> String? {
            do { _ = try JSONText.parse(Data(json.utf8)) } catch { return "\(error)" }
            return nil
        }
        let marks = "e" + String(repeating: "\u{301}", count: 8000)
        let cases: [(json: String, fits: Bool)] = [
            ("{\"\(String(repeating: "k", count: 1024))\":1}", true),
            ("{\"\(String(repeating: "k", count: 1025))\":1}", false),
            ("{\"\(String(repeating: "\u{301}", count: 513))\":1}", false),
            ("{" + (0..<1000).map { "\"k\($0)\":1" }.joined(separator: ",") + "}", true),
            ("{" + (0..<1001).map { "\"k\($0)\":1" }.joined(separator: ",") + "}", false),
            ("[1." + String(repeating: "0", count: 1000) + "]", true),
            ("[" + String(repeating: "1", count: 2000) + "]", false),
            ("[\"\(String(repeating: "a", count: 300_000))\"]", true),
            ("[\"\(marks)\"]", true), ("[\"\(marks)\(marks)\"]", false),
            ("[\"" + String(repeating: "\\u0301", count: 9000) + "\"]", false),
            (String(repeating: "[", count: 64) + String(repeating: "]", count: 64), true),
            (String(repeating: "[", count: 65) + String(repeating: "]", count: 65), false),
        ]
        for (json, fits) in cases {
            let problem = problem(json)
            #expect((problem == nil) == fits, "\(json.prefix(40)): \(problem ?? "")")
            #expect((problem ?? "").utf8.count < 300)
        }
    }

    @Test("a quote is cut where a scalar begins, whatever one character holds")
    func excerpts() {
        #expect("short".excerpt(5) == "short" && "longer".excerpt(5) == "longe…" && "".excerpt() == "")
        #expect("ääää".excerpt(5) == "ää…" && "ääää".excerpt(8) == "ääää")
        let cluster = "e" + String(repeating: "\u{301}", count: 1000)
        #expect(cluster.count == 1 && cluster.excerpt(60).utf8.count <= 60 + 3)
        #expect("👩‍👩‍👧".excerpt(6) == "👩…")
    }

    @Test("a query's texts and lists are bounded by key, and what fits is taken")
    func queries() throws {
        let long = String(repeating: "a", count: 5000)
        func many(_ count: Int, _ item: String) -> String {
            "[" + [String](repeating: item, count: count).joined(separator: ",") + "]"
        }
        let marks = "e" + String(repeating: "\u{301}", count: 5000)
        let wrong: [(key: String, json: String)] = [
            ("text", "\"\(long)\""), ("text", "\"\(marks)\""), ("text", "\"\u{3000}\""),
            ("prompts", "[\"{} \(long)\"]"), ("prompts", "[\"\(String(repeating: "{}", count: 2000))\"]"),
            ("phrasings", many(256, "\"a\"")), ("against", many(65, "\"a\"")), ("tags", many(65, "\"a\"")),
            ("streams", many(65, "\"a\"")), ("active", many(49, "{\"zone\":\"UTC\"}")),
            ("active", "{\"zone\":\"UTC\",\"days\":\(many(49, "\"mon\""))}"),
            ("active", "{\"zone\":\"\(String(repeating: "a/", count: 100))\"}"),
            ("active", "{\"zone\":\"UTC\",\"days\":\"\(long)\"}"), ("confirm", "\"1/\(long)\""),
            ("expires", "\"\(long)\""),
        ]
        for (key, json) in wrong {
            let given = key == "text" ? "{\"text\":\(json)}" : "{\"text\":\"a\",\"\(key)\":\(json)}"
            let said = try #require(refusal(given), "\(key): \(json.prefix(40))")
            #expect(said.contains(key) && said.utf8.count < 500, "\(said)")
        }
        let fine = [
            "\"text\":\"\(String(repeating: "é", count: 4096))\"", "\"text\":\"a\",\"streams\":\(many(64, "\"a\""))",
            "\"text\":\"a\",\"against\":\(many(64, "\"a\""))", "\"text\":\"a\",\"phrasings\":\(many(255, "\"a\""))",
        ]
        for json in fine { #expect(refusal("{\(json)}") == nil, "\(refusal("{\(json)}") ?? "")") }
    }

    @Test("a stream's texts and lists are bounded by key")
    func streams() {
        let long = String(repeating: "a", count: 5000)
        func stream(_ change: (inout StreamConfiguration) -> Void) -> String? {
            var stream = StreamConfiguration(name: "s", uri: "x")
            change(&stream)
            return stream.problem?.key
        }
        #expect(stream { $0.uri = long } == "uri" && stream { $0.launch = long } == "launch")
        #expect(stream { $0.template = long } == "template")
        #expect(stream { $0.labels = [String](repeating: "a", count: 65) } == "labels")
        let regions = Dictionary(uniqueKeysWithValues: (0..<17).map { ("r\($0)", [0.0, 0, 1, 1]) })
        #expect(stream { $0.regions = regions } == "regions")
        #expect(stream { $0.labels = [String](repeating: "a", count: 64) } == nil)
    }
}
