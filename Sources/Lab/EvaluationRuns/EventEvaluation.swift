package import CLIP
package import Evaluation
import Foundation
package import Heads
package import Matching
package import Printing
package import Tensors

/// Detects events in videos by several heads and rules, and compares them with the true events.
package struct EventEvaluation: Sendable {
    /// The rule by which a score becomes a match.
    package enum Rule: String, CaseIterable, Sendable {
        /// The model's own threshold.
        case fixed
        /// The text's probability among contrasting texts.
        case contrast
        /// A threshold learnt from a background, for a budget of false alerts.
        case budget
    }

    package let rules: [Rule]
    /// The contrasting texts.
    package let against: [String]
    /// The probability that the contrast requires, in 0...1.
    package let probability: Float
    /// The false alerts a day that the budget allows.
    package let budget: Double
    /// The seconds of background from which the budget's threshold is learnt.
    package let warmUp: Double

    package init(rules: [Rule], against: [String], probability: Float, budget: Double, warmUp: Double) {
        (self.rules, self.against, self.probability) = (rules, against, probability)
        (self.budget, self.warmUp) = (budget, warmUp)
    }

    /// Returns the names of the heads for which the model has usable weights.
    package static func usableHeads(_ model: ModelDirectory, _ finder: HeadFinder) -> [String] {
        finder.names.filter { name in
            let head = try? Heads.Head(
                finder.load(name), width: model.architecture.embedding, maxFrames: model.defaults.frames,
                weights: model.headTensors(name), config: model.defaults.configuration(ofHead: name))
            return head != nil
        }
    }

    /// Evaluates every head and rule on every video.
    ///
    /// The budget learns from `background`, or if that is nil from the other videos of `truths`.
    package func run(
        _ truths: [EventTruth], background: [EventTruth]?, model: ModelDirectory, finder: HeadFinder,
        precision: Precision, heads: [String], _ reporter: ProgressReporter
    ) async throws -> EventsReport {
        var results: [EventsReport.Result] = []
        for head in heads {
            let scorer = try VideoScorer(model, finder, precision: precision, head: head)
            let texts = Set(truths.flatMap(\.captions) + against)
            var videos: [VideoScores] = []
            for truth in truths {
                reporter.progress("\(head): \(truth.video.lastPathComponent)")
                videos.append(try await scorer.scores(truth, of: texts, reporter))
            }
            var quiet: [VideoScores] = []
            for truth in background ?? [] { quiet.append(try await scorer.scores(truth, of: texts, reporter)) }
            for rule in rules {
                reporter.progress("\(head): \(rule.rawValue)")
                for (index, video) in videos.enumerated() {
                    let others = videos.enumerated().filter { $0.offset != index }.map(\.element)
                    let counts = try counts(video, rule, scorer, background: background == nil ? others : quiet)
                    results.append(
                        .init(
                            video: video.truth.video.lastPathComponent, head: head, rule: rule.rawValue,
                            queries: video.truth.captions.count, counts: counts))
                }
            }
        }
        reporter.clear()
        return EventsReport(model: model.identity, results: results)
    }

    /// Detects a video's events by a rule, and counts the right ones.
    private func counts(
        _ video: VideoScores, _ rule: Rule, _ scorer: VideoScorer, background: [VideoScores]
    ) throws -> EventCounts {
        var counts = EventCounts()
        for caption in video.truth.captions {
            guard let scores = video.scores[caption] else { continue }
            let values = rule == .contrast ? probabilities(of: caption, scores, in: video, scorer.scoring) : scores
            let threshold =
                switch rule {
                case .fixed: try scorer.threshold
                case .contrast: probability
                case .budget: learnThreshold(of: caption, from: background)
                }
            let compared: ThresholdRule =
                rule == .contrast ? .contrast(against: against, probability: probability) : .score(threshold)
            let policy = EventPolicy(
                hysteresis: EventPolicy.hysteresis(of: compared, scores: scorer.scores))
            counts += EventCounts(
                found: Self.events(values, video.spans, threshold: threshold, policy),
                truths: video.truth.spans[caption] ?? [], slack: scorer.windowSeconds)
        }
        return counts
    }

    /// Returns a caption's probability among the contrasting texts, for every window.
    private func probabilities(
        of caption: String, _ scores: [Float], in video: VideoScores, _ scoring: Scoring
    ) -> [Float] {
        let contrasts = against.filter { $0 != caption }.compactMap { video.scores[$0] }
        return scores.indices.map { window in
            ThresholdRule.probability(
                scores[window], against: contrasts.map { $0[window] }, scale: scoring.scale, bias: scoring.bias)
        }
    }

    /// Returns the spans of the events that a tracker finds in a series of values, one for each window.
    package static func events(
        _ values: [Float], _ spans: [WindowSpan], threshold: Float, _ policy: EventPolicy
    ) -> [EventTruth.Span] {
        var tracker = EventTracker(policy)
        var found: [EventTruth.Span] = []
        for (value, span) in zip(values, spans) {
            for change in tracker.observe(value, threshold: threshold, span: span) where change.phase == .end {
                found.append(.init(start: change.mediaStart, end: change.mediaEnd))
            }
        }
        if let end = tracker.close() { found.append(.init(start: end.mediaStart, end: end.mediaEnd)) }
        return found
    }

    /// Learns the budget's threshold from windows that do not show the caption; infinity if none is learnt.
    private func learnThreshold(of caption: String, from background: [VideoScores]) -> Float {
        var settings = CalibrationSettings()
        settings.warmUp = warmUp
        settings.policy = .manual
        var calibration = Calibration(falseAlertsPerDay: budget, settings: settings)
        var clock = 0.0
        // A short background gives few clusters: then learning may take three times the warm-up.
        while calibration.threshold == nil, clock < 3 * warmUp {
            let before = clock
            for video in background {
                guard let scores = video.scores[caption] else { continue }
                let start = clock
                for (score, span) in zip(scores, video.spans) where !video.shows(caption, span) {
                    clock = start + span.mediaEnd
                    _ = calibration.observe(score, at: clock)
                }
                clock += 1
            }
            if clock - before < 1 { break }
        }
        return calibration.threshold ?? .infinity
    }
}
