package import Checkpoints
package import Pixels
package import Tensors
import Transformer

/// A model's image tower: a vision transformer that turns pictures into frame embeddings.
///
/// Not Sendable: all calls must run on the compute executor, the one thread for all models and plugins. Weights never
/// change; scratch memory grows to the largest batch. Source: docs/MATHEMATICS.md, sections 5 and 12.
package final class ImageEncoder {
    package let architecture: Architecture
    /// The patch projections of the image tower, one for each frame that its convolution spans.
    ///
    /// Their outputs are added. With 2D patches there is one. With 3D patches there are three, for the previous, the
    /// current and the next frame.
    private let patchProjections: [Linear]
    private let stem: ConvolutionStem?
    private let classEmbedding: [Float]?
    /// The position embeddings `[tokens, width]`; those of patches include the bias of the patch convolution.
    private let positions: [Float]
    private let rotary: RotaryPositions?
    private let preNorm: LayerNorm?
    private let stack: TransformerStack
    private let postNorm: LayerNorm
    private let pooling: AttentionPooling?
    private let projection: Linear?
    private let normalisation: Normalisation
    private let patches: Activations
    private let sums: Activations
    private let projected: Matrix
    private let tokens: Matrix
    private let pooled: Matrix
    private let output: Matrix
    private let packed: PackedWeights?
    private let isLean: Bool

    /// Reads the image tower from the tensors `visual.…`, named as in OpenAI's models.
    ///
    /// Weights that the cache file `packed` holds are not read again. With `isLean`, these occupy memory for only one
    /// transformer block at a time and are mapped again for each batch. That costs a few milliseconds a batch.
    package init(
        _ source: some TensorSource, architecture: Architecture, normalisation: Normalisation = .clip,
        precision: Precision, packed: PackedWeights? = nil, isLean: Bool = false
    ) throws {
        let vision = architecture.vision
        let (w, d, form) = (vision.width, architecture.embedding, vision.form)
        self.architecture = architecture
        self.normalisation = normalisation
        self.packed = packed
        self.isLean = isLean
        stem = form.patches == .stem ? try ConvolutionStem(source, width: w) : nil
        patchProjections = stem == nil ? try Self.patchProjections(source, vision, precision, packed) : []
        classEmbedding = form.hasClassToken ? try source.floats("visual.class_embedding", shape: [w]) : nil
        positions = try Self.positions(source, vision)
        rotary =
            form.isRotary
            ? RotaryPositions(
                grid: vision.grid, width: w, heads: vision.heads, hasClassToken: form.hasClassToken) : nil
        func norm(_ name: String) throws -> LayerNorm {
            LayerNorm(
                weight: try source.floats("visual.\(name).weight", shape: [w]),
                bias: try source.floats("visual.\(name).bias", shape: [w]), epsilon: vision.epsilon)
        }
        preNorm = form.hasPreNorm ? try norm("ln_pre") : nil
        postNorm = try norm("ln_post")
        func shape(heads: Int) -> TransformerShape {
            TransformerShape(
                width: w, heads: heads, layers: vision.layers, epsilon: vision.epsilon, activation: vision.activation)
        }
        stack = try TransformerStack(
            source, prefix: "visual.transformer.resblocks", shape: shape(heads: vision.heads), precision: precision,
            packed: packed)
        if case .attention(let heads) = form.pooling {
            pooling = try AttentionPooling(
                source, prefix: "visual.attn_pool", shape: shape(heads: heads), precision: precision, packed: packed)
        } else {
            pooling = nil
        }
        projection =
            form.projection == .none
            ? nil
            : try Linear(
                weight: transposed(source.floats("visual.proj", shape: [w, d]), rows: w, columns: d),
                bias: form.projection == .biasedMatrix ? source.floats("visual.proj_bias", shape: [d]) : nil,
                inputs: w, outputs: d)
        patches = Activations(columns: 3 * (stem == nil ? vision.patch * vision.patch : ConvolutionStem.patchSize))
        sums = Activations(columns: w)
        projected = Matrix(rows: 0, columns: w)
        tokens = Matrix(rows: 0, columns: w)
        pooled = Matrix(rows: 0, columns: w)
        output = Matrix(rows: 0, columns: d)
    }

    /// Returns the position embeddings of all tokens, `[tokens, width]`.
    ///
    /// A class token without position gets zeros. The bias of the patch convolution is added to the rows of the
    /// patches.
    private static func positions(_ source: some TensorSource, _ vision: Architecture.Vision) throws -> [Float] {
        let (w, form) = (vision.width, vision.form)
        let isPlaced = form.placesClassToken || !form.hasClassToken
        var positions = try source.floats(
            "visual.positional_embedding", shape: [isPlaced ? vision.tokens : vision.tokens - 1, w])
        if form.patches == .biasedConvolution {
            let bias = try source.floats("visual.conv1.bias", shape: [w])
            for i in (form.hasClassToken ? w : 0)..<positions.count { positions[i] += bias[i % w] }
        }
        return isPlaced ? positions : [Float](repeating: 0, count: w) + positions
    }

    private static func patchProjections(
        _ source: some TensorSource, _ vision: Architecture.Vision, _ precision: Precision, _ packed: PackedWeights?
    ) throws -> [Linear] {
        let (w, p) = (vision.width, vision.patch)
        switch vision.linearPatch {
        case .planar:
            try source.check("visual.conv1.weight", shape: [w, 3, p, p])
            return [
                try Linear(
                    name: "visual.conv1.weight", weight: { try source.floats("visual.conv1.weight") }, bias: nil,
                    inputs: 3 * p * p, outputs: w, precision: precision, packed: packed)
            ]
        case .spatiotemporal:
            // [out, rgb, time, row, column]: one plane of time is a 2D kernel. Their products are added in float32,
            // whatever the tower's precision, as they are a small part of it.
            let kernel = try source.floats("visual.conv2.weight", shape: [w, 3, 3, p, p])
            return try (0..<3).map { time in
                let planes = (0..<w * 3).flatMap { plane in
                    let start = (plane * 3 + time) * p * p
                    return kernel[start..<start + p * p]
                }
                return try Linear(
                    weight: planes, bias: nil, inputs: 3 * p * p, outputs: w, accumulate: time > 0)
            }
        }
    }

    /// Embeds pictures that have no neighbouring frames: returns `[pictures, d]`, not normalised.
    package func encode(_ pictures: [Picture], trace: ((Matrix) -> Void)? = nil) throws -> Matrix {
        try encode(pictures.map { FrameInContext($0) }, trace: trace)
    }

    /// Embeds frames of video: returns `[frames, d]`, not normalised.
    ///
    /// A tower with 3D patches also reads each frame's neighbours.
    package func encode(_ frames: [FrameInContext], trace: ((Matrix) -> Void)? = nil) throws -> Matrix {
        try encode(count: frames.count, trace: trace) { time, form in
            Patches.cut(
                frames.map { frame in
                    switch time {
                    case -1: frame.previous?.rgb
                    case 1: frame.next?.rgb
                    default: frame.picture.rgb
                    }
                }, side: architecture.vision.side, patch: cutSize, mean: normalisation.mean,
                deviation: normalisation.deviation, nested: nesting, into: patches, as: form)
        }
    }

    /// Embeds windows of frames given as normalised colour channels, `[windows · length, 3, side, side]`.
    ///
    /// `length` is the number of frames in a window. It matters only to 3D patches, which read neighbours within a
    /// window, and zeros beyond its ends.
    package func encode(planes: [Float], length: Int = 1, trace: ((Matrix) -> Void)? = nil) throws -> Matrix {
        let vision = architecture.vision
        let size = 3 * vision.side * vision.side
        let count = planes.count / size
        return try encode(count: count, trace: trace) { time, form in
            var shifted = planes
            if time != 0 {
                let zeros = [Float](repeating: 0, count: size)
                for frame in 0..<count {
                    let neighbour = frame % length + time
                    let source = (frame + time) * size
                    let values = 0..<length ~= neighbour ? planes[source..<source + size] : zeros[...]
                    shifted.replaceSubrange(frame * size..<(frame + 1) * size, with: values)
                }
            }
            Patches.cut(
                planes: shifted, side: vision.side, patch: cutSize, nested: nesting, into: patches, as: form)
        }
    }

    /// The side in pixels of the patches to cut; `nesting` is the number of 2 x 2 convolutions that follow.
    private var cutSize: Int { stem == nil ? architecture.vision.patch : ConvolutionStem.patch }
    private var nesting: Int { stem == nil ? 0 : ConvolutionStem.nesting }

    /// Embeds `count` pictures: cuts their patches with `cut`, projects them, then runs the transformer.
    ///
    /// With 3D patches, `cut` is called for the time -1, 0 and 1: the previous, the current and the next frame.
    private func encode(
        count: Int, trace: ((Matrix) -> Void)?, cut: (_ time: Int, _ form: RowForm) -> Void
    ) throws -> Matrix {
        let vision = architecture.vision
        projected.resize(rows: count * vision.grid * vision.grid)
        if let stem {
            cut(0, .plain(.f32))
            try stem(patches, into: projected)
        }
        for (index, projection) in patchProjections.enumerated() {
            cut(index - patchProjections.count / 2, projection.takes)
            try projection(patches, into: projected, scratch: sums)
        }
        return try encodeProjected(count: count, trace: trace)
    }

    private func encodeProjected(count: Int, trace: ((Matrix) -> Void)?) throws -> Matrix {
        let perPicture = architecture.vision.tokens
        tokens.resize(rows: count * perPicture)
        tokens.placeTokens(first: classEmbedding, rest: projected, positions: positions)
        preNorm?(tokens, into: tokens)
        trace?(tokens)
        var afterBlock = trace
        if isLean {
            afterBlock = { tokens in
                trace?(tokens)
                self.packed?.releaseMemory()
            }
        }
        // If only the class token is pooled, the last block computes only its row.
        let rows = pooling == nil ? [Int32](repeating: 0, count: count) : nil
        try stack(tokens, tokens: perPicture, mask: .none, rotary: rotary, rows: rows, trace: afterBlock)
        postNorm(tokens, into: tokens)
        try pooling?(tokens, tokens: perPicture, into: pooled)
        let features = pooling == nil ? tokens : pooled
        guard let projection else { return features }
        output.resize(rows: count)
        try projection(features, into: output)
        return output
    }
}

/// The mean and deviation of each colour channel, for pixel values in 0...1: normalised is (x - mean) / deviation.
package struct Normalisation: Sendable, Equatable {
    package let mean: [Float]
    package let deviation: [Float]

    package init(mean: [Float], deviation: [Float]) {
        self.mean = mean
        self.deviation = deviation
    }

    /// The mean and deviation of OpenAI's CLIP.
    package static let clip = Normalisation(
        mean: [0.48145466, 0.4578275, 0.40821073], deviation: [0.26862954, 0.26130258, 0.27577711])
}

/// Transposes a row-major matrix `[rows, columns]` to `[columns, rows]`.
func transposed(_ values: [Float], rows: Int, columns: Int) -> [Float] {
    var out = [Float](repeating: 0, count: values.count)
    for r in 0..<rows { for c in 0..<columns { out[c * rows + r] = values[r * columns + c] } }
    return out
}
