import Engine
import Matching
import SystemSupport
import Testing

@Suite("Lists of queries")
struct ListTests {
    @Test("pages follow each other by id, whatever is added, replaced or removed between them")
    func pages() async throws {
        let engine = try await Stage().engine
        var ids = (0..<50).map { "q\($0)" }
        var random = SeededRandom(seed: 14)
        ids.shuffle(using: &random)
        for id in ids { try await engine.add(Self.query(id)) }
        #expect(try await Self.pages(of: engine) == ids.sorted())
        for id in ids.prefix(20) { #expect(await engine.remove(id) != nil) }
        for id in ["q", "a", "z"] { try await engine.add(Self.query(id)) }
        try await engine.add(Self.query("z"))
        let left = (ids.dropFirst(20) + ["q", "a", "z"]).sorted()
        #expect(try await Self.pages(of: engine) == left)
        #expect(await engine.allQueries.map(\.id) == left)
        #expect(await engine.queries(after: "z", limit: 7).isEmpty)
    }

    private static func query(_ id: String) throws -> StandingQuery {
        try StandingQuery(id: id, text: "a circle", head: "mean", frames: 1, rule: .score(0.5))
    }

    /// The ids of all queries, read in pages of seven.
    private static func pages(of engine: ScoringEngine) async throws -> [String] {
        var found: [String] = []
        while true {
            let page = await engine.queries(after: found.last ?? "", limit: 7).map(\.id)
            found += page
            guard page.count == 7 else { return found }
        }
    }
}
