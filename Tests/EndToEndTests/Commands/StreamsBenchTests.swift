import Foundation
import TestSupport
import Testing
import WireFormat

@Suite("The streams benchmark", .serialized)
struct StreamsBenchTests {
    @Test("plays cameras through the whole daemon and reports what the contract names", arguments: [false, true])
    func report(gate: Bool) async throws {
        let arguments = [
            "bench", "streams", "--streams", "2", "--seconds", "2", "--fps", "4", "--queries", "5", "--json",
        ]
        let found = try await run(
            "watchword", arguments + ["--model", Fixtures.shapes.path] + (gate ? ["--still", "--gate", "4"] : []))
        #expect(found.code == 0, "\(found.err)")
        let report = try WireCoding.decode(JSONValue.self, Data(found.out.utf8))
        #expect(report["bench"] == .string("streams"))
        let results = try #require(report["results"]?.array)
        #expect(results.count == 1)
        let result = try #require(results.first)
        func number(_ key: String, in object: JSONValue?) -> Double? {
            switch object?[key] {
            case .integer(let value): Double(value)
            case .number(let value): value
            default: nil
            }
        }
        #expect(number("streams", in: result) == 2 && number("fps", in: result) == 4)
        let sampled = try #require(number("sampled", in: result))
        let (scored, dropped) = (number("scored", in: result), number("dropped", in: result))
        // Each frame is scored or counted as dropped, but for one of each stream that is on its way at either end.
        #expect(abs(sampled - (try #require(scored)) - (try #require(dropped))) <= 2)
        #expect(sampled > 0)
        // A picture that stands still is embedded once, before anything is measured.
        #expect(gate == (number("gated", in: result) ?? 0 > 0))
        for key in ["seconds", "p50_ms", "p99_ms", "cpu_s_per_stream_s", "rss_mb"] {
            #expect(number(key, in: result) != nil, "\(key)")
        }
        for stage in ["decode", "scale", "encode", "score"] {
            #expect(number(stage, in: result["by_stage_ms"]) != nil, "\(stage)")
        }
    }
}
