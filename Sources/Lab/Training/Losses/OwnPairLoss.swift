import Foundation
package import Tensors

/// Cross entropy of each video's own text against those that are false of it, and of each such text against the videos
/// that it is false of.
///
/// Where the truth of every text is known for every video, others that happen to be true are not pushed away.
package enum OwnPairLoss {
    /// The loss, and its gradient by the scores `[N, V]`: text i is video i's own for i < V, the others are extra.
    ///
    /// `truth`: `[N, V]` of 0 (false), 1 (true) and what is between.
    package static func evaluate<Real: ProductScalar>(
        _ scores: [Real], truth: [Float], videos V: Int
    ) -> (loss: Double, gradient: [Real]) {
        precondition(V > 0 && scores.count == truth.count && scores.count % V == 0 && scores.count >= V * V)
        var gradient = [Real](repeating: 0, count: scores.count)
        var loss = 0.0
        let share = 1 / Real(2 * V)
        func add(own: Int, _ places: StrideTo<Int>) {
            var largest = scores[own]
            for place in places where truth[place] == 0 { largest = max(largest, scores[place]) }
            var sum = Real.exponential(scores[own] - largest)
            for place in places where truth[place] == 0 { sum += .exponential(scores[place] - largest) }
            loss += log(Double(sum)) + Double(largest - scores[own])
            gradient[own] += share * (.exponential(scores[own] - largest) / sum - 1)
            for place in places where truth[place] == 0 {
                gradient[place] += share * .exponential(scores[place] - largest) / sum
            }
        }
        for video in 0..<V {
            add(own: video * V + video, stride(from: video, to: scores.count, by: V))
            add(own: video * V + video, stride(from: video * V, to: (video + 1) * V, by: 1))
        }
        return (loss / Double(2 * V), gradient)
    }
}
