package import Evaluation
package import Matching

/// The scores of every query on every window of one video.
package struct VideoScores: Sendable {
    package let truth: EventTruth
    package let spans: [WindowSpan]
    /// The scores by text, in the order of the spans; -infinity where a pairing head did not score a window.
    package let scores: [String: [Float]]

    package init(truth: EventTruth, spans: [WindowSpan], scores: [String: [Float]]) {
        (self.truth, self.spans, self.scores) = (truth, spans, scores)
    }

    /// Whether a true event of the caption overlaps a window.
    package func shows(_ caption: String, _ span: WindowSpan) -> Bool {
        (truth.spans[caption] ?? []).contains { $0.start <= span.mediaEnd && $0.end >= span.mediaStart }
    }
}
