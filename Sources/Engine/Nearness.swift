package import Matching

/// The moment at which a query came nearest to its threshold.
package struct NearestMoment: Sendable {
    package let query: StandingQuery
    package let stream: String
    /// The window's first and last frame, in seconds of media time.
    package let mediaStart: Double
    package let mediaEnd: Double
    /// The number that the rule compares: the score, or the probability of a contrast.
    package let value: Float
    /// Nil while a budget's threshold is being learnt.
    package let threshold: Float?
    /// Why no event started, though the threshold was reached: of all windows, what was nearest to starting one.
    package fileprivate(set) var hold: EventTracker.Hold?

    /// How far above the threshold it was; without one, queries are compared by their values.
    package var margin: Float { value - (threshold ?? 0) }
    package var isReached: Bool { threshold.map { value >= $0 } ?? false }
}

/// How near each query came to an event: of so many queries, the oldest ones.
///
/// Looks at every query in every window, which an index of many would not: for one stream that is watched by itself.
///
/// Not Sendable: it belongs to the engine.
final class Nearness {
    private(set) var moments: [Slot: NearestMoment] = [:]

    func note(_ of: WindowJudgement) {
        let (standing, judgement, span, lane) = (of.standing, of.judgement, of.span, of.lane)
        guard standing.slot < WindowJudgement.mostQueries, let value = judgement.value, value.isFinite else { return }
        let threshold = judgement.threshold.isFinite ? judgement.threshold : nil
        let hold = lane.tracker(of: standing)?.hold
        var moment = NearestMoment(
            query: standing.query, stream: lane.name, mediaStart: span.mediaStart, mediaEnd: span.mediaEnd,
            value: value, threshold: threshold, hold: hold)
        guard let best = moments[standing.slot] else { return moments[standing.slot] = moment }
        moment.hold = Self.further(best.hold, hold)
        // A threshold that was learnt meanwhile tells more than none.
        let isNearer =
            (best.threshold == nil) == (threshold == nil) ? moment.margin > best.margin : best.threshold == nil
        if isNearer { moments[standing.slot] = moment } else { moments[standing.slot]?.hold = moment.hold }
    }

    private static func further(_ a: EventTracker.Hold?, _ b: EventTracker.Hold?) -> EventTracker.Hold? {
        progress(a) > progress(b) ? a : b
    }

    /// Progress of a match, so that the furthest can be told.
    private static func progress(_ hold: EventTracker.Hold?) -> Double {
        switch hold {
        case .tooShort(let lasted, _): 1000 + lasted
        case .confirming(let matched, _): Double(matched)
        case .belowThreshold, .coolingDown, nil: 0
        }
    }
}
