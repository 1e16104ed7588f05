import CLIP
import Engine
import Evaluation
import Foundation
import Heads
import Ingest
import Matching
import Synchronization
import Tensors
import WatchwordConfiguration

/// Every window's score of every query on one video.
struct VideoScores {
    let truth: EventTruth
    let spans: [WindowSpan]
    /// By text, in the order of the spans.
    let scores: [String: [Float]]

    /// Whether a window has something of what the caption says.
    func shows(_ caption: String, _ span: WindowSpan) -> Bool {
        (truth.spans[caption] ?? []).contains { $0.start <= span.mediaEnd && $0.end >= span.mediaStart }
    }
}

/// Watches videos with one head, for the scores alone.
struct VideoScorer {
    let head: String
    private let model: ModelDirectory
    private let finder: HeadFinder
    private let precision: Precision
    private let defaults: Defaults
    /// What the head gives.
    let scores: ScoreKind

    init(_ model: ModelDirectory, _ finder: HeadFinder, precision: Precision, head: String) throws {
        scores = try finder.load(head).pools ? .cosines : .logits
        self.model = model
        self.finder = finder
        self.precision = precision
        self.head = head
        defaults = Defaults(model: model, finder: finder, head: head)
    }

    /// The model's own threshold for the head.
    var threshold: Float {
        get throws {
            guard let threshold = try defaults.query(QueryConfiguration(text: "x")).rule.fixedThreshold else {
                throw QueryError("x", "the model has no default threshold for head \"\(head)\"")
            }
            return threshold
        }
    }
    /// What scores are multiplied by to make probabilities of them: logits need nothing.
    var scale: Float { scores == .logits ? 1 : (try? model.logitScale()) ?? 100 }
    var windowSeconds: Double { Double(defaults.frames) / defaults.fps }

    func scores(_ truth: EventTruth, of texts: Set<String>) async throws -> VideoScores {
        let texts = texts.sorted()
        // All are looked at by a pairing head, and none makes an event.
        let engine = try ScoringEngine(model: model, finder: finder, precision: precision, rerank: texts.count)
        for (index, text) in texts.enumerated() {
            try await engine.add(
                StandingQuery(id: "q\(index)", text: text, head: head, frames: defaults.frames, rule: .score(1e9)))
        }
        var stream = StreamConfiguration(name: "video", uri: truth.video.path)
        stream.snapshots = false
        let session = WatchSession(
            engine: engine, name: "video", source: defaults.source(stream),
            templates: try PipelineTemplates(directory: Installation.pipelines))
        let seen = Mutex<[WindowScore]>([])
        let summary = try await session.run(wantScores: true) { report in
            if case .scores(let scores) = report { seen.withLock { $0 += scores } }
        }
        if let failure = summary.failure {
            // Of a film that is cut off, what there is counts.
            guard summary.isBadData, summary.frames > 0 else {
                throw SourceError(failure, isBadData: summary.isBadData)
            }
            Terminal.complain(failure)
        }
        var spans: [WindowSpan] = []
        var scores: [String: [Float]] = [:]
        for score in seen.withLock({ $0 }) {
            if spans.last != score.span { spans.append(score.span) }
            scores[score.text, default: []].append(score.score ?? -.infinity)
        }
        return VideoScores(truth: truth, spans: spans, scores: scores)
    }
}
