package import Evaluation
package import Matching

/// The scores of every text on every window of one video.
package struct VideoScores: Sendable {
    package let truth: EventTruth
    package let spans: [WindowSpan]
    /// The scores of each text, one for each window in `spans`; -infinity for windows that were not scored.
    package let scores: [String: [Float]]

    package init(truth: EventTruth, spans: [WindowSpan], scores: [String: [Float]]) {
        (self.truth, self.spans, self.scores) = (truth, spans, scores)
    }

    /// Returns true if a true event of the caption overlaps a window.
    package func shows(_ caption: String, _ span: WindowSpan) -> Bool {
        (truth.spans[caption] ?? []).contains { $0.start <= span.mediaEnd && $0.end >= span.mediaStart }
    }
}
