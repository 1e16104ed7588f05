import Checkpoints
import Tensors

/// The first layers of MobileCLIP's image tower: three convolutions that turn pixels into tokens.
///
/// Their kernels have 4, 2 and 2 pixels and do not overlap. Batch norm is folded into the first two convolutions, which
/// GELU follows. Rows are ordered so that four outputs of a convolution, side by side, are one input row of the next.
/// The stem always computes in float32, as it is a small part of the tower. Source: timm `vision_transformer.py`,
/// `ConvStem` of MCi; docs/MATHEMATICS.md, section 12.7.
struct ConvolutionStem {
    /// The side of the first convolution's kernel in pixels; `nesting` is the number of 2 x 2 convolutions after it.
    static let patch = 4
    static let nesting = 2
    static let patchSize = patch * patch

    private let first: Linear
    private let second: Linear
    private let third: Linear
    private let fine: Matrix
    private let fours: Matrix
    private let middle: Matrix
    private let middleFours: Matrix
    private let sums = Activations(columns: 1)

    /// Reads the convolutions from the tensors `visual.stem.{0,1,2}`; `w` is the width of the image tower.
    init(_ source: some TensorSource, width w: Int) throws {
        let inner = w / 4
        func layer(_ stage: Int, _ inputs: Int, side: Int, outputs: Int, _ activation: Activation) throws -> Linear {
            let name = "visual.stem.\(stage)"
            var weight = try source.floats("\(name).weight", shape: [outputs, inputs, side, side])
            var bias: [Float]
            if stage < 2 {
                func part(_ part: String) throws -> [Float] {
                    try source.floats("\(name).norm.\(part)", shape: [outputs])
                }
                let (mean, variance) = (try part("running_mean"), try part("running_var"))
                let scale = try zip(part("weight"), variance).map { $0 / ($1 + 1e-5).squareRoot() }
                bias = try zip(part("bias"), zip(mean, scale)).map { $0 - $1.0 * $1.1 }
                let size = inputs * side * side
                for i in weight.indices { weight[i] *= scale[i / size] }
            } else {
                bias = try source.floats("\(name).bias", shape: [outputs])
            }
            let rows = stage == 0 ? weight : Self.channelsLast(weight, outputs, inputs)
            return try Linear(
                weight: rows, bias: bias, inputs: inputs * side * side, outputs: outputs, activation: activation)
        }
        first = try layer(0, 3, side: 4, outputs: inner, .gelu)
        second = try layer(1, inner, side: 2, outputs: inner, .gelu)
        third = try layer(2, inner, side: 2, outputs: w, .none)
        fine = Matrix(rows: 0, columns: inner)
        fours = Matrix(rows: 0, columns: 4 * inner)
        middle = Matrix(rows: 0, columns: inner)
        middleFours = Matrix(rows: 0, columns: 4 * inner)
    }

    /// Reorders a convolution kernel from `[outputs, inputs, 2, 2]` to `[outputs, 2, 2, inputs]`.
    private static func channelsLast(_ weight: [Float], _ outputs: Int, _ inputs: Int) -> [Float] {
        (0..<outputs).flatMap { row in
            transposed(Array(weight[row * inputs * 4..<(row + 1) * inputs * 4]), rows: inputs, columns: 4)
        }
    }

    /// Computes the tokens `out` `[pictures · g², width]` from pixel patches `[pictures · g² · 16, 48]`.
    ///
    /// g is the number of tokens along a side of a picture.
    func callAsFunction(_ patches: Activations, into out: Matrix) throws {
        fine.resize(rows: patches.rows)
        try first(patches, into: fine, scratch: sums)
        fours.regroup(fine)
        middle.resize(rows: fours.rows)
        try second(fours, into: middle)
        middleFours.regroup(middle)
        try third(middleFours, into: out)
    }
}
