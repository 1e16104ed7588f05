/// The life of one query's events on one stream: threshold with hysteresis.
///
/// `start` when a score reaches the threshold; `update` when the peak has risen by `updateStep`, at most once in
/// `updateInterval` seconds of media time; `end` when a score falls below threshold - hysteresis, or the stream ends.
package struct EventTracker: Sendable {
    package enum Phase: String, Sendable { case start, update, end }

    package struct Peak: Sendable, Equatable {
        package let score: Float
        /// Wall clock and media time of the last frame of the peak's window.
        package let wallTime: Double
        package let mediaTime: Double
    }

    /// What to tell the world.
    ///
    /// The span goes from the first frame of the first window that held to the last frame of the last one.
    package struct Transition: Sendable, Equatable {
        package let phase: Phase
        package let score: Float
        package let peak: Peak
        package let mediaStart: Double
        package let mediaEnd: Double
        package let wallStart: Double
        package let wallEnd: Double
    }

    private struct Open {
        var first: WindowSpan
        var last: WindowSpan
        var score: Float
        var peak: Peak
        var toldPeak: Float
        var toldAt: Double
    }

    private let threshold: Float
    private let exit: Float
    private let updateStep: Float
    private let updateInterval: Double
    private var open: Open?

    package init(threshold: Float, hysteresis: Float, updateStep: Float = 0.01, updateInterval: Double = 1) {
        self.threshold = threshold
        exit = threshold - hysteresis
        self.updateStep = updateStep
        self.updateInterval = updateInterval
    }

    package var isOpen: Bool { open != nil }

    /// Takes the score of the next window.
    ///
    /// A score that is no number matches nothing.
    package mutating func observe(score: Float, span: WindowSpan) -> [Transition] {
        guard var event = open else {
            guard score >= threshold else { return [] }
            let peak = Peak(score: score, wallTime: span.wallEnd, mediaTime: span.mediaEnd)
            let started = Open(
                first: span, last: span, score: score, peak: peak, toldPeak: score, toldAt: span.mediaEnd)
            open = started
            return [Self.transition(.start, started)]
        }
        guard score >= exit else { return close().map { [$0] } ?? [] }
        event.last = span
        event.score = score
        if score > event.peak.score {
            event.peak = Peak(score: score, wallTime: span.wallEnd, mediaTime: span.mediaEnd)
        }
        let due =
            event.peak.score >= event.toldPeak + updateStep && span.mediaEnd - event.toldAt >= updateInterval
        if due {
            event.toldPeak = event.peak.score
            event.toldAt = span.mediaEnd
        }
        open = event
        return due ? [Self.transition(.update, event)] : []
    }

    /// Ends the open event, if there is one: its stream has ended, jumped, or gone.
    package mutating func close() -> Transition? {
        defer { open = nil }
        return open.map { Self.transition(.end, $0) }
    }

    private static func transition(_ phase: Phase, _ event: Open) -> Transition {
        Transition(
            phase: phase, score: event.score, peak: event.peak, mediaStart: event.first.mediaStart,
            mediaEnd: event.last.mediaEnd, wallStart: event.first.wallStart, wallEnd: event.last.wallEnd)
    }
}
