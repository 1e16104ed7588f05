import Foundation
package import Tensors

/// CLIP4Clip's optimiser: Adam without bias correction, with warm-up and weight decay.
///
/// The gradient's norm is clipped to 1 as a whole, then again for each tensor. Source: docs/MATHEMATICS.md, section 9.
package struct BertAdam<Real: ProductScalar>: Sendable {
    /// The learning rates and their schedule.
    package struct Rates: Sendable, Equatable, Codable {
        package var base = 1e-4
        /// The factor that multiplies the base rate for parameters of CLIP's towers.
        package var towerFactor = 1e-3
        package var decay = 0.2
        /// The share of all steps during which the learning rate rises.
        package var warmUp = 0.1
        /// The number of steps of the whole training; a fraction if the last step has fewer pairs than the others.
        package var total = 1.0

        package init() {}

        /// Returns the factor of the learning rates at a step: a linear rise, then half a cosine.
        package func factor(step: Int) -> Double {
            let x = Double(step) / total
            return x < warmUp ? x / warmUp : 0.5 * (1 + cos(.pi * x))
        }
    }

    package let rates: Rates
    private let layout: ParameterLayout
    private let freezing: Freezing
    package private(set) var step = 0
    /// Running means of the gradients (`first`) and of their squares (`second`), one value for each parameter.
    private var first: [Real]
    private var second: [Real]

    package init(_ layout: ParameterLayout, rates: Rates, freezing: Freezing) {
        (self.layout, self.rates, self.freezing) = (layout, rates, freezing)
        first = [Real](repeating: 0, count: layout.count)
        second = first
    }

    /// The optimiser's state, to be saved so that a training can resume.
    package var state: (step: Int, first: [Real], second: [Real]) { (step, first, second) }

    /// Restores the optimiser's state from an earlier run.
    package mutating func restore(step: Int, first: [Real], second: [Real]) {
        precondition(first.count == layout.count && second.count == layout.count)
        (self.step, self.first, self.second) = (step, first, second)
    }

    /// Updates the parameters `p` by one step of Adam; returns the gradient's norm before clipping.
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
