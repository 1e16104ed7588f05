import Checkpoints
import Training

/// The sizes of a head, from which its random weights and its number of floating-point operations follow.
struct HeadModel {
    let name: String
    let width: Int
    let layers: Int
    let attentionHeads: Int
    let frames: Int

    /// A matrix product: `[rows, inputs]` times the transposed weight `[outputs, inputs]`, computed `times` times.
    struct Product {
        let rows: Int
        let inputs: Int
        let outputs: Int
        var times = 1
        /// The number of floating-point operations of the product: 2 for each multiply-add.
        var flops: Double { 2 * Double(rows) * Double(inputs) * Double(outputs) * Double(times) }
    }

    /// The kind of CLIP4Clip head with this name; nil for other heads, whose weights this benchmark does not know.
    private var kind: HeadKind? { HeadKind(rawValue: name) }

    /// Returns the head's matrix products for `batch` full windows, in the order of the computation.
    func products(batch: Int) -> [Product] {
        switch kind {
        case .lstm:
            [
                Product(rows: batch * frames, inputs: width, outputs: 4 * width),
                Product(rows: batch, inputs: width, outputs: 4 * width, times: frames - 1),
            ]
        case .transformer: (0..<layers).flatMap { _ in block(batch * frames, batch * frames) }
        case .tight:
            // After the last block's attention, only the first token is computed.
            (0..<layers).flatMap { block(batch * tokens, $0 == layers - 1 ? batch : batch * tokens) } + [
                Product(rows: batch, inputs: width, outputs: width), Product(rows: batch, inputs: width, outputs: 1),
            ]
        case .mean, nil: []
        }
    }

    /// Returns the number of floating-point operations of the head's matrix products, including those of attention.
    func flops(batch: Int) -> Double {
        let queries = kind == .tight ? (layers - 1) * tokens + 1 : layers * tokens
        let attention = kind == .transformer || kind == .tight ? 4 * batch * queries * tokens * width : 0
        return Double(attention) + products(batch: batch).reduce(0) { $0 + $1.flops }
    }

    /// The number of tokens in each attention layer: the frames, and in the tight head also the text.
    private var tokens: Int { kind == .tight ? frames + 1 : frames }

    /// Returns the matrix products of a transformer block; `after` is the number of rows after its attention.
    private func block(_ rows: Int, _ after: Int) -> [Product] {
        [
            Product(rows: rows, inputs: width, outputs: 3 * width), Product(rows: after, inputs: width, outputs: width),
            Product(rows: after, inputs: width, outputs: 4 * width),
            Product(rows: after, inputs: 4 * width, outputs: width),
        ]
    }
}

extension HeadModel {
    /// Returns random weights under CLIP4Clip's names, scaled so that values stay bounded through the layers.
    func weights(seed: UInt64) -> [String: HeadWeights] {
        var weights = RandomHeadWeights(width: width, seed: seed)
        switch kind {
        case .lstm:
            weights.addLinear("lstm_visual.weight_ih_l0", "lstm_visual.bias_ih_l0", 4 * width, width)
            weights.addLinear("lstm_visual.weight_hh_l0", "lstm_visual.bias_hh_l0", 4 * width, width)
        case .transformer:
            weights.add("frame_position_embeddings.weight", frames, width, deviation: 0.02)
            weights.addBlocks("transformerClip.resblocks", layers)
        case .tight:
            weights.add("cross.embeddings.position_embeddings.weight", tokens, width, deviation: 0.02)
            weights.addBlocks("cross.transformer.resblocks", layers)
            weights.addNorm("cross.pooler.ln_pool")
            weights.addLinear("cross.pooler.dense.weight", "cross.pooler.dense.bias", width, width)
            weights.addLinear("similarity_dense.weight", "similarity_dense.bias", 1, width)
        case .mean, nil: break
        }
        return weights.all
    }
}

/// Collects random weights of a head by name.
private struct RandomHeadWeights {
    private(set) var all: [String: HeadWeights] = [:]
    private let width: Int
    private var random: SeededNumbers

    init(width: Int, seed: UInt64) { (self.width, random) = (width, SeededNumbers(seed: seed)) }

    mutating func add(_ name: String, _ shape: Int..., deviation: Float, mean: Float = 0) {
        all[name] = HeadWeights(
            shape: shape, values: random.numbers(shape.reduce(1, *), mean: mean, deviation: deviation))
    }

    mutating func addNorm(_ name: String) {
        add("\(name).weight", width, deviation: 0.1, mean: 1)
        add("\(name).bias", width, deviation: 0.1)
    }

    mutating func addLinear(_ weight: String, _ bias: String, _ outputs: Int, _ inputs: Int) {
        add(weight, outputs, inputs, deviation: 1 / Float(inputs).squareRoot())
        add(bias, outputs, deviation: 0.05)
    }

    /// Adds the weights of `layers` transformer blocks, whose MLPs are four times as wide as the embeddings.
    mutating func addBlocks(_ prefix: String, _ layers: Int) {
        for layer in 0..<layers {
            let p = "\(prefix).\(layer)"
            addNorm("\(p).ln_1")
            addNorm("\(p).ln_2")
            addLinear("\(p).attn.in_proj_weight", "\(p).attn.in_proj_bias", 3 * width, width)
            addLinear("\(p).attn.out_proj.weight", "\(p).attn.out_proj.bias", width, width)
            addLinear("\(p).mlp.c_fc.weight", "\(p).mlp.c_fc.bias", 4 * width, width)
            addLinear("\(p).mlp.c_proj.weight", "\(p).mlp.c_proj.bias", width, 4 * width)
        }
    }
}
