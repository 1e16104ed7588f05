import Engine
import Matching
import Testing

private func query(_ id: String = "q", text: String = "a circle", frames: Int = 1, group: String? = nil) throws
    -> StandingQuery
{
    var settings = StandingQuery.Settings()
    settings.policy.cooldown = 100
    settings.group = group
    return try StandingQuery(
        id: id, text: text, head: "mean", frames: frames, rule: .score(-1000), settings: settings)
}

@Suite("What a query leaves behind")
struct LeavingTests {
    @Test("a query that is only checked, embedded or tested is not scored afterwards")
    func asked() async throws {
        var stage = try await Stage()
        let asked = try query()
        #expect(try await stage.next().scored == 0)
        try await stage.engine.check(asked)
        _ = try await stage.engine.test(asked, stage.engine.embed(asked))
        #expect(try await stage.next().scored == 0)
        try await stage.engine.add(asked)
        #expect(try await stage.next().scored == 1)
        _ = await stage.engine.remove("q")
        #expect(try await stage.next().scored == 0)
    }

    @Test("a longer window's frames and the last hour's windows leave with the last query that needs them")
    func memory() async throws {
        var stage = try await Stage()
        try await stage.engine.add(query(frames: 16))
        _ = try await stage.play(20)
        #expect(try await stage.engine.explain("q")?.first?.windows == 5)
        // An edit of the words goes on with the frames, and with the past windows.
        try await stage.engine.add(query(text: "a star", frames: 16))
        #expect(try await stage.next().scored == 1)
        #expect(try await stage.engine.explain("q")?.first?.windows == 6)
        _ = await stage.engine.remove("q")
        try await stage.engine.add(query(frames: 16))
        // The model's own window has 8 frames.
        for _ in 0..<7 { #expect(try await stage.next().scored == 0) }
        #expect(try await stage.next().scored == 1)
        #expect(try await stage.engine.explain("q")?.first?.windows == 1)
    }

    @Test("a group is forgotten with its last query, and its cooldown with it")
    func group() async throws {
        var stage = try await Stage()
        try await stage.engine.add(query(group: "g"))
        #expect(try await stage.play(3).map(\.transition.phase) == [.start])
        #expect(await stage.engine.remove("q")?.map(\.transition.phase) == [.end])
        try await stage.engine.add(query("r", group: "g"))
        #expect(try await stage.play(1).map(\.transition.phase) == [.start])
        // The same while the stream is away.
        #expect(await stage.engine.removeLane("a").map(\.transition.phase) == [.end])
        _ = await stage.engine.remove("r")
        await stage.engine.addLane("a")
        stage.time = 0
        try await stage.engine.add(query(group: "g"))
        #expect(try await stage.play(1).map(\.transition.phase) == [.start])
    }
}
