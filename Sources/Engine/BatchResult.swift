package import Foundation
package import Matching

/// The result of one pass over a batch.
package struct BatchResult: Sendable {
    package var detections: [Detection] = []
    package var thresholds: [ThresholdChange] = []
    package var scores: [WindowScore] = []
    var wantsScores = false
    /// Frames as they were embedded, and windows' clip embeddings, in each lane's order; empty unless asked for.
    package var frames: [RecordedFrame] = []
    package var clips: [RecordedClip] = []
    var wantsFrames = false
    /// Queries whose scores are looked at live, and those scores.
    var watching: Set<String> = []
    package var watched: [WatchedScore] = []
    /// Wall clock, in seconds since 1970, of the frames all of whose windows were decided.
    package var settled: [Double] = []
    /// Whether a window waits to be decided by the next step.
    package var waits = false
    /// Lanes that ended in this batch: everything of theirs is scored.
    package var ended: [String] = []
    /// Frames that were embedded, those that kept the embedding of an unchanged picture, and those that showed nothing.
    package var encoded = 0
    package var reused = 0
    package var blind = 0
    package var scored = 0
    /// Windows that were scored again in float32, and those in doubt that it was too much for.
    package var rescored = 0
    package var undecided = 0
    /// Processor seconds of the engine's thread.
    package var encodeSeconds = 0.0
    package var scoreSeconds = 0.0
    /// Heads that failed, or took too long: their windows were not scored, all others were.
    package var failures: [HeadFailure] = []
}

/// A head that could not be used for a batch's windows, and why.
package struct HeadFailure: Error, Sendable, CustomStringConvertible {
    package let head: String
    package let reason: String
    /// The head's error; nil if it took too long.
    package var cause: (any Error)?
    package var description: String { reason }
}

/// A phase of an event: what an `EventMessage` is made of.
package struct Detection: Sendable {
    package let event: String
    package let query: StandingQuery
    package let stream: String
    package let transition: EventTracker.Transition
    package let model: String
    /// The peak's picture, a JPEG file, if it is another than was told before.
    package var snapshot: Data?

    package init(
        event: String, query: StandingQuery, stream: String, transition: EventTracker.Transition, model: String,
        snapshot: Data?
    ) {
        (self.event, self.query, self.stream) = (event, query, stream)
        (self.transition, self.model, self.snapshot) = (transition, model, snapshot)
    }
}

/// What a query's rule made of one window, for those who look on.
package struct WatchedScore: Sendable {
    package let query: String
    /// The lane: a stream, or its region as in stream.region.
    package let lane: String
    /// Time of the window's last frame, in seconds since 1970.
    package let at: Double
    /// What the rule compares: the score, or a contrast's probability.
    package let value: Float
    /// Nil while it is being learnt.
    package let threshold: Float?
}

/// The score of one window and query; nil if a pairing head did not look at the pair.
package struct WindowScore: Sendable {
    package let stream: String
    package let span: WindowSpan
    package let query: String
    package let text: String
    package let head: String
    package let score: Float?
}
