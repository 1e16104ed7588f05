import CLIP
import Engine
import Foundation
import History
import Matching
import Tensors

/// The rules of queries for which a fast scan of a recording can compute approximate scores, with a known error.
///
/// They have a fixed threshold and use the head `mean`, which averages frame embeddings.
struct ScannedRules {
    final class Rule {
        /// The index of the query's text in `texts`; `contrasts` are the indices of the texts that compete with it.
        let text: Int
        let contrasts: Range<Int>
        let query: StandingQuery
        let scoring: Scoring
        /// The lowest approximate value that needs an exact computation: it may reach the threshold or be too close.
        private(set) var floor: Float = 0
        private let isContrast: Bool

        fileprivate init(_ query: StandingQuery, text: Int, contrasts: Range<Int>, _ scoring: Scoring, off: Float) {
            (self.query, self.text, self.contrasts, self.scoring) = (query, text, contrasts, scoring)
            isContrast = if case .contrast = query.rule { true } else { false }
            floor = lowered(query.rule.fixedThreshold ?? .infinity, by: off)
        }

        /// Returns the value that the rule compares with its threshold.
        ///
        /// It is the score, or, if the rule has contrasts (texts that compete with it), the probability of its own
        /// text.
        func value(_ score: Float, _ contrasts: [Float]) -> Float {
            guard isContrast else { return score }
            return ThresholdRule.probability(score, against: contrasts, scale: scoring.scale, bias: scoring.bias)
        }

        /// Returns the least possible exact value of an approximate `value`.
        ///
        /// Each cosine has an error of at most `error`. If a score is too high and its contrasts too low by `error`,
        /// the odds change by a factor of at most e^(2 scale error). With a bias the change is smaller, since the
        /// logarithm of a sigmoid has a slope of at most 1.
        func lowered(_ value: Float, by error: Float) -> Float {
            guard isContrast else { return value - error }
            guard value > 0, value < 1 else { return value }
            let odds = value / (1 - value) * exp(-2 * scoring.scale * error)
            return odds.isFinite ? odds / (1 + odds) : 1
        }
    }

    let all: [Rule]
    /// The text embeddings of all queries and their contrasts (texts that compete with them), each of length 1.
    let texts: [[Float]]
    let width: Int
    /// The number of frames in a window.
    let frames: Int
    /// The greatest rounding error of a cosine in the fast scan of a recording.
    let error: Float

    /// Makes the rules; nil if the queries need exact scores of every recorded window.
    ///
    /// `error` is the greatest difference between a cosine computed from a recording and the one that decided live.
    init?(_ queries: [EmbeddedQuery], width: Int, scoring: Scoring, error: Float) {
        guard let frames = queries.first?.query.frames else { return nil }
        var (all, texts) = ([Rule](), [[Float]]())
        let scanError = WindowScan.error(width: width)
        // 1e-5 covers the rounding of float32 in both computations.
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
