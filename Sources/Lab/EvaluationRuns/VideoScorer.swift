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

/// Scores the windows of videos with one head, without detecting events.
package struct VideoScorer: Sendable {
    package let head: String
    /// The kind of the head's scores: cosines or logits.
    package let scores: ScoreKind
    private let model: ModelDirectory
    private let finder: HeadFinder
    private let precision: Precision
    private let defaults: Defaults

    /// Loads the head plugin; throws if that fails.
    package init(_ model: ModelDirectory, _ finder: HeadFinder, precision: Precision, head: String) throws {
        scores = try finder.load(head).givesCosines ? .cosines : .logits
        (self.model, self.finder, self.precision, self.head) = (model, finder, precision, head)
        defaults = Defaults(model: model, finder: finder, head: head)
    }

    /// The model's default threshold for the head's scores; throws `QueryError` if there is none.
    package var threshold: Float {
        get throws {
            guard let threshold = try defaults.query(QueryConfiguration(text: "x")).rule.fixedThreshold else {
                throw QueryError("x", "the model has no default threshold for head \"\(head)\"")
            }
            return threshold
        }
    }

    /// The scale and bias that turn the head's scores into probabilities.
    package var scoring: Scoring {
        scores == .logits ? .logits : (try? model.scoring()) ?? Scoring(scale: 100, bias: nil)
    }

    /// The media time that a window spans, in seconds.
    package var windowSeconds: Double { Double(defaults.frames) / defaults.fps }

    /// Scores every window of a video with every text.
    ///
    /// A damaged video is scored as far as it can be decoded, with a warning; a video without any frame throws
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

    /// Makes a session that scores all texts on all windows, with thresholds too high for any event.
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
