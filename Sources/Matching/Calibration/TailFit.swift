import Foundation

/// A fit to the highest scores that occur by chance: tells how often a score is exceeded, or which score is exceeded
/// how often.
///
/// Peaks over a threshold follow a generalised Pareto distribution (Pickands; SPOT, Siffer et al. 2017). SPOT uses the
/// most likely one (Grimshaw's trick). That gives too many alerts if an hour's scores must predict what occurs once a
/// day, since the rate is convex in the estimated parameters. This type keeps the posterior distribution over a grid of
/// shapes and scales. A rate is the mean over that distribution, so that the expected number of false alerts equals the
/// allowed one. A grid cannot fail to converge.
struct TailFit: Sendable {
    /// The score above which the fit is valid.
    let base: Double
    /// The grid points with weight: score peaks per day above `base`, shape, scale and posterior weight.
    private let points: [Point]

    private struct Point: Sendable {
        let rate: Double
        let shape: Double
        let scale: Double
        let weight: Double

        /// Returns the probability that a score peak above the fit's base exceeds it by `excess` or more.
        func survival(_ excess: Double) -> Double { TailFit.survival(excess, shape: shape, scale: scale) }
    }

    /// The number of score peaks above its base that a fit needs.
    private static let fewestAboveBase = 8
    /// The prior distribution of the shape: scores are bounded, so its mean is slightly below 0.
    private static let prior = (mean: -0.15, deviation: 0.1)
    private static let secondsPerDay = 86_400.0

    /// Fits a generalised Pareto distribution to the `k` highest of the score peaks that are below `cut`.
    ///
    /// Peaks at or above `cut` are left out, and the distribution is treated as truncated there; nil leaves out none.
    /// Returns nil with too few peaks, or equal ones.
    ///
    /// - Parameters:
    ///   - peaks: the peaks of scores, in descending order.
    ///   - seconds: the time in which they were seen.
    init?(peaks: [Float], seconds: Double, k: Int, below cut: Float? = nil) {
        let limit = cut ?? .infinity
        let kept = peaks.drop { $0 >= limit }
        // The peak below the highest ones is the base.
        guard kept.count - 1 >= Self.fewestAboveBase, seconds > 0 else { return nil }
        let count = min(k, kept.count - 1)
        let base = Double(kept[kept.startIndex + count])
        let excesses = kept.prefix(count).map { Double($0) - base }
        let mean = excesses.reduce(0, +) / Double(count)
        guard mean > 0, mean.isFinite else { return nil }
        let room = cut.map { Double($0) - base }
        let daily = Double(count) / seconds * Self.secondsPerDay
        var found: [(logarithm: Double, point: Point)] = []
        for s in -25...25 {
            let shape = Double(s) * 0.02
            let belief = (shape - Self.prior.mean) / Self.prior.deviation
            for step in -14...18 {
                let scale = mean * exp(Double(step) * 0.1)
                guard var sum = Self.logLikelihood(excesses, shape: shape, scale: scale) else { continue }
                var inside = 1.0
                if let room {
                    inside -= Self.survival(room, shape: shape, scale: scale)
                    guard inside > 1e-3 else { continue }
                    sum -= Double(count) * log(inside)
                }
                sum -= belief * belief / 2
                found.append((sum, Point(rate: daily / inside, shape: shape, scale: scale, weight: 1)))
            }
        }
        guard let best = found.map(\.logarithm).max(), best.isFinite else { return nil }
        let weighed = found.map { ($0.point, exp($0.logarithm - best)) }.filter { $0.1 > 1e-4 }
        let total = weighed.reduce(0) { $0 + $1.1 }
        self.base = base
        points = weighed.map { Point(rate: $0.rate, shape: $0.shape, scale: $0.scale, weight: $1 / total) }
    }

    /// Returns the expected number of score peaks per day at or above `score`, or above `base` if that is higher.
    func perDay(above score: Double) -> Double {
        let excess = max(0, score - base)
        return points.reduce(0) { $0 + $1.weight * $1.rate * $1.survival(excess) }
    }

    /// Returns the score that is exceeded `wanted` times a day by chance; `base` if even that is exceeded less often.
    func score(perDay wanted: Double) -> Double {
        guard perDay(above: base) > wanted else { return base }
        var (low, high) = (base, base + spread)
        for _ in 0..<60 where perDay(above: high) > wanted {
            low = high
            high = base + (high - base) * 2
        }
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if perDay(above: middle) > wanted { low = middle } else { high = middle }
        }
        return high
    }

    /// The mean of the scale parameter over the posterior distribution.
    var spread: Double { points.reduce(0) { $0 + $1.weight * $1.scale } }
    /// The mean of the shape parameter over the posterior distribution.
    var shape: Double { points.reduce(0) { $0 + $1.weight * $1.shape } }

    private static func logLikelihood(_ excesses: [Double], shape: Double, scale: Double) -> Double? {
        if abs(shape) < 1e-9 { return -Double(excesses.count) * log(scale) - excesses.reduce(0, +) / scale }
        // Sixteen factors are multiplied before a logarithm is taken, which saves fifteen.
        var (sum, product) = (0.0, 1.0)
        for (index, excess) in excesses.enumerated() {
            let factor = 1 + shape * excess / scale
            guard factor > 0 else { return nil }
            product *= factor
            if index % 16 == 15 {
                sum += log(product)
                product = 1
            }
        }
        sum += log(product)
        return -Double(excesses.count) * log(scale) - (1 + 1 / shape) * sum
    }

    private static func survival(_ excess: Double, shape: Double, scale: Double) -> Double {
        guard excess > 0 else { return 1 }
        if abs(shape) < 1e-9 { return exp(-excess / scale) }
        let factor = 1 + shape * excess / scale
        return factor > 0 ? pow(factor, -1 / shape) : 0
    }
}
