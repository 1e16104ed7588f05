import CLIP
import Engine
import Heads
import Matching
import TestSupport
import Testing

@Suite("A clock that is set back")
struct ClockTests {
    /// Midnight of some day, UTC.
    private static let midnight = 20_000 * 86_400.0

    /// Plays a second of frames from each of the given hours of a day on, to a query that matches each frame.
    ///
    /// Returns the phases of the query's events.
    private func phases(
        hours: [Double], _ change: (inout StandingQuery.Settings) throws -> Void
    ) throws -> [EventTracker.Phase] {
        let model = try ModelDirectory(Fixtures.shapes)
        var settings = StandingQuery.Settings()
        settings.policy.cooldown = 0
        try change(&settings)
        let query = try StandingQuery(
            id: "q", text: "a circle", head: "mean", frames: 1, rule: .score(-1000), settings: settings)
        let vector = (0..<model.architecture.embedding).map { Float($0 + 1) }
        let replay = try Replay(
            [EmbeddedQuery(query, QueryEmbedding(query: vector))], lane: "a", model: model,
            finder: .standard(first: [Fixtures.plugins]), start: Self.midnight + (hours.first ?? 0) * 3600)
        var frames: [RecordedFrame] = []
        for hour in hours {
            for part in 0..<4 {
                frames.append(
                    RecordedFrame(
                        lane: "a", embedding: vector, mediaTime: Double(frames.count) / 4,
                        wallClock: Self.midnight + hour * 3600 + Double(part) / 4, isDiscontinuity: frames.isEmpty,
                        isRepeat: false))
            }
        }
        return try replay.take(frames).detections.map(\.transition.phase)
    }

    @Test("active hours hold by the clock as it is now")
    func hours() throws {
        let hours = try ActiveHours([ActiveHours.Rule(zone: "UTC", spans: [ActiveHours.Span("08:00-18:00")])])
        #expect(try phases(hours: [20]) { $0.activeHours = hours } == [])
        #expect(try phases(hours: [20, 12]) { $0.activeHours = hours } == [.start])
        #expect(try phases(hours: [20, 12, 19, 9]) { $0.activeHours = hours } == [.start, .end, .start])
    }

    @Test("a query that had expired stands again, and expires again, also one that was added too late")
    func expiry() throws {
        let expires = Self.midnight + 10 * 3600
        #expect(try phases(hours: [9, 11]) { $0.expires = expires } == [.start, .end])
        #expect(try phases(hours: [9, 11, 12, 9, 11]) { $0.expires = expires } == [.start, .end, .start, .end])
        #expect(try phases(hours: [11, 9]) { $0.expires = expires } == [.start])
    }
}
