import CLIP
import Engine
import Foundation
import Heads
import Matching
import Pixels
import Sampling
import SystemSupport
import Tensors
import TestSupport
import Testing

/// A scene played into an engine, a frame at a time.
private struct Scene {
    let engine: ScoringEngine
    var time = 0.0

    init(_ engine: ScoringEngine) { self.engine = engine }

    /// Plays one frame of a colour a second; returns the engine's result.
    mutating func play(
        _ lane: String, _ colours: [UInt8], health: PictureHealth = .good, preview: Preview? = nil
    ) async throws -> [Detection] {
        var detections: [Detection] = []
        for colour in colours {
            let frame = Frame(
                picture: Self.picture(colour), pictureNumber: UInt64(time * 100), mediaTime: time,
                wallClock: Date(timeIntervalSince1970: 1_000_000 + time), discontinuity: time == 0, preview: preview,
                health: health)
            detections += try await engine.process([QueuedItem(stream: lane, item: .frame(frame))]).detections
            time += 1
        }
        return detections
    }

    /// A picture, half black and half grey: any model distinguishes two levels of grey.
    static func picture(_ grey: UInt8) -> Picture {
        let pixels = (0..<64 * 64).flatMap { place -> [UInt8] in
            place % 64 < 32 ? [grey, grey, grey] : [0, 0, 255 - grey]
        }
        return Picture(side: 64, rgb: pixels)
    }
}

@Suite("Rules, groups and explanations in the engine")
struct RulesTests {
    private func engine(_ calibration: CalibrationSettings = CalibrationSettings()) throws -> ScoringEngine {
        try ScoringEngine(
            model: ModelDirectory(Fixtures.shapes), finder: .standard(first: [Fixtures.plugins]), precision: .f32,
            calibration: calibration)
    }

    private func query(
        _ id: String, _ text: String, _ rule: ThresholdRule, frames: Int = 1, head: String = "mean",
        _ change: (inout StandingQuery.Settings) -> Void = { _ in }
    ) throws -> StandingQuery {
        var settings = StandingQuery.Settings()
        change(&settings)
        return try StandingQuery(id: id, text: text, head: head, frames: frames, rule: rule, settings: settings)
    }

    @Test(
        "a contrast matches when the query is likelier than what it is contrasted with, in every head",
        arguments: ["mean", "tight"])
    func contrast(_ head: String) async throws {
        let engine = try engine()
        await engine.addLane("a")
        let texts = ["a red circle", "an empty scene"]
        for (id, pair) in [("forth", texts), ("back", texts.reversed())] {
            try await engine.add(
                query(id, pair[0], .contrast(against: [pair[1]], probability: 0.5), frames: 2, head: head) {
                    $0.policy.hysteresis = 0
                })
        }
        var scene = Scene(engine)
        let started = Set(
            try await scene.play("a", [200, 200, 200]).filter { $0.transition.phase == .start }.map(\.query.id))
        // One of two is likelier than the other.
        #expect(started.count == 1)
        let told = try await ["forth", "back"].asyncMap { try await engine.explain($0)?.first }
        let chances = told.compactMap { $0?.probability }
        try #require(chances.count == 2)
        #expect(abs(chances[0] + chances[1] - 1) < 1e-4)
        #expect(told.compactMap { $0 }.filter { $0.open }.map(\.query) == Array(started))
        let scores = told.compactMap { $0?.score }
        let contrast = try #require(told[0]?.contrasts.first)
        #expect(contrast.text == texts[1] && abs(contrast.score - scores[1]) < 1e-4)
    }

