import Foundation

/// A learning rate that rises linearly during warm-up and then falls along half a cosine.
package struct CosineSchedule: Sendable, Equatable, Codable {
    package var peak: Double
    package var steps: Int
    package var warmUp = 0.04
    /// The lowest learning rate, as a share of `peak`.
    package var floor = 0.003

    package init(peak: Double, steps: Int) { (self.peak, self.steps) = (peak, steps) }

    package func rate(step: Int) -> Double {
        let share = Double(step) / Double(max(steps, 1))
        let factor =
            share < warmUp
            ? share / warmUp : 0.5 * (1 + cos(.pi * min(1, (share - warmUp) / (1 - warmUp))))
        return peak * max(factor, floor)
    }
}
