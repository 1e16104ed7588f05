import CLIP
import Engine
import Foundation
import History
import Matching
import Tensors

/// Rules whose values a scan of the history can tell, near enough to say where nothing matches.
///
/// They are those of the mean head with a fixed threshold: frames alone make its scores.
struct ScannedRules {
    final class Rule {
        /// Its text, and those of its contrasts, among `texts`.
        let text: Int
        let contrasts: Range<Int>
        let query: StandingQuery
        let scoring: Scoring
        /// The lowest value by a scan that may be at the threshold, or near enough to count as undecided.
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

        /// The least value that may be `value` in truth, where each cosine is off by `error` at most.
        ///
        /// Raising a score and lowering its contrasts by as much multiplies the odds by e^(2 scale error) at most: with
        /// a bias less, since a sigmoid's logarithm has a slope of 1 at most.
        func lowered(_ value: Float, by error: Float) -> Float {
            guard isContrast else { return value - error }
            guard value > 0, value < 1 else { return value }
            let odds = value / (1 - value) * exp(-2 * scoring.scale * error)
            return odds.isFinite ? odds / (1 + odds) : 1
        }
    }

    let all: [Rule]
    /// Unit vectors `[width]`.
    let texts: [[Float]]
    let width: Int
    /// Frames of a window.
    let frames: Int
    /// How far a cosine of the scan may be off.
    let error: Float

    /// Nil where a replay has to see every window.
    ///
    /// `error`: how far cosines of the history may be off from those that decided live.
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
