import Foundation

/// The mean, standard deviation, maximum and histogram of the scores of windows without events.
struct Spread: Sendable, Codable, Equatable {
    /// The least standard deviation that is used, so that nearly constant scores can be divided by it.
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

    /// Halves the weight of all scores so far.
    mutating func halve() {
        histogram.halve()
        count /= 2
        squares /= 2
    }

    var deviation: Double { count > 1 ? (squares / count).squareRoot() : 0 }
}

/// Mathematical functions that the standard library leaves to the C library.
enum Math {
    static func log(_ x: Double) -> Double { Foundation.log(x) }
    static func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }

    /// Returns the probability of `count` or more events under a Poisson distribution with the mean `expected`.
    static func chance(atLeast count: Int, expected: Double) -> Double {
        guard expected > 0 else { return count > 0 ? 0 : 1 }
        var (term, sum) = (exp(-expected), 0.0)
        for number in 0..<max(count, 0) {
            sum += term
            term *= expected / Double(number + 1)
        }
        // 1 - sum would lose all its digits for small probabilities, so the remaining terms are added up instead.
        guard sum > 0.99 else { return 1 - sum }
        var rest = 0.0
        for number in count..<count + 200 {
            rest += term
            term *= expected / Double(number + 1)
        }
        return rest
    }
}
