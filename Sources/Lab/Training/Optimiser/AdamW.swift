import Foundation
import Tensors

/// Adam with bias correction and decoupled decay (Loshchilov and Hutter 2019), for models trained from nothing.
package struct AdamW: Sendable {
    /// The settings of a group of parameters.
    package struct Group: Sendable {
        /// The group's factor of the learning rate; 0 freezes it.
        package var factor = 1.0
        package var decay = 0.0
        /// Whether the gradient is part of the clipped norm, and is clipped with it.
        package var isClipped = true

        package init(factor: Double = 1, decay: Double = 0, isClipped: Bool = true) {
            (self.factor, self.decay, self.isClipped) = (factor, decay, isClipped)
        }
    }

    private let groups: [(range: Range<Int>, group: Group)]
    package private(set) var step = 0
    /// The running mean of the gradients; `second` is that of their squares.
    package private(set) var first: [Float]
    package private(set) var second: [Float]

    package init(_ layout: ParameterLayout, group: (ParameterLayout.Entry) -> Group) {
        groups = layout.entries.map { ($0.range, group($0)) }
        first = [Float](repeating: 0, count: layout.count)
        second = first
    }

    /// Restores a saved state.
    package mutating func restore(step: Int, first: [Float], second: [Float]) {
        precondition(first.count == self.first.count && second.count == self.second.count)
        (self.step, self.first, self.second) = (step, first, second)
    }

    /// Changes the parameters by one step; returns the norm of the gradient before it was clipped to 1.
    ///
    /// Changes nothing if the norm is not finite.
    package mutating func update(_ p: inout [Float], _ gradient: [Float], rate: Double) -> Double {
        let norm = groups.filter { $0.group.isClipped && $0.group.factor > 0 }
            .reduce(0) { $0 + Float.squares(gradient, $1.range) }.squareRoot()
        guard norm.isFinite else { return norm }
        step += 1
        let (beta1, beta2) = (0.9, 0.98)
        let (correct1, correct2) = (1 - pow(beta1, Double(step)), 1 - pow(beta2, Double(step)))
        for (range, group) in groups where group.factor > 0 {
            let own = rate * group.factor
            var adam = AdamStep(rate: own / correct1, epsilon: 1e-8)
            if group.isClipped { adam.scale = min(1, 1 / (norm + 1e-6)) }
            (adam.shrink, adam.root) = (1 - own * group.decay, 1 / correct2.squareRoot())
            Float.adam(&p, gradient, &first, &second, range, adam)
        }
        return norm
    }
}
