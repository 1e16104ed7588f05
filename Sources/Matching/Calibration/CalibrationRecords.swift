/// A learnt threshold that stays the same until a recorded recalibration.
package struct CalibrationPin: Sendable, Codable, Equatable {
    package enum Basis: String, Sendable, Codable {
        /// The threshold comes from the tail of the null distribution.
        case tail
        /// The threshold comes from the highest score so far, because too few clusters came for a tail.
        ///
        /// An exponential tail beyond that score is assumed, as wide as the spread of all scores.
        case record
    }

    package let threshold: Float
    /// The version: 1 at first, one more for each recalibration.
    package let version: Int
    /// The time of the window at which the threshold was pinned, as given to `observe`.
    package let at: Double
    package let basis: Basis
    /// The mean of the null's windows at that time; `deviation` is their standard deviation.
    package let mean: Double
    package let deviation: Double
    /// Scores that chance reaches 1000 to 0.001 times a day, in four steps a decade; empty without a tail.
    let curve: [Double]

    /// How many times a day chance reaches `score`; 1000 at most, nil without a tail.
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

/// A change of a learnt threshold.
package struct Recalibration: Sendable, Codable, Equatable {
    package let version: Int
    /// The time of the window at which the change happened, as given to `observe`.
    package let at: Double
    package let why: String
    /// The threshold before the change; nil for the first one.
    package let old: Float?
    package let new: Float

    package init(version: Int, at: Double, why: String, old: Float?, new: Float) {
        (self.version, self.at, self.why, self.old, self.new) = (version, at, why, old, new)
    }
}

/// The distance of a score from scores by chance.
package struct CalibrationMargin: Sendable, Equatable {
    /// The distance from the mean of the null's windows, in their standard deviations.
    package let deviations: Double
    /// The share of the null's windows that score less.
    package let rank: Double
    /// The days between two such scores by chance, 0.001 to 1000; nil without a tail.
    package let days: Double?
}
