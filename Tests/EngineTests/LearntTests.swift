import Engine
import Foundation
import Matching
import Testing

@Suite("Learnt thresholds over a restart")
struct LearntTests {
    private func query(
        _ text: String = "a circle", frames: Int = 1, alerts: Double = 100, prompts: [String] = []
    ) throws -> StandingQuery {
        var settings = StandingQuery.Settings()
        settings.prompts = prompts
        return try StandingQuery(
            id: "q", text: text, head: "mean", frames: frames, rule: .budget(falseAlertsPerDay: alerts),
            settings: settings)
    }

    /// A pinned threshold as an older version saved it, which does not say what was learnt.
    private func pinned() throws -> Calibration {
        var settings = CalibrationSettings()
        (settings.warmUp, settings.levelling) = (300, 25)
        var calibration = Calibration(falseAlertsPerDay: 100, settings: settings)
        for second in 0..<700 { _ = calibration.observe(0.25, at: Double(second)) }
        try #require(calibration.pin != nil && calibration.learntFrom == nil)
        return calibration
    }

    /// Returns the threshold that a query takes from a saved one at the start, and what is discarded.
    private func start(_ saved: Calibration, _ query: StandingQuery) async throws -> (Float?, [String]) {
        let engine = try await Stage().engine
        await engine.restore(saved, query: "q", lane: "a")
        try await engine.add(query)
        let pins = await engine.pins(of: ["q"])
        return (pins["a"]?["q"], await engine.takeDiscarded())
    }

    /// Returns what is saved of a threshold after a window was scored.
    private func saved(_ calibration: Calibration, _ query: StandingQuery) async throws -> Calibration {
        var stage = try await Stage()
        await stage.engine.restore(calibration, query: "q", lane: "a")
        try await stage.engine.add(query)
        _ = try await stage.play(2)
        let learnt = try #require(await stage.engine.changedCalibrations().first?.calibration)
        return try JSONDecoder().decode(Calibration.self, from: JSONEncoder().encode(learnt))
    }

    @Test("a threshold is kept for the same query, and learnt anew for other words, prompts, windows or budgets")
    func changed() async throws {
        let saved = try await saved(pinned(), query())
        #expect(saved.learntFrom != nil)
        let same = try await start(saved, query())
        #expect(same.0 == saved.threshold && same.1.isEmpty)
        let others = try [
            query("a star"), query(frames: 2), query(alerts: 10), query(prompts: ["a photo of {}"]),
        ]
        for other in others {
            let (threshold, discarded) = try await start(saved, other)
            #expect(threshold == nil && discarded == ["q on a"])
        }
    }

    @Test("a threshold of another model is learnt anew; one that does not say its model is kept, and says it then")
    func model() async throws {
        let old = try pinned()
        let kept = try await start(old, query("a star"))
        #expect(kept.0 == old.threshold && kept.1.isEmpty)
        var other = try await saved(old, query())
        #expect(try other.learntFrom != query().scoresDigest(model: "other@1"))
        other.learntFrom = try query().scoresDigest(model: "other@1")
        let (threshold, discarded) = try await start(other, query())
        #expect(threshold == nil && discarded == ["q on a"])
    }
}
