import Foundation
import TestSupport
import Testing
import WireFormat

@Suite("The queries benchmark")
struct QueriesBenchTests {
    @Test("finds what float64 finds and reports what the contract names")
    func report() async throws {
        let sizes = ["--queries", "300", "5000", "--windows", "1", "20", "--width", "96", "--rounds", "1"]
        let found = try await run("watchword", ["bench", "queries", "--json", "--threshold", "0.3"] + sizes)
        #expect(found.code == 0, "\(found.err)")
        let report = try WireCoding.decode(JSONValue.self, Data(found.out.utf8))
        #expect(report["bench"] == .string("queries"))
        let results = try #require(report["results"]?.array)
        #expect(results.map { $0["queries"] } == [300, 300, 5000, 5000].map { .integer($0) })
        #expect(results.map { $0["windows"] } == [1, 20, 1, 20].map { .integer($0) })
        for result in results {
            #expect(result["wrong"] == .integer(0))
            #expect(result["ms"] != nil && result["rss_mb"] != nil)
        }
        // Of 100,000 random pairs, a cosine of 0.3 at width 96 is reached by some and by no means all.
        guard case .integer(let hits) = results.last?["hits"] else {
            Issue.record("no hits are named")
            return
        }
        #expect(10...10_000 ~= hits)
    }

    @Test("a way of multiplying that there is not is a usage error")
    func scan() async throws {
        let found = try await run("watchword", ["bench", "queries", "--scan", "magic"])
        #expect(found.code == 64 && found.err.contains("magic"))
    }
}
