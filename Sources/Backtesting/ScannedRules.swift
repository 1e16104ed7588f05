import CLIP
import Engine
import Foundation
import History
import Matching
import Tensors

/// Rules whose values a scan of the history can compute, well enough to tell where nothing matches.
///
/// They are rules of the mean head with a fixed threshold: its scores depend only on frames.
struct ScannedRules {
    final class Rule {
        /// The index of the query's text in `texts`; `contrasts` are the indices of its contrasts.
        let text: Int
        let contrasts: Range<Int>
        let query: StandingQuery
        let scoring: Scoring
        /// The lowest scanned value that may reach the threshold, or be close enough to count as undecided.
        private(set) var floor: Float = 0
        private let isContrast: Bool

        fileprivate init(_ query: StandingQuery, text: Int, contrasts: Range<Int>, _ scoring: Scoring, off: Float) {
            (self.query, self.text, self.contrasts, self.scoring) = (query, text, contrasts, scoring)
            isContrast = if case .contrast = query.rule { true } else { false }
            floor = lowered(query.rule.fixedThreshold ?? .infinity, by: off)
        }

        /// The value that the rule compares.
        func value(_ score: Float, _ contrasts: [Float]) -> Float {
            guard isContrast else { return score }
            return ThresholdRule.probability(score, against: contrasts, scale: scoring.scale, bias: scoring.bias)
        }

        /// The least true value of a scanned `value`, if each cosine has an error of at most `error`.
        ///
        /// If a score is too high and its contrasts too low by `error`, the odds change by a factor of at most e^(2
        /// scale error). With a bias the change is smaller, since the logarithm of a sigmoid has a slope of at most 1.
        func lowered(_ value: Float, by error: Float) -> Float {
            guard isContrast else { return value - error }
            guard value > 0, value < 1 else { return value }
            let odds = value / (1 - value) * exp(-2 * scoring.scale * error)
            return odds.isFinite ? odds / (1 + odds) : 1
        }
    }

    let all: [Rule]
    /// The texts as vectors of length 1 `[width]`.
    let texts: [[Float]]
    let width: Int
    /// The number of frames of a window.
    let frames: Int
    /// The greatest error of a scanned cosine.
    let error: Float

    /// Makes the rules; nil if a replay has to see every window.
    ///
    /// `error` is how far cosines of the history may differ from those that decided live.
    init?(_ queries: [EmbeddedQuery], width: Int, scoring: Scoring, error: Float) {
        guard let frames = queries.first?.query.frames else { return nil }
        var (all, texts) = ([Rule](), [[Float]]())
        let scanError = WindowScan.error(width: width)
        // A float's rounding, on the way to either.
        let off = scanError + error + 1e-5
        for one in queries {
            let query = one.query
            guard query.head == "mean", query.frames == frames, query.rule.fixedThreshold != nil else { return nil }
            texts.append(Products.unit(one.embedding.query))
            let first = texts.count
            texts += one.embedding.contrasts.map { Products.unit($0) }
            all.append(Rule(query, text: first - 1, contrasts: first..<texts.count, scoring, off: off))
        }
        (self.all, self.texts, self.width, self.frames, self.error) = (all, texts, width, frames, scanError)
    }
}
