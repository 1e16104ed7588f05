import Foundation

/// The upper tail of a null distribution: how often clusters of windows peak above a score by chance.
///
/// Peaks over a threshold follow a generalised Pareto distribution (Pickands; SPOT, Siffer et al. 2017). SPOT plugs in
/// the likeliest one (Grimshaw's trick), which makes too many alerts when an hour must tell what comes once a day: the
/// rate is convex in what is estimated. Here the whole posterior over a grid of shapes and scales is kept, and a rate
/// is its mean, so that the expected number of false alerts is the budget's. A grid cannot fail to converge.
struct TailFit: Sendable {
    /// The score above which this holds.
    let base: Double
    /// Clusters a day that peak above `base`, shape, scale and posterior weight of each point that has any.
    private let points: [Point]

    private struct Point: Sendable {
        let rate: Double
        let shape: Double
        let scale: Double
        let weight: Double

        /// Chance that a peak above the base is `excess` above it or more.
        func survival(_ excess: Double) -> Double { TailFit.survival(excess, shape: shape, scale: scale) }
    }

    /// Fewest peaks that make a tail.
    static let fewest = 8
    /// What is believed of the shape before any peak is seen: scores are bounded, so a little below 0.
    private static let prior = (mean: -0.15, deviation: 0.1)
    private static let secondsPerDay = 86_400.0

    /// Fits the `k` highest of the peaks below `cut`.
    ///
    /// What lies above `cut` is left out, and known to be left out: the distribution is taken as truncated there. Nil
    /// if there are fewer than `fewest` different peaks.
    ///
    /// - Parameters:
    ///   - peaks: in descending order.
    ///   - seconds: how long it took for them to come.
    init?(peaks: [Float], seconds: Double, k: Int, below cut: Float? = nil) {
        let limit = cut ?? .infinity
        let kept = peaks.drop { $0 >= limit }
        guard kept.count > Self.fewest, seconds > 0 else { return nil }
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

    /// Expected clusters a day that peak at `score` or above; at or below the base, those that peak above the base.
    func perDay(above score: Double) -> Double {
        let excess = max(0, score - base)
        return points.reduce(0) { $0 + $1.weight * $1.rate * $1.survival(excess) }
    }

    /// The score that clusters peak above so many times a day; the base, if even that is more seldom passed.
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

    /// Mean scale of the excesses.
    var spread: Double { points.reduce(0) { $0 + $1.weight * $1.scale } }
    /// Mean shape.
    var shape: Double { points.reduce(0) { $0 + $1.weight * $1.shape } }

    private static func logLikelihood(_ excesses: [Double], shape: Double, scale: Double) -> Double? {
        if abs(shape) < 1e-9 { return -Double(excesses.count) * log(scale) - excesses.reduce(0, +) / scale }
        // A product of some factors has one logarithm to take, not some.
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
