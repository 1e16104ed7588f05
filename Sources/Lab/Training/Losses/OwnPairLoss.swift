import Foundation
package import Tensors

/// The cross entropy of each video's own text against texts that are false of it.
///
/// Each such text is also compared with the videos that it is false of. The truth of every text is known for every
/// video, so pairs that happen to be true are no negatives.
package enum OwnPairLoss {
    /// Returns the loss, and its gradient by the scores `[N, V]`: text i is video i's own for i < V, others are extra.
    ///
    /// `truth` is `[N, V]`, from 0 (false) to 1 (true).
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
