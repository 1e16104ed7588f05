package import Foundation
package import Matching

/// The result of one pass of the engine over a batch of frames.
package struct BatchResult: Sendable {
    package var detections: [Detection] = []
    package var thresholds: [ThresholdChange] = []
    package var scores: [WindowScore] = []
    var wantsScores = false
    /// The embedded frames, and clip embeddings of windows, in each lane's order; empty unless `wantsFrames`.
    package var frames: [RecordedFrame] = []
    package var clips: [RecordedClip] = []
    var wantsFrames = false
    /// The queries whose scores a client watches live; `watched` has those scores.
    var watching: Set<String> = []
    package var watched: [WatchedScore] = []
    /// The wall-clock times, in seconds since 1970, of the frames whose windows have all been decided.
    package var settled: [Double] = []
    /// Whether a window still waits for a decision in the next step.
    package var waits = false
    /// The lanes that ended in this batch, with all their windows scored.
    package var ended: [String] = []
    /// The number of frames embedded.
    ///
    /// `reused` frames kept the embedding of an unchanged picture; `blind` frames showed nothing.
    package var encoded = 0
    package var reused = 0
    package var blind = 0
    package var scored = 0
    /// The number of windows scored again in float32; `undecided` windows should have been, but there was no time.
    package var rescored = 0
    package var undecided = 0
    /// The processor seconds of the engine's thread for embedding; `scoreSeconds` are those for scoring.
    package var encodeSeconds = 0.0
    package var scoreSeconds = 0.0
    /// The heads that failed or took too long: their windows were not scored, all others were.
    package var failures: [HeadFailure] = []
}

/// A head that could not score a batch's windows, and why.
package struct HeadFailure: Error, Sendable, CustomStringConvertible {
    package let head: String
    package let reason: String
    /// The head's error; nil if the head took too long.
    package var cause: (any Error)?
    package var description: String { reason }
}

/// One phase of an event: the content of an `EventMessage`.
package struct Detection: Sendable {
    package let event: String
    package let query: StandingQuery
    package let stream: String
    package let transition: EventTracker.Transition
    package let model: String
    /// The peak's picture as a JPEG file; nil if it did not change since the last message.
    package var snapshot: Data?

    package init(
        event: String, query: StandingQuery, stream: String, transition: EventTracker.Transition, model: String,
        snapshot: Data?
    ) {
        (self.event, self.query, self.stream) = (event, query, stream)
        (self.transition, self.model, self.snapshot) = (transition, model, snapshot)
    }
}

/// The value of one window under a query's rule, for a client that watches live.
package struct WatchedScore: Sendable {
    package let query: String
    /// The lane: a stream, or its region as in stream/region.
    package let lane: String
    /// The time of the window's last frame, in seconds since 1970.
    package let at: Double
    /// The value that the rule compares: the score, or a contrast's probability.
    package let value: Float
    /// The threshold; nil while it is being learnt.
    package let threshold: Float?
}

/// The score of one window and one query; nil if a pairing head did not score the pair.
package struct WindowScore: Sendable {
    package let stream: String
    package let span: WindowSpan
    package let query: String
    package let text: String
    package let head: String
    package let score: Float?
}
