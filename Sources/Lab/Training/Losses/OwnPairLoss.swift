import Foundation
package import Tensors

/// A contrastive loss between videos and their own texts, in which only false pairs are negatives.
///
/// Unlike CLIP's loss, it knows for every text of which videos it is true, so that a pair that happens to be true is
/// not pushed apart. For each own pair, the negatives are all false texts of the video and all videos that the text is
/// false of.
package enum OwnPairLoss {
    /// Returns the loss, and its gradient with respect to the scores `[N, V]` of N texts with V videos.
    ///
    /// Text i belongs to video i for i < V; the other texts are additional negatives. `truth`, `[N, V]`, has values
    /// from 0 (false) to 1 (true); only pairs with 0 are negatives.
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
