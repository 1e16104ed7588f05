import Foundation
package import Tensors

/// A sigmoid loss over all (text, video) pairs that are known to be true or false.
///
/// It trains the logits so that one threshold separates true from false pairs. Both kinds have the same total weight;
/// false pairs with higher logits weigh more.
package enum DecidedPairLoss {
    /// Returns each pair's weight, which sums to 1 over the true pairs and to 1 over the false pairs.
    ///
    /// `truth` has 1 for true and 0 for false pairs; pairs with any other value get weight 0.
    package static func weights<Real: ProductScalar>(_ logits: [Real], truth: [Float]) -> [Real] {
        var weights = [Real](repeating: 0, count: logits.count)
        var (trueSum, falseSum): (Real, Real) = (0, 0)
        for index in logits.indices {
            if truth[index] == 1 {
                weights[index] = 1
                trueSum += 1
            } else if truth[index] == 0 {
                weights[index] = 0.05 + sigmoid(logits[index])
                falseSum += weights[index]
            }
        }
        for index in logits.indices { weights[index] /= max(truth[index] == 1 ? trueSum : falseSum, 1e-6) }
        return weights
    }

    /// Returns the loss, and its gradient with respect to the logits; `weights` count as constants.
    package static func evaluate<Real: ProductScalar>(
        _ logits: [Real], truth: [Float], weights: [Real]
    ) -> (loss: Double, gradient: [Real]) {
        BinaryCrossEntropy.evaluate(logits, targets: truth.map { $0 == 1 ? 1 : 0 }, weights: weights)
    }
}

/// The weighted cross entropy between logits and binary targets.
enum BinaryCrossEntropy {
    static func evaluate<Real: ProductScalar>(
        _ logits: [Real], targets: [Real], weights: [Real]
    ) -> (loss: Double, gradient: [Real]) {
        precondition(logits.count == targets.count && logits.count == weights.count)
        var gradient = [Real](repeating: 0, count: logits.count)
        var loss = 0.0
        for index in logits.indices where weights[index] != 0 {
            let (x, target, weight) = (logits[index], targets[index], weights[index])
            // log(1 + e^x) - x · target, without overflow.
            let soft = max(x, 0) + Real(log1p(Double(Real.exponential(-abs(x)))))
            loss += Double(weight * (soft - x * target))
            gradient[index] = weight * (sigmoid(x) - target)
        }
        return (loss, gradient)
    }
}

/// The softmax cross entropy between logits and the index of the right class.
enum CrossEntropy {
    /// Returns the mean loss over the rows of `logits`, `[N, K]`, and its gradient.
    ///
    /// `classes` has each row's right class; rows with nil are left out.
    static func evaluate<Real: ProductScalar>(
        _ logits: [Real], classes: [Int?], of K: Int
    ) -> (loss: Double, gradient: [Real]) {
        precondition(logits.count == classes.count * K)
        var gradient = [Real](repeating: 0, count: logits.count)
        let count = classes.count { $0 != nil }
        var loss = 0.0
        for (row, right) in classes.enumerated() {
            guard let right else { continue }
            let places = row * K..<(row + 1) * K
            var largest = -Real.infinity
            for place in places { largest = max(largest, logits[place]) }
            var sum: Real = 0
            for place in places { sum += .exponential(logits[place] - largest) }
            loss += log(Double(sum)) + Double(largest - logits[row * K + right])
            for place in places { gradient[place] = .exponential(logits[place] - largest) / sum / Real(count) }
            gradient[row * K + right] -= 1 / Real(count)
        }
        return (loss / Double(max(count, 1)), gradient)
    }
}

/// The smooth L1 loss: quadratic for small differences from the target, linear for large ones.
enum SmoothLoss {
    /// Returns the mean loss over all values, and its gradient; it is quadratic for differences below `beta`.
    static func evaluate<Real: ProductScalar>(
        _ values: [Real], targets: [Real], beta: Real
    ) -> (loss: Double, gradient: [Real]) {
        var gradient = [Real](repeating: 0, count: values.count)
        var loss = 0.0
        let share = 1 / Real(max(values.count, 1))
        for index in values.indices {
            let off = values[index] - targets[index]
            let isNear = abs(off) < beta
            loss += Double(isNear ? off * off / (2 * beta) : abs(off) - beta / 2)
            gradient[index] = share * (isNear ? off / beta : off < 0 ? -1 : 1)
        }
        return (loss * Double(share), gradient)
    }
}
