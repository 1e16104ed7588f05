import Checkpoints
import SystemSupport
import Tensors

/// A head's sizes: what its random weights and its floating-point operations follow from.
struct HeadModel {
    let head: String
    let width: Int
    let layers: Int
    let attentionHeads: Int
    let frames: Int

    /// A product of a head: `[rows, inputs]` times `[outputs, inputs]` transposed, `times` times with one weight.
    struct Product {
        let rows: Int
        let inputs: Int
        let outputs: Int
        var times = 1
        var flops: Double { 2 * Double(rows) * Double(inputs) * Double(outputs) * Double(times) }
    }

    /// The matrix products of `batch` full windows (of as many pairs, for `tight`), in the order of the computation.
    func products(batch: Int) -> [Product] {
        switch head {
        case "lstm":
            [
                Product(rows: batch * frames, inputs: width, outputs: 4 * width),
                Product(rows: batch, inputs: width, outputs: 4 * width, times: frames - 1),
            ]
        case "transformer": (0..<layers).flatMap { _ in block(batch * frames, batch * frames) }
        case "tight":
            // The last block carries on with the first token only.
            (0..<layers).flatMap { block(batch * tokens, $0 == layers - 1 ? batch : batch * tokens) } + [
                Product(rows: batch, inputs: width, outputs: width), Product(rows: batch, inputs: width, outputs: 1),
            ]
        default: []
        }
    }

    /// Two for each multiply-add of the products, attention's two among them; nothing else counts.
    func flops(batch: Int) -> Double {
        let queries = head == "tight" ? (layers - 1) * tokens + 1 : layers * tokens
        let attention = head == "transformer" || head == "tight" ? 4 * batch * queries * tokens * width : 0
        return Double(attention) + products(batch: batch).reduce(0) { $0 + $1.flops }
    }

    private var tokens: Int { head == "tight" ? frames + 1 : frames }

    private func block(_ rows: Int, _ after: Int) -> [Product] {
        [
            Product(rows: rows, inputs: width, outputs: 3 * width), Product(rows: after, inputs: width, outputs: width),
            Product(rows: after, inputs: width, outputs: 4 * width),
            Product(rows: after, inputs: 4 * width, outputs: width),
        ]
    }

    /// Random weights under CLIP4Clip's names, of such sizes that nothing grows without bound.
    func weights(seed: UInt64) -> [String: HeadWeights] {
        var random = SeededNumbers(seed: seed)
        var weights: [String: HeadWeights] = [:]
        func add(_ name: String, _ shape: Int..., deviation: Float, mean: Float = 0) {
            weights[name] = HeadWeights(
                shape: shape, values: random.numbers(shape.reduce(1, *), mean: mean, deviation: deviation))
        }
        func norm(_ name: String) {
            add("\(name).weight", width, deviation: 0.1, mean: 1)
            add("\(name).bias", width, deviation: 0.1)
        }
        func linear(_ weight: String, _ bias: String, _ outputs: Int, _ inputs: Int) {
            add(weight, outputs, inputs, deviation: 1 / Float(inputs).squareRoot())
            add(bias, outputs, deviation: 0.05)
        }
        func blocks(_ prefix: String) {
            for layer in 0..<layers {
                let p = "\(prefix).\(layer)"
                norm("\(p).ln_1")
                norm("\(p).ln_2")
                linear("\(p).attn.in_proj_weight", "\(p).attn.in_proj_bias", 3 * width, width)
                linear("\(p).attn.out_proj.weight", "\(p).attn.out_proj.bias", width, width)
                linear("\(p).mlp.c_fc.weight", "\(p).mlp.c_fc.bias", 4 * width, width)
                linear("\(p).mlp.c_proj.weight", "\(p).mlp.c_proj.bias", width, 4 * width)
            }
        }
        switch head {
        case "lstm":
            linear("lstm_visual.weight_ih_l0", "lstm_visual.bias_ih_l0", 4 * width, width)
            linear("lstm_visual.weight_hh_l0", "lstm_visual.bias_hh_l0", 4 * width, width)
        case "transformer":
            add("frame_position_embeddings.weight", frames, width, deviation: 0.02)
            blocks("transformerClip.resblocks")
        case "tight":
            add("cross.embeddings.position_embeddings.weight", tokens, width, deviation: 0.02)
            blocks("cross.transformer.resblocks")
            norm("cross.pooler.ln_pool")
            linear("cross.pooler.dense.weight", "cross.pooler.dense.bias", width, width)
            linear("similarity_dense.weight", "similarity_dense.bias", 1, width)
        default: break
        }
        return weights
    }
}

/// Reproducible numbers with a mean and a standard deviation, evenly spread.
struct SeededNumbers {
    private var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func numbers(_ count: Int, mean: Float = 0, deviation: Float) -> [Float] {
        let reach = deviation * Float(3).squareRoot()
        return (0..<count).map { _ in mean + reach * next() }
    }

    /// In [-1, 1).
    private mutating func next() -> Float { Float(Int32(truncatingIfNeeded: random.next() >> 32)) / 0x1p31 }
}
