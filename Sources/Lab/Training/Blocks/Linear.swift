import Tensors

// N = rows, I = inputs, O = outputs

/// A linear layer `y = x · weightᵀ + bias`, whose weight is stored as `[O, I]` like `nn.Linear`'s.
struct Linear: Sendable {
    let inputs: Int
    let outputs: Int
    private let weight: Int
    private let bias: Int?

    /// Reserves the layer's parameters in `layout`; a nil `bias` means a layer without bias.
    init(_ layout: inout ParameterLayout, weight: String, bias: String?, inputs: Int, outputs: Int) {
        (self.inputs, self.outputs) = (inputs, outputs)
        self.weight = layout.claim(weight, [outputs, inputs])
        self.bias = bias.map { layout.claim($0, [outputs]) }
    }

    /// Makes a layer without bias from a convolution's kernel of the given shape, used as a matrix `[O, I]`.
    init(_ layout: inout ParameterLayout, convolution: String, shape: [Int], inputs: Int, outputs: Int) {
        (self.inputs, self.outputs) = (inputs, outputs)
        weight = layout.claim(convolution, shape)
        bias = nil
    }

    /// Computes the layer's output `[N, O]` from `x`, `[N, I]`.
    func forward<Real: ProductScalar>(_ x: [Real], rows N: Int, _ p: [Real]) -> [Real] {
        var y =
            bias.map { Real.rows(N, of: p, at: $0, width: outputs) } ?? [Real](repeating: 0, count: N * outputs)
        GeneralProduct.multiply(
            x, MatrixPlace(stride: inputs), p, MatrixPlace(weight, stride: inputs, transposed: true), into: &y,
            MatrixPlace(stride: outputs), m: N, n: outputs, k: inputs, beta: 1)
        return y
    }

    /// Adds the gradients of weight and bias to `g`; returns the gradient of the input, `[N, I]`.
    func backward<Real: ProductScalar>(
        _ dy: [Real], _ x: [Real], rows N: Int, _ p: [Real], _ g: inout [Real]
    ) -> [Real] {
        GeneralProduct.multiply(
            dy, MatrixPlace(stride: outputs, transposed: true), x, MatrixPlace(stride: inputs), into: &g,
            MatrixPlace(weight, stride: inputs), m: outputs, n: inputs, k: N, beta: 1)
        if let bias { Real.addColumns(dy, width: outputs, to: &g, at: bias) }
        var dx = [Real](repeating: 0, count: N * inputs)
        GeneralProduct.multiply(
            dy, MatrixPlace(stride: outputs), p, MatrixPlace(weight, stride: inputs), into: &dx,
            MatrixPlace(stride: inputs), m: N, n: inputs, k: outputs)
        return dx
    }
}

/// A linear layer without bias, `y = x · matrix`, whose matrix is stored as `[I, O]` like CLIP's projections.
struct Projection: Sendable {
    let inputs: Int
    let outputs: Int
    private let matrix: Int

    init(_ layout: inout ParameterLayout, _ name: String, inputs: Int, outputs: Int) {
        (self.inputs, self.outputs) = (inputs, outputs)
        matrix = layout.claim(name, [inputs, outputs])
    }

    func forward<Real: ProductScalar>(_ x: [Real], rows N: Int, _ p: [Real]) -> [Real] {
        var y = [Real](repeating: 0, count: N * outputs)
        GeneralProduct.multiply(
            x, MatrixPlace(stride: inputs), p, MatrixPlace(matrix, stride: outputs), into: &y,
            MatrixPlace(stride: outputs), m: N, n: outputs, k: inputs)
        return y
    }

    func backward<Real: ProductScalar>(
        _ dy: [Real], _ x: [Real], rows N: Int, _ p: [Real], _ g: inout [Real]
    ) -> [Real] {
        GeneralProduct.multiply(
            x, MatrixPlace(stride: inputs, transposed: true), dy, MatrixPlace(stride: outputs), into: &g,
            MatrixPlace(matrix, stride: outputs), m: inputs, n: outputs, k: N, beta: 1)
        var dx = [Real](repeating: 0, count: N * inputs)
        GeneralProduct.multiply(
            dy, MatrixPlace(stride: outputs), p, MatrixPlace(matrix, stride: outputs, transposed: true), into: &dx,
            MatrixPlace(stride: inputs), m: N, n: inputs, k: outputs)
        return dx
    }
}
