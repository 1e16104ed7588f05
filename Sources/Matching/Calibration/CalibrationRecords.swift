/// A learnt threshold as it stands until a recorded recalibration.
package struct CalibrationPin: Sendable, Codable, Equatable {
    package enum Basis: String, Sendable, Codable {
        /// The tail of the null distribution.
        case tail
        /// Too few clusters came for a tail: an exponential one beyond the highest score that was seen, as wide as all
        /// scores are.
        case record
    }

    package let threshold: Float
    /// 1 for the first, one more for each recalibration.
    package let version: Int
    /// Time of the window at which it was pinned, as given to `observe`.
    package let at: Double
    package let basis: Basis
    /// Mean and standard deviation of the null's windows then.
    package let mean: Double
    package let deviation: Double
    /// Scores that the null peaks above 1000 to 0.001 times a day, in four steps a decade; empty without a tail.
    let curve: [Double]

    /// Times a day that the null peaks at `score` or above; 1000 at most.
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
    /// Time of the window at which it happened, as given to `observe`.
    package let at: Double
    package let why: String
    /// Nil for the first.
    package let old: Float?
    package let new: Float

    package init(version: Int, at: Double, why: String, old: Float?, new: Float) {
        (self.version, self.at, self.why, self.old, self.new) = (version, at, why, old, new)
    }
}

/// How far a score is from what comes by chance.
package struct CalibrationMargin: Sendable, Equatable {
    /// Above the null's mean, in its standard deviations.
    package let deviations: Double
    /// Share of the null's windows that score less.
    package let rank: Double
    /// Days in which such a score comes once by chance, 0.001 to 1000; nil if no tail is known.
    package let days: Double?
}
