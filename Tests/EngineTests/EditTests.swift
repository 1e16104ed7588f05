import CLIP
import Engine
import Foundation
import Heads
import Matching
import Pixels
import Sampling
import Tensors
import TestSupport
import Testing

/// An engine with one stream, which plays grey pictures a second apart.
struct Stage {
    let engine: ScoringEngine
    var time = 0.0

    init() async throws {
        engine = try ScoringEngine(
            model: ModelDirectory(Fixtures.shapes), finder: .standard(first: [Fixtures.plugins]), precision: .f32)
        await engine.addLane("a")
    }

    /// Plays seconds of the same picture; returns the phases of the query's events.
    mutating func play(_ seconds: Int, wall: Double = 0, jump: Bool = false) async throws -> [Detection] {
        var detections: [Detection] = []
        for index in 0..<seconds { detections += try await next(wall: wall, jump: jump && index == 0).detections }
        return detections
    }

    /// Plays the next second; returns all that the engine says of it.
    mutating func next(wall: Double = 0, jump: Bool = false) async throws -> BatchResult {
        let picture = Picture(side: 64, rgb: [UInt8](repeating: 90, count: 64 * 64 * 3))
        let frame = Frame(
            picture: picture, pictureNumber: UInt64(time), mediaTime: time,
            wallClock: Date(timeIntervalSince1970: 1_000_000 + time + wall), discontinuity: time == 0 || jump)
        time += 1
        return try await engine.process([QueuedItem(stream: "a", item: .frame(frame))])
    }
}

private func query(
    _ text: String = "a circle", id: String = "q", frames: Int = 1, threshold: Float = -1000,
    _ change: (inout StandingQuery.Settings) throws -> Void = { _ in }
) throws -> StandingQuery {
    var settings = StandingQuery.Settings()
    settings.policy.cooldown = 100
    try change(&settings)
    return try StandingQuery(
        id: id, text: text, head: "mean", frames: frames, rule: .score(threshold), settings: settings)
}

extension [Detection] {
    fileprivate var phases: [EventTracker.Phase] { map(\.transition.phase) }
}

@Suite("Edits of a query that stands")
struct EditTests {
    @Test("what does not decide leaves the open event alone, which goes on under its name with the new words")
    func harmless() async throws {
        var stage = try await Stage()
        try await stage.engine.add(query())
        let started = try await stage.play(2)
        #expect(started.phases == [.start])
        let edits: [(inout StandingQuery.Settings) throws -> Void] = [
            { $0.priority = 5 }, { $0.tags = ["night"] }, { $0.metadata = ["owner": "alice"] }, { $0.snapshot = false },
            { $0.expires = 4_000_000_000 }, { $0.policy.cooldown = 200 }, { $0.policy.updateStep = 0.5 },
            { $0.policy.minimumDuration = 3 }, { $0.policy.hysteresis = 0.3 },
            { $0.selector = try StreamSelector(["a*"]) },
            { $0.activeHours = try ActiveHours([ActiveHours.Rule(zone: "UTC")]) },
        ]
        for edit in edits {
            let ended = try await stage.engine.add(query("a circle", edit)).ended
            #expect(ended.isEmpty)
            #expect(try await stage.play(1).isEmpty)
        }
        try await stage.engine.add(query { $0.tags = ["last"] })
        let ended = await stage.engine.removeLane("a")
        #expect(ended.phases == [.end] && ended.first?.event == started.first?.event)
        #expect(ended.first?.query.settings.tags == ["last"] && ended.first?.transition.mediaStart == 0)
    }

    @Test("a match that has begun goes on: its minimum duration is not waited for anew")
    func began() async throws {
        var stage = try await Stage()
        try await stage.engine.add(query { $0.policy.minimumDuration = 10 })
        #expect(try await stage.play(8).isEmpty)
        try await stage.engine.add(
            query {
                $0.policy.minimumDuration = 10
                $0.priority = 1
            })
        #expect(try await stage.play(3).phases == [.start])
    }

