import Foundation
import Tensors

/// AdamW: Adam with bias correction and decoupled weight decay (Loshchilov and Hutter 2019).
///
/// It is used for models that are trained from nothing.
package struct AdamW: Sendable {
    /// The optimiser's settings for one tensor of parameters.
    package struct Group: Sendable {
        /// The factor that multiplies the learning rate; 0 freezes the tensor.
        package var factor = 1.0
        package var decay = 0.0
        /// True if the tensor's gradient is clipped, together with all others of which this is true.
        package var isClipped = true

        package init(factor: Double = 1, decay: Double = 0, isClipped: Bool = true) {
            (self.factor, self.decay, self.isClipped) = (factor, decay, isClipped)
        }
    }

    private let groups: [(range: Range<Int>, group: Group)]
    package private(set) var step = 0
    /// Running means of the gradients (`first`) and of their squares (`second`), one value for each parameter.
    package private(set) var first: [Float]
    package private(set) var second: [Float]

    package init(_ layout: ParameterLayout, group: (ParameterLayout.Entry) -> Group) {
        groups = layout.entries.map { ($0.range, group($0)) }
        first = [Float](repeating: 0, count: layout.count)
        second = first
    }

    /// Restores the optimiser's state from an earlier run.
    package mutating func restore(step: Int, first: [Float], second: [Float]) {
        precondition(first.count == self.first.count && second.count == self.second.count)
        (self.step, self.first, self.second) = (step, first, second)
    }

    /// Updates the parameters `p` by one step of AdamW; returns the gradient's norm before it was clipped to 1.
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
