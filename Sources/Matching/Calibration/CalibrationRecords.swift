/// A learnt threshold in use; it stays the same until a recorded recalibration.
package struct CalibrationPin: Sendable, Codable, Equatable {
    package enum Basis: String, Sendable, Codable {
        /// The threshold comes from a fit to the highest scores that occurred by chance (the tail of their
        /// distribution).
        case tail
        /// The threshold is derived from the highest score so far, because there were too few peaks for a fit.
        ///
        /// Beyond that score, an exponential tail as wide as the spread of all scores is assumed.
        case record
    }

    package let threshold: Float
    /// The version of the threshold: 1 at first, and one more after each recalibration.
    package let version: Int
    /// The time of the window at which the threshold was learnt, as passed to `Calibration.observe`.
    package let at: Double
    package let basis: Basis
    /// The mean score of windows without events when the threshold was set; `deviation` is their standard deviation.
    package let mean: Double
    package let deviation: Double
    /// The scores that windows reach by chance 1000 to 0.001 times a day, in four steps a decade; empty without a fit.
    let curve: [Double]

    /// Returns how many times a day windows reach `score` by chance, at most 1000; nil without a fit.
    func perDay(above score: Double) -> Double? {
        guard let first = curve.first, let last = curve.last else { return nil }
        guard score > first else { return Self.rate(0) }
        guard score < last else { return Self.rate(Double(curve.count - 1)) }
        let next = curve.firstIndex { $0 > score } ?? curve.count - 1
        let (low, high) = (curve[next - 1], curve[next])
        return Self.rate(Double(next - 1) + (high > low ? (score - low) / (high - low) : 0))
    }

    static let curveSteps = 25
    static func rate(_ step: Double) -> Double { Math.power(10, 3 - step / 4) }
}

/// A change of a learnt threshold, with its reason.
package struct Recalibration: Sendable, Codable, Equatable {
    package let version: Int
    /// The time of the window at which the change happened, as passed to `Calibration.observe`.
    package let at: Double
    package let why: String
    /// The threshold before the change; nil for the first one.
    package let old: Float?
    package let new: Float

    package init(version: Int, at: Double, why: String, old: Float?, new: Float) {
        (self.version, self.at, self.why, self.old, self.new) = (version, at, why, old, new)
    }
}

/// The position of one score among the scores that occur by chance.
package struct CalibrationMargin: Sendable, Equatable {
    /// The score's distance from the mean score of windows without events, in standard deviations.
    package let deviations: Double
    /// The share of windows without events whose scores are lower than this score.
    package let rank: Double
    /// The mean number of days between two chance scores at least as high as the score, 0.001 to 1000; nil without a
    /// fit.
    package let days: Double?
}
