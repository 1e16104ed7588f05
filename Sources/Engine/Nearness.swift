package import Matching

/// The window in which a query came closest to its threshold.
package struct NearestMoment: Sendable {
    package let query: StandingQuery
    package let stream: String
    /// The media times of the window's first and last frame, in seconds.
    package let mediaStart: Double
    package let mediaEnd: Double
    /// The value that is compared with the threshold: the score, or the probability of a query with contrasting texts.
    package let value: Float
    /// The query's threshold; nil while it is being learnt.
    package let threshold: Float?
    /// The reason why reaching the threshold started no event, from the window that came closest to an event.
    package fileprivate(set) var hold: EventTracker.Hold?

    /// The value minus the threshold; the value itself without a threshold.
    package var margin: Float { value - (threshold ?? 0) }
    package var isReached: Bool { threshold.map { value >= $0 } ?? false }
}

/// Records for each query how close it came to an event; only for the first 1000 queries.
///
/// It needs a score of every query in every window, which a search index avoids. So it is used only by `watchword
/// watch`. Not Sendable: only the engine uses it.
final class Nearness {
    private(set) var moments: [Slot: NearestMoment] = [:]

    /// Replaces the query's closest moment if this window came closer.
    func record(_ window: WindowJudgement) {
        let (standing, judgement, span, lane) = (window.standing, window.judgement, window.span, window.lane)
        guard standing.slot < WindowJudgement.mostQueries, let value = judgement.value, value.isFinite else { return }
        let threshold = judgement.threshold.isFinite ? judgement.threshold : nil
        let hold = lane.tracker(of: standing)?.hold
        var moment = NearestMoment(
            query: standing.query, stream: lane.name, mediaStart: span.mediaStart, mediaEnd: span.mediaEnd,
            value: value, threshold: threshold, hold: hold)
        guard let best = moments[standing.slot] else { return moments[standing.slot] = moment }
        moment.hold = Self.further(best.hold, hold)
        // A moment with a learnt threshold replaces one without.
        let isNearer =
            (best.threshold == nil) == (threshold == nil) ? moment.margin > best.margin : best.threshold == nil
        if isNearer { moments[standing.slot] = moment } else { moments[standing.slot]?.hold = moment.hold }
    }

    private static func further(_ a: EventTracker.Hold?, _ b: EventTracker.Hold?) -> EventTracker.Hold? {
        progress(a) > progress(b) ? a : b
    }

    /// Returns how far a match had come, as a number to compare.
    private static func progress(_ hold: EventTracker.Hold?) -> Double {
        switch hold {
        case .tooShort(let lasted, _): 1000 + lasted
        case .confirming(let matched, _): Double(matched)
        case .belowThreshold, .coolingDown, nil: 0
        }
    }
}
