package import CLIP
package import Evaluation
import Foundation
package import Heads
package import Matching
package import Printing
package import Tensors

/// Detects events in videos with several heads and threshold rules, and compares them with the true events.
package struct EventEvaluation: Sendable {
    /// The rule that decides which scores count as a detection.
    package enum Rule: String, CaseIterable, Sendable {
        /// Windows whose score reaches the model's default threshold count as detections.
        case fixed
        /// Windows for which the query is likely, compared with contrasting texts, count as detections.
        case contrast
        /// Windows whose score reaches a threshold learnt from other videos count as detections.
        ///
        /// The threshold is chosen so that about `budget` false alerts per day are expected.
        case budget
    }

    package let rules: [Rule]
    /// The contrasting texts of the rule `contrast`.
    package let against: [String]
    /// The lowest probability that counts as a detection with the rule `contrast`, in 0...1.
    package let probability: Float
    /// The number of false alerts per day that the rule `budget` allows.
    package let budget: Double
    /// The length of video from which the rule `budget` learns a threshold, in seconds.
    package let warmUp: Double

    package init(rules: [Rule], against: [String], probability: Float, budget: Double, warmUp: Double) {
        (self.rules, self.against, self.probability) = (rules, against, probability)
        (self.budget, self.warmUp) = (budget, warmUp)
    }

    /// Returns the names of the head plugins for which the model has usable weights.
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
    /// The rule `budget` learns from `background`, or if that is nil from the other videos of `truths`.
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

    /// Detects a video's events by a rule, and counts how many match true events.
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

    /// Returns, for every window, the probability of a caption compared with the contrasting texts.
    private func probabilities(
        of caption: String, _ scores: [Float], in video: VideoScores, _ scoring: Scoring
    ) -> [Float] {
        let contrasts = against.filter { $0 != caption }.compactMap { video.scores[$0] }
        return scores.indices.map { window in
            ThresholdRule.probability(
                scores[window], against: contrasts.map { $0[window] }, scale: scoring.scale, bias: scoring.bias)
        }
    }

    /// Returns the spans of the events that an `EventTracker` detects in a series of scores, one for each window.
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

    /// Returns the threshold of the rule `budget` for a caption, learnt from windows that do not show it.
    ///
    /// Infinity if there are too few windows to learn from.
    private func learnThreshold(of caption: String, from background: [VideoScores]) -> Float {
        var settings = CalibrationSettings()
        settings.warmUp = warmUp
        settings.policy = .manual
        var calibration = Calibration(falseAlertsPerDay: budget, settings: settings)
        var clock = 0.0
        // A short background gives few independent scores, so it may be replayed for up to three times `warmUp`.
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
