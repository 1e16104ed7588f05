import Tensors

// N = questions, D = width of the input vectors, Q = width of a question, H = width of the output

/// A layer that extracts from a vector the features that matter for a question, given as another vector.
///
/// Linear features of the vector are multiplied by weights computed from the question, then QuickGELU follows.
struct QuestionFeatures: Sendable {
    let width: Int
    private let norm: LayerNorm
    private let features: Linear
    private let weighing: Linear

    init(_ layout: inout ParameterLayout, _ name: String, inputs D: Int, question Q: Int, outputs H: Int) {
        width = H
        norm = LayerNorm(&layout, name + ".ln_ask", width: D, epsilon: 1e-5)
        features = Linear(
            &layout, weight: name + ".features.weight", bias: name + ".features.bias", inputs: D, outputs: H)
        weighing = Linear(
            &layout, weight: name + ".weighing.weight", bias: name + ".weighing.bias", inputs: Q, outputs: H)
    }

    struct Saved<Real: ProductScalar> {
        fileprivate let norm: LayerNorm.Saved<Real>
        fileprivate let normalised: [Real]
        fileprivate let questions: [Real]
        fileprivate let features: [Real]
        fileprivate let weights: [Real]
        fileprivate let product: [Real]
    }

    /// Computes features `[N, H]` from vectors `[N, D]` and one question for each, `[N, Q]`.
    func forward<Real: ProductScalar>(
        _ x: [Real], _ questions: [Real], rows N: Int, _ p: [Real]
    ) -> (y: [Real], saved: Saved<Real>) {
        let (normalised, norm) = norm.forward(x, rows: N, p)
        let features = features.forward(normalised, rows: N, p)
        let weights = weighing.forward(questions, rows: N, p).map { 1 + $0 }
        let product = zip(features, weights).map { $0 * $1 }
        let saved = Saved(
            norm: norm, normalised: normalised, questions: questions, features: features, weights: weights,
            product: product)
        return (QuickGELU.forward(product), saved)
    }

    /// Adds the parameters' gradients to `g`; returns the gradient of the input vectors, given that of the output.
    func backward<Real: ProductScalar>(
        _ dy: [Real], _ saved: Saved<Real>, rows N: Int, _ p: [Real], _ g: inout [Real]
    ) -> [Real] {
        let dProduct = QuickGELU.backward(dy, saved.product)
        let dWeights = zip(dProduct, saved.features).map { $0 * $1 }
        _ = weighing.backward(dWeights, saved.questions, rows: N, p, &g)
        let dFeatures = zip(dProduct, saved.weights).map { $0 * $1 }
        let dNormalised = features.backward(dFeatures, saved.normalised, rows: N, p, &g)
        return norm.backward(dNormalised, saved.norm, rows: N, p, &g)
    }
}
