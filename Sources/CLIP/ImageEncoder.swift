package import Checkpoints
package import Pixels
package import Tensors
import Transformer

/// CLIP's image tower: a vision transformer with pre-LayerNorm blocks.
///
/// Source: CLIP4CLIP section 5 (2D patches).
///
/// Not Sendable: it belongs to the compute executor. Weights are immutable, scratch memory grows to the largest batch.
package final class ImageEncoder {
    package let architecture: Architecture
    private let patchProjection: Linear
    private let classEmbedding: [Float]
    private let positions: [Float]
    private let preNorm: LayerNorm
    private let stack: TransformerStack
    private let postNorm: LayerNorm
    private let projection: Linear
    private let normalisation: Normalisation
    private let precision: Precision
    private let patches: Matrix
    private let converted: Activations
    private let sums: Activations
    private let projected: Matrix
    private let tokens: Matrix
    private let output: Matrix

    /// Reads the `visual.` tensors, in OpenAI's names; weights that are packed already are not read.
    package init(
        _ source: some TensorSource, architecture: Architecture, normalisation: Normalisation = .clip,
        precision: Precision, packed: PackedWeights? = nil
    ) throws {
        let vision = architecture.vision
        let (w, p, d) = (vision.width, vision.patch, architecture.embedding)
        self.architecture = architecture
        self.normalisation = normalisation
        self.precision = precision.resolved
        try source.check("visual.conv1.weight", shape: [w, 3, p, p])
        patchProjection = try Linear(
            name: "visual.conv1.weight", weight: { try source.floats("visual.conv1.weight") }, bias: nil,
            inputs: 3 * p * p, outputs: w, precision: precision, packed: packed)
        classEmbedding = try source.floats("visual.class_embedding", shape: [w])
        positions = try source.floats("visual.positional_embedding", shape: [vision.tokens, w])
        func norm(_ name: String) throws -> LayerNorm {
            LayerNorm(
                weight: try source.floats("visual.\(name).weight", shape: [w]),
                bias: try source.floats("visual.\(name).bias", shape: [w]), epsilon: vision.epsilon)
        }
        preNorm = try norm("ln_pre")
        postNorm = try norm("ln_post")
        stack = try TransformerStack(
            source, prefix: "visual.transformer.resblocks",
            shape: TransformerShape(
                width: w, heads: vision.heads, layers: vision.layers, epsilon: vision.epsilon,
                activation: vision.activation), precision: precision, packed: packed)
        projection = try Linear(
            weight: transposed(source.floats("visual.proj", shape: [w, d]), rows: w, columns: d), bias: nil,
            inputs: w, outputs: d)
        patches = Matrix(rows: 0, columns: 3 * p * p)
        converted = Activations(columns: 3 * p * p)
        sums = Activations(columns: w)
        projected = Matrix(rows: 0, columns: w)
        tokens = Matrix(rows: 0, columns: w)
        output = Matrix(rows: 0, columns: d)
    }

    /// Embeds pictures: `[pictures, d]`, one row each, not normalised.
    package func encode(_ pictures: [Picture], trace: ((Matrix) -> Void)? = nil) throws -> Matrix {
        let vision = architecture.vision
        patches.resize(rows: pictures.count * (vision.tokens - 1))
        Patches.cut(
            pictures.map(\.rgb), side: vision.side, patch: vision.patch, mean: normalisation.mean,
            deviation: normalisation.deviation, into: patches)
        return try encodePatches(count: pictures.count, trace: trace)
    }

    /// Embeds pictures given as normalised planes `[pictures, 3, side, side]`.
    package func encode(planes: [Float], trace: ((Matrix) -> Void)? = nil) throws -> Matrix {
        let vision = architecture.vision
        let count = planes.count / (3 * vision.side * vision.side)
        patches.resize(rows: count * (vision.tokens - 1))
        Patches.cut(planes: planes, side: vision.side, patch: vision.patch, into: patches)
        return try encodePatches(count: count, trace: trace)
    }

    private func encodePatches(count: Int, trace: ((Matrix) -> Void)?) throws -> Matrix {
        let perPicture = architecture.vision.tokens
        projected.resize(rows: patches.rows)
        tokens.resize(rows: count * perPicture)
        if precision == .f32 {
            try patchProjection(patches, into: projected)
        } else {
            converted.convert(patches, to: precision)
            try patchProjection(converted, into: projected, scratch: sums)
        }
        for picture in 0..<count {
            tokens.write(classEmbedding, atRow: picture * perPicture)
            for patch in 1..<perPicture {
                tokens.copyRow(
                    picture * perPicture + patch, from: projected, row: picture * (perPicture - 1) + patch - 1)
            }
        }
        tokens.add(repeating: positions)
        preNorm(tokens, into: tokens)
        trace?(tokens)
        // Only the class token is pooled, so only it leaves the last block.
        let classTokens = [Int32](repeating: 0, count: count)
        try stack(tokens, tokens: perPicture, mask: .none, rows: classTokens, trace: trace)
        postNorm(tokens, into: tokens)
        output.resize(rows: count)
        try projection(tokens, into: output)
        return output
    }
}

/// What is taken from and divided out of each colour channel of a picture in 0...1.
package struct Normalisation: Sendable, Equatable {
    package let mean: [Float]
    package let deviation: [Float]

    package init(mean: [Float], deviation: [Float]) {
        self.mean = mean
        self.deviation = deviation
    }

    /// The constants of CLIP's training pictures.
    package static let clip = Normalisation(
        mean: [0.48145466, 0.4578275, 0.40821073], deviation: [0.26862954, 0.26130258, 0.27577711])
}

/// `[rows, columns]` to `[columns, rows]`.
func transposed(_ values: [Float], rows: Int, columns: Int) -> [Float] {
    var out = [Float](repeating: 0, count: values.count)
    for r in 0..<rows { for c in 0..<columns { out[c * rows + r] = values[r * columns + c] } }
    return out
}
