package import Foundation
package import Matching

/// The result of `ScoringEngine.process` for one batch of frames: events, scores, counters and failures.
package struct BatchResult: Sendable {
    package var detections: [Detection] = []
    package var thresholds: [ThresholdChange] = []
    package var scores: [WindowScore] = []
    var wantsScores = false
    /// The embedded frames of the batch, for the history; `clips` has the embeddings of whole windows.
    ///
    /// Both are in the order of each stream or region, and empty unless `wantsFrames`.
    package var frames: [RecordedFrame] = []
    package var clips: [RecordedClip] = []
    var wantsFrames = false
    /// The ids of the queries whose scores a client follows live; `watched` gets the scores.
    var watching: Set<String> = []
    package var watched: [WatchedScore] = []
    /// The wall-clock times, in seconds since 1970, of the frames whose windows were all judged in this batch.
    package var settled: [Double] = []
    /// True if a window waits to be scored again in float32 by a later call.
    package var waits = false
    /// The names of the lanes (streams and regions) that ended in this batch, with all their windows scored.
    package var ended: [String] = []
    /// The number of frames that the image encoder embedded in this batch.
    ///
    /// `reused` counts frames with an unchanged picture, which kept its embedding; `blind` counts black, frozen or
    /// blurred frames, which are not embedded.
    package var encoded = 0
    package var reused = 0
    package var blind = 0
    package var scored = 0
    /// The number of windows scored again in float32; `undecided` counts those that needed it but got no time.
    package var rescored = 0
    package var undecided = 0
    /// The processor seconds that the engine's thread spent on embedding; `scoreSeconds` has those spent on scoring.
    package var encodeSeconds = 0.0
    package var scoreSeconds = 0.0
    /// The heads (models that score windows) that failed or took too long; only their windows were not scored.
    package var failures: [HeadFailure] = []
}

/// The error of a head (a model that scores windows) that could not score a batch's windows.
package struct HeadFailure: Error, Sendable, CustomStringConvertible {
    package let head: String
    package let reason: String
    /// The error that the head (the model that scores windows) threw; nil if it took too long.
    package var cause: (any Error)?
    package var description: String { reason }
}

/// The start, update or end of an event, to be published as an `EventMessage`.
package struct Detection: Sendable {
    package let event: String
    package let query: StandingQuery
    package let stream: String
    package let transition: EventTracker.Transition
    package let model: String
    /// The picture of the event's best-scored frame, as a JPEG file; nil if it was sent before.
    package var snapshot: Data?
    /// The reason why the event ends although its match goes on; nil if it does not.
    package var reason: EarlyEnd?

    package init(
        event: String, query: StandingQuery, stream: String, transition: EventTracker.Transition, model: String,
        snapshot: Data?
    ) {
        (self.event, self.query, self.stream) = (event, query, stream)
        (self.transition, self.model, self.snapshot) = (transition, model, snapshot)
    }
}

/// The reason why an event ends although its match goes on.
package enum EarlyEnd: String, Sendable {
    /// Another node of the fleet has taken the event's stream, or is about to.
    case moved
}

/// One window's value for one query, for a client that follows the query's scores live.
package struct WatchedScore: Sendable {
    package let query: String
    /// The stream's name, or "stream/region" for a region of its picture.
    package let lane: String
    /// The wall-clock time of the window's last frame, in seconds since 1970.
    package let at: Double
    /// The value that is compared with the threshold: the score, or the probability of a query with contrasting texts.
    package let value: Float
    /// The query's threshold on this stream or region; nil while it is being learnt.
    package let threshold: Float?
}

/// The result of one query for one window.
package struct WindowScore: Sendable {
    package let stream: String
    package let span: WindowSpan
    package let query: String
    package let text: String
    package let head: String
    /// The score; nil if the query's head (the model that scores windows) did not score this window.
    package let score: Float?
}
