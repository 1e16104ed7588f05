package import Matching

/// The moment at which a query came closest to its threshold.
package struct NearestMoment: Sendable {
    package let query: StandingQuery
    package let stream: String
    /// The media times of the window's first and last frame, in seconds.
    package let mediaStart: Double
    package let mediaEnd: Double
    /// The value that the rule compares: the score, or the probability of a contrast.
    package let value: Float
    /// The threshold; nil while a budget's threshold is being learnt.
    package let threshold: Float?
    /// Why no event started although the threshold was reached, from the window that came closest to one.
    package fileprivate(set) var hold: EventTracker.Hold?

    /// The distance above the threshold; without a threshold, the value itself.
    package var margin: Float { value - (threshold ?? 0) }
    package var isReached: Bool { threshold.map { value >= $0 } ?? false }
}

/// How close each query came to an event; limited to the oldest queries.
///
/// It looks at every query in every window, which an index of many queries would not. So it serves one stream that is
/// watched by itself. Not Sendable: it belongs to the engine.
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

    /// The progress of a match as a number, to find the furthest.
    private static func progress(_ hold: EventTracker.Hold?) -> Double {
        switch hold {
        case .tooShort(let lasted, _): 1000 + lasted
        case .confirming(let matched, _): Double(matched)
        case .belowThreshold, .coolingDown, nil: 0
        }
    }
}