    @Test("a budget says that it is learning, publishes nothing, pins a threshold once, and keeps it over a restart")
    func budget() async throws {
        var settings = CalibrationSettings()
        (settings.warmUp, settings.levelling, settings.warmUpClusters) = (300, 25, 5)
        let first = try engine(settings)
        await first.addLane("a")
        let wanted = try query("q", "a circle", .budget(falseAlertsPerDay: 100))
        try await first.add(wanted)
        var scene = Scene(first)
        var generator = SeededRandom(seed: 7)
        var changes: [ThresholdChange] = []
        for _ in 0..<900 {
            let grey = UInt8(generator.next() % 60) + 90
            let frame = Frame(
                picture: Scene.picture(grey), pictureNumber: UInt64(scene.time), mediaTime: scene.time,
                wallClock: Date(timeIntervalSince1970: 1_000_000 + scene.time), discontinuity: scene.time == 0)
            let step = try await first.process([QueuedItem(stream: "a", item: .frame(frame))])
            scene.time += 1
            if changes.isEmpty { #expect(step.detections.isEmpty) }
            changes += step.thresholds
            if scene.time == 100 {
                let told = try #require(try await first.explain("q")?.first)
                #expect(told.heldBack?.code == "learning" && told.threshold == nil)
                #expect(told.overBackground?.state == "learning")
            }
        }
        #expect(changes.count == 1 && changes.first?.change.version == 1)
        let pinned = try #require(try await first.explain("q")?.first)
        #expect(pinned.threshold == changes.first.map { Double($0.change.new) })
        #expect(pinned.overBackground?.version == 1)
        // What was learnt goes over to another process by its text alone.
        let learnt = await first.changedCalibrations()
        let saved = try JSONEncoder().encode(try #require(learnt.first).calibration)
        let second = try engine(settings)
        await second.restore(try JSONDecoder().decode(Calibration.self, from: saved), query: "q", lane: "a")
        await second.addLane("a")
        try await second.add(wanted)
        var again = Scene(second)
        _ = try await again.play("a", [100])
        #expect(try await second.explain("q")?.first?.threshold == pinned.threshold)
        // A stream that goes and comes back, as when it is changed, has learnt what it had; and what was not saved
        // still is.
        _ = await second.removeLane("a")
        #expect(await second.changedCalibrations().map(\.query) == ["q"])
        await second.addLane("a")
        _ = try await again.play("a", [100])
        #expect(try await second.explain("q")?.first?.threshold == pinned.threshold)
        // One that has gone for good has not.
        _ = await second.removeLane("a")
        await second.forgetLearnt(lane: "a")
        #expect(await second.changedCalibrations().isEmpty)
        await second.addLane("a")
        _ = try await again.play("a", [100])
        #expect(try await second.explain("q")?.first?.threshold == nil)
        // Another budget is another query: it learns anew.
        try await second.add(query("q", "a circle", .budget(falseAlertsPerDay: 1)))
        #expect(try await second.explain("q")?.first?.threshold == nil)
    }

    @Test("a group has one alert, led by the member of the highest priority, with one snapshot, ended with the last")
    func group() async throws {
        let engine = try engine()
        await engine.addLane("a")
        for (id, priority) in [("one", 0), ("two", 5)] {
            try await engine.add(
                query(id, "a circle", .score(-1)) {
                    $0.group = "circles"
                    $0.priority = priority
                })
        }
        try await engine.add(query("alone", "a circle", .score(-1)))
        var scene = Scene(engine)
        let preview = try Self.preview()
        let started = try await scene.play("a", [100], preview: preview)
        #expect(started.map(\.query.id) == ["alone", "two"])
        #expect(started.allSatisfy { $0.snapshot == preview.jpeg() })
        let removed = try #require(await engine.remove("two"))
        #expect(removed.map(\.transition.phase) == [.end] && removed.first?.query.id == "two")
        #expect(removed.first?.event == started.last?.event)
        // The next alert is another event, and has a picture of its own, even if it is the same one.
        _ = try await scene.play("a", [100], health: .black)
        let again = try await scene.play("a", [100], preview: preview)
        #expect(again.map(\.query.id) == ["alone", "one"])
        #expect(again.allSatisfy { $0.snapshot == preview.jpeg() })
    }

    @Test("pictures that show nothing match nothing, end what is open, and are no part of a window")
    func blind() async throws {
        let engine = try engine()
        await engine.addLane("a")
        try await engine.add(query("q", "a circle", .score(-1), frames: 2))
        var scene = Scene(engine)
        #expect(try await scene.play("a", [100, 100]).map(\.transition.phase) == [.start])
        #expect(try await scene.play("a", [0], health: .black).map(\.transition.phase) == [.end])
        let unseen = try await engine.process([
            QueuedItem(
                stream: "a",
                item: .frame(
                    Frame(
                        picture: Scene.picture(0), pictureNumber: 0, mediaTime: scene.time,
                        wallClock: Date(timeIntervalSince1970: 1_000_000 + scene.time), discontinuity: false,
                        health: .black)))
        ])
        #expect(unseen.blind == 1 && unseen.encoded == 0 && unseen.reused == 0)
        #expect(try await engine.explain("q")?.first?.heldBack?.code == "no-picture")
        #expect(await engine.health == ["a": .black])
        #expect(try await scene.play("a", [100]).isEmpty)
        #expect(try await scene.play("a", [100]).map(\.transition.phase) == [.start])
    }

    @Test("a query's regions, labels, hours and switch decide whether it is scored at all, and say so")
    func selection() async throws {
        let engine = try engine()
        await engine.addLane("lobby", labels: ["indoor"])
        await engine.addLane("lobby/door", labels: ["indoor"])
        func streams(_ patterns: String...) throws -> (inout StandingQuery.Settings) -> Void {
            let selector = try StreamSelector(patterns)
            return { $0.selector = selector }
        }
        try await engine.add(query("door", "a circle", .score(-1), streams("*/door")))
        try await engine.add(query("indoor", "a circle", .score(-1), streams("label:indoor")))
        try await engine.add(query("elsewhere", "a circle", .score(-1), streams("yard")))
        try await engine.add(query("off", "a circle", .score(-1)) { $0.enabled = false })
        try await engine.add(query("over", "a circle", .score(-1)) { $0.expires = 5 })
        var found: [String] = []
        for lane in ["lobby", "lobby/door"] {
            var scene = Scene(engine)
            found += try await scene.play(lane, [100]).map { "\($0.stream) \($0.query.id)" }
        }
        #expect(found == ["lobby indoor", "lobby/door door"])
        for (id, code) in [("off", "disabled"), ("over", "expired"), ("elsewhere", "not-selected")] {
            #expect(try await engine.explain(id, lanes: ["lobby"])?.first?.heldBack?.code == code)
        }
        #expect(try await engine.explain("nobody") == nil)
    }

    @Test("an explanation ranks the score among the last hour's windows, and names the best frames")
    func rank() async throws {
        let engine = try engine()
        await engine.addLane("a")
        try await engine.add(query("q", "a circle", .score(2), frames: 2))
        var scene = Scene(engine)
        _ = try await scene.play("a", [10, 60, 110, 160, 210, 250])
        let told = try #require(try await engine.explain("q")?.first)
        #expect(told.windows == 5 && (1...5).contains(told.rank ?? 0))
        #expect(told.frames.count == 2 && told.frames[0].score >= told.frames[1].score)
        #expect(Set(told.frames.map(\.at)) == [4, 5])
        #expect(told.heldBack?.code == "below-threshold")
    }

    private static func preview() throws -> Preview {
        let rgb = [UInt8](repeating: 120, count: 32 * 24 * 3)
        let preview = rgb.withUnsafeBufferPointer { bytes in
            bytes.baseAddress.map { Preview(DecodedFrame(rgb: $0, width: 32, height: 24, stride: 96)) }
        }
        return try #require(preview)
    }
}

extension Sequence {
    fileprivate func asyncMap<T>(_ transform: (Element) async throws -> T) async rethrows -> [T] {
        var results: [T] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
