import Foundation
package import Tensors

/// CLIP4Clip's optimiser: Adam without bias correction, with warm-up, decay, and two kinds of clipping.
///
/// Source: docs/MATHEMATICS.md, section 9.
package struct BertAdam<Real: ProductScalar>: Sendable {
    /// The learning rates and their schedule.
    package struct Rates: Sendable, Equatable, Codable {
        package var base = 1e-4
        /// The towers' factor of the base rate.
        package var towerFactor = 1e-3
        package var decay = 0.2
        /// The share of all steps in which the rate rises.
        package var warmUp = 0.1
        /// The number of steps of the whole training; a fraction if accumulation leaves one.
        package var total = 1.0

        package init() {}

        /// The factor of the rates at a step.
        package func factor(step: Int) -> Double {
            let x = Double(step) / total
            return x < warmUp ? x / warmUp : 0.5 * (1 + cos(.pi * x))
        }
    }

    package let rates: Rates
    private let layout: ParameterLayout
    private let freezing: Freezing
    package private(set) var step = 0
    /// The running mean of the gradients; `second` is that of their squares.
    private var first: [Real]
    private var second: [Real]

    package init(_ layout: ParameterLayout, rates: Rates, freezing: Freezing) {
        (self.layout, self.rates, self.freezing) = (layout, rates, freezing)
        first = [Real](repeating: 0, count: layout.count)
        second = first
    }

    /// The state to save, so that the training can be resumed.
    package var state: (step: Int, first: [Real], second: [Real]) { (step, first, second) }

    /// Restores a saved state.
    package mutating func restore(step: Int, first: [Real], second: [Real]) {
        precondition(first.count == layout.count && second.count == layout.count)
        (self.step, self.first, self.second) = (step, first, second)
    }

    /// Changes the parameters by one step; returns the norm of the gradient before clipping.
    ///
    /// Changes nothing if the norm is not finite.
    package mutating func update(_ p: inout [Real], _ gradient: [Real]) -> Double {
        let trained = layout.entries.filter { freezing.isTrained($0.name) }
        let norm = trained.reduce(0) { $0 + Real.squares(gradient, $1.range) }.squareRoot()
        guard norm.isFinite else { return norm }
        let shrink = min(1, 1 / (norm + 1e-6))
        let factor = rates.factor(step: step)
        for entry in trained {
            let own = Real.squares(gradient, entry.range).squareRoot() * shrink
            let rate = rates.base * (entry.name.contains("clip.") ? rates.towerFactor : 1) * factor
            var adam = AdamStep(rate: rate, epsilon: 1e-6)
            adam.scale = shrink * min(1, 1 / (own + 1e-6))
            adam.decay = entry.name.contains("bias") ? 0 : rates.decay
            Real.adam(&p, gradient, &first, &second, entry.range, adam)
        }
        if let scale = layout.entry("clip.logit_scale") {
            p[scale.range.lowerBound] = min(p[scale.range.lowerBound], Real(log(100.0)))
        }
        step += 1
        return norm
    }
}
