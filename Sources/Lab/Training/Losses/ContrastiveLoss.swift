import Foundation
package import Tensors

/// CLIP's symmetric cross entropy over a square matrix of scores, with the matching pairs on the diagonal.
package enum ContrastiveLoss {
    /// Returns the loss, and its gradient with respect to the scores `[N, N]`.
    package static func evaluate<Real: ProductScalar>(_ scores: [Real], count N: Int) -> (
        loss: Double, gradient: [Real]
    ) {
        precondition(scores.count == N * N && N > 0)
        var gradient = [Real](repeating: 0, count: N * N)
        var loss = 0.0
        // Rows first, then columns.
        for (step, along) in [(N, 1), (1, N)] {
            for index in 0..<N {
                let start = index * step
                let places = (0..<N).map { start + $0 * along }
                let largest = places.reduce(-Real.infinity) { max($0, scores[$1]) }
                let weights = places.map { Real.exponential(scores[$0] - largest) }
                let sum = weights.reduce(0, +)
                let right = index * N + index
                loss += log(Double(sum)) - Double(scores[right] - largest)
                for (place, weight) in zip(places, weights) { gradient[place] += weight / sum / Real(2 * N) }
                gradient[right] -= 1 / Real(2 * N)
            }
        }
        return (loss / Double(2 * N), gradient)
    }
}
