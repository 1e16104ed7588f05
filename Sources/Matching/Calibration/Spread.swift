import Foundation

/// Mean, deviation, highest and quantiles of the scores of all windows of the null.
struct Spread: Sendable, Codable, Equatable {
    /// Below this, scores are as good as constant: a deviation to divide by.
    static let least = 1e-4

    private(set) var histogram = ScoreHistogram()
    private(set) var mean = 0.0
    private var squares = 0.0
    private var count = 0.0
    private(set) var highest = 0.0

    mutating func add(_ score: Double) {
        highest = count == 0 ? score : max(highest, score)
        histogram.add(score)
        count += 1
        let off = score - mean
        mean += off / count
        squares += off * (score - mean)
    }

    /// Everything counts half as much from now on.
    mutating func halve() {
        histogram.halve()
        count /= 2
        squares /= 2
    }

    var deviation: Double { count > 1 ? (squares / count).squareRoot() : 0 }
}

/// What the standard library leaves to the C library.
enum Math {
    static func log(_ x: Double) -> Double { Foundation.log(x) }
    static func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }

    /// Chance of `count` or more by a Poisson distribution.
    static func chance(atLeast count: Int, expected: Double) -> Double {
        guard expected > 0 else { return count > 0 ? 0 : 1 }
        var (term, sum) = (exp(-expected), 0.0)
        for number in 0..<max(count, 0) {
            sum += term
            term *= expected / Double(number + 1)
        }
        // 1 - sum loses all digits where it matters: go on with the terms themselves.
        guard sum > 0.99 else { return 1 - sum }
        var rest = 0.0
        for number in count..<count + 200 {
            rest += term
            term *= expected / Double(number + 1)
        }
        return rest
    }
}
