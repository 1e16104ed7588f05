package import CLIP
import Engine
package import Evaluation
import Foundation
package import Heads
import Ingest
package import Matching
package import Printing
import StreamSources
import Synchronization
package import Tensors
import WatchwordConfiguration

/// Scores videos with one head, without detecting events.
package struct VideoScorer: Sendable {
    package let head: String
    /// The kind of the head's scores.
    package let scores: ScoreKind
    private let model: ModelDirectory
    private let finder: HeadFinder
    private let precision: Precision
    private let defaults: Defaults

    /// Loads the head; throws if that fails.
    package init(_ model: ModelDirectory, _ finder: HeadFinder, precision: Precision, head: String) throws {
        scores = try finder.load(head).givesCosines ? .cosines : .logits
        (self.model, self.finder, self.precision, self.head) = (model, finder, precision, head)
        defaults = Defaults(model: model, finder: finder, head: head)
    }

    /// The model's own threshold for the head; throws `QueryError` if there is none.
    package var threshold: Float {
        get throws {
            guard let threshold = try defaults.query(QueryConfiguration(text: "x")).rule.fixedThreshold else {
                throw QueryError("x", "the model has no default threshold for head \"\(head)\"")
            }
            return threshold
        }
    }

    /// The model's scale and bias, which turn scores into probabilities.
    package var scoring: Scoring {
        scores == .logits ? .logits : (try? model.scoring()) ?? Scoring(scale: 100, bias: nil)
    }

    /// The media time in seconds that a window spans.
    package var windowSeconds: Double { Double(defaults.frames) / defaults.fps }

    /// Scores every window of a video for every text.
    ///
    /// A video that breaks off is scored as far as it can be decoded, with a warning; a video without a frame throws
    /// `SourceError`.
    package func scores(
        _ truth: EventTruth, of texts: Set<String>, _ reporter: ProgressReporter
    ) async throws -> VideoScores {
        let session = try await session(truth, of: texts.sorted())
        let seen = Mutex<[WindowScore]>([])
        let summary = try await session.run(wantScores: true) { report in
            if case .scores(let scores) = report { seen.withLock { $0 += scores } }
        }
        if let failure = summary.failure {
            guard summary.isBadData, summary.frames > 0 else {
                throw SourceError(failure, isBadData: summary.isBadData)
            }
            reporter.warn(failure)
        }
        var spans: [WindowSpan] = []
        var scores: [String: [Float]] = [:]
        for score in seen.withLock({ $0 }) {
            if spans.last != score.span { spans.append(score.span) }
            scores[score.text, default: []].append(score.score ?? -.infinity)
        }
        return VideoScores(truth: truth, spans: spans, scores: scores)
    }

    /// Makes a session in which a pairing head scores all texts, and no score reaches a threshold.
    private func session(_ truth: EventTruth, of texts: [String]) async throws -> WatchSession {
        let engine = try ScoringEngine(model: model, finder: finder, precision: precision, rerank: texts.count)
        for (index, text) in texts.enumerated() {
            try await engine.add(
                StandingQuery(id: "q\(index)", text: text, head: head, frames: defaults.frames, rule: .score(1e9)))
        }
        var stream = StreamConfiguration(name: "video", uri: truth.video.path)
        stream.snapshots = false
        return WatchSession(
            engine: engine, name: "video", source: defaults.source(stream),
            templates: try PipelineTemplates(directory: Installation.pipelines))
    }
}