    @Test("a cooldown holds whatever is edited", arguments: ["text", "threshold", "off and on", "selector", "hours"])
    func cooldown(_ way: String) async throws {
        var stage = try await Stage()
        try await stage.engine.add(query())
        #expect(try await stage.play(5).phases == [.start])
        let ended: [Detection]
        switch way {
        case "text": ended = try await stage.engine.add(query("a star")).ended
        case "threshold": ended = try await stage.engine.add(query(threshold: -900)).ended
        case "off and on":
            ended = try await stage.engine.add(query { $0.enabled = false }).ended
            #expect(try await stage.play(5).isEmpty)
            try await stage.engine.add(query())
        case "selector":
            ended = try await stage.engine.add(query { $0.selector = try StreamSelector(["b"]) }).ended
            #expect(try await stage.play(5).isEmpty)
            try await stage.engine.add(query())
        default:
            // Its hours are over, and come again.
            ended = try await stage.engine.add(query { $0.expires = 5 }).ended
            #expect(try await stage.play(5).isEmpty)
            try await stage.engine.add(query())
        }
        #expect(ended.phases == [.end])
        let early = try await stage.play(90 - Int(stage.time))
        #expect(early.isEmpty, "\(early.phases)")
        // The event was over with the window at 4 s.
        let late = try await stage.play(30)
        #expect(late.phases == [.start] && late.first?.transition.mediaEnd == 104)
    }

    @Test("a query that is removed is forgotten with its cooldown")
    func removed() async throws {
        var stage = try await Stage()
        try await stage.engine.add(query())
        _ = try await stage.play(3)
        #expect(await stage.engine.remove("q")?.phases == [.end])
        try await stage.engine.add(query())
        #expect(try await stage.play(1).phases == [.start])
    }

    @Test(
        "a stream that goes and comes back goes on with the cooldown by the wall clock; one removed for good does not")
    func stream() async throws {
        var stage = try await Stage()
        try await stage.engine.add(query())
        _ = try await stage.play(3)
        #expect(await stage.engine.removeLane("a").phases == [.end])
        await stage.engine.addLane("a")
        // Its times begin anew; by the wall clock a minute has gone, and the event was over at 2 s.
        stage.time = 0
        #expect(try await stage.play(42, wall: 60).isEmpty)
        let again = try await stage.play(2, wall: 60)
        #expect(again.phases == [.start] && again.first?.transition.mediaEnd == 42)
        _ = await stage.engine.removeLane("a")
        await stage.engine.forgetLearnt(lane: "a")
        await stage.engine.addLane("a")
        stage.time = 0
        #expect(try await stage.play(1, wall: 120).phases == [.start])
    }

    @Test("what was told before this process holds, for queries and for groups", arguments: [nil, "g"])
    func restart(_ group: String?) async throws {
        var stage = try await Stage()
        try await stage.engine.add(query { $0.group = group })
        _ = await stage.engine.removeLane("a")
        await stage.engine.restore([
            EndedEvent(query: "q", group: group, lane: "a", end: 1_000_000 - 60),
            EndedEvent(query: "nobody", group: "none", lane: "a", end: 1_000_000),
        ])
        await stage.engine.addLane("a")
        #expect(try await stage.play(40).isEmpty)
        #expect(try await stage.play(2).phases == [.start])
    }

    @Test("a group's event goes on when its leader is edited without effect")
    func group() async throws {
        var stage = try await Stage()
        try await stage.engine.add(query { $0.group = "g" })
        #expect(try await stage.play(2).phases == [.start])
        let edited = try query {
            $0.group = "g"
            $0.priority = 3
        }
        #expect(try await stage.engine.add(edited).ended.isEmpty)
        #expect(try await stage.play(5).isEmpty)
        #expect(await stage.engine.removeLane("a").phases == [.end])
    }
    @Test(
        "a group's cooldown holds whatever becomes of its leader, though windows reach back before its end",
        arguments: ["text", "off and on", "expired", "removed"])
    func leader(_ way: String) async throws {
        func leads(_ settings: inout StandingQuery.Settings) { (settings.group, settings.priority) = ("g", 1) }
        var stage = try await Stage()
        try await stage.engine.add(query(frames: 8, leads))
        try await stage.engine.add(query(id: "r", frames: 8) { $0.group = "g" })
        let started = try await stage.play(20)
        #expect(started.phases == [.start] && started.first?.query.id == "q")
        // The event is over with the window at 19 s.
        let ended: [Detection]
        switch way {
        case "text": ended = try await stage.engine.add(query("a star", frames: 8, leads)).ended
        case "off and on":
            ended = try await stage.engine.add(
                query(frames: 8) {
                    leads(&$0)
                    $0.enabled = false
                }
            ).ended
            #expect(try await stage.play(5).isEmpty)
            try await stage.engine.add(query(frames: 8, leads))
        case "expired":
            ended = try await stage.engine.add(
                query(frames: 8) {
                    leads(&$0)
                    $0.expires = 5
                }
            ).ended
        default: ended = await stage.engine.remove("q") ?? []
        }
        #expect(ended.phases == [.end] && ended.first?.transition.mediaEnd == 19)
        let early = try await stage.play(119 - Int(stage.time))
        #expect(early.isEmpty, "\(early.phases)")
        #expect(try await stage.play(1).phases == [.start])
    }
}
