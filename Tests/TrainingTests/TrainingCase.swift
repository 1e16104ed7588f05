import Checkpoints
import Foundation
import Tensors
import TestSupport
import Training

/// A golden training case: a tiny model, one batch, and CLIP4Clip's results for them.
struct TrainingCase {
    struct Description: Decodable {
        struct Model: Decodable {
            let vision_width, vision_heads, vision_layers, patch_size, image_resolution: Int
            let text_width, text_heads, text_layers, embed_dim, context_length, vocab_size: Int
            let head_layers, head_heads: Int
        }
        struct Optimiser: Decodable {
            let lr, coef_lr, weight_decay, warmup, t_total: Double
            let schedule_factor_per_step: [Double]
        }
        struct Tolerance: Decodable {
            let loss, grad_atol, grad_rtol, step3_atol, step3_atol_null_gradient: Double
        }
        let head, linear_patch: String
        let model: Model
        let batch, freeze_layer_num: Int
        let valid_frames: [Int]
        let optimiser: Optimiser
        let frozen, trainable_without_gradient: [String]
        let loss: Double
        let losses_before_each_step, gradient_norm_before_clipping_each_step: [Double]
        let tolerance: Tolerance
    }

    let name: String
    let description: Description
    let folder: URL
    let model: TrainingModel
    let freezing: Freezing
    let weights: SafetensorsFile

    static let names = ["meanP_2d", "meanP_3d", "seqLSTM_2d", "seqTransf_2d", "tightTransf_2d"]

    init(_ name: String) throws {
        self.name = name
        folder = Fixtures.reference.appending(path: "train/\(name)")
        description = try Fixtures.json(Description.self, folder.appending(path: "case.json"))
        let sizes = description.model
        let spatiotemporal = description.linear_patch == "3d"
        let kinds: [String: HeadKind] = [
            "meanP": .mean, "seqLSTM": .lstm, "seqTransf": .transformer, "tightTransf": .tight,
        ]
        guard let kind = kinds[description.head] else { throw MissingFixture(path: description.head) }
        let head = HeadShape(
            kind: kind,
            stack: StackShape(
                width: sizes.embed_dim, heads: sizes.head_heads, layers: sizes.head_layers, epsilon: 1e-12),
            positions: sizes.context_length)
        let images = ImageShape(
            stack: StackShape(
                width: sizes.vision_width, heads: sizes.vision_heads, layers: sizes.vision_layers, epsilon: 1e-5),
            patch: sizes.patch_size, side: sizes.image_resolution, embedding: sizes.embed_dim,
            spatiotemporal: spatiotemporal)
        let texts = TextShape(
            stack: StackShape(
                width: sizes.text_width, heads: sizes.text_heads, layers: sizes.text_layers, epsilon: 1e-5),
            context: sizes.context_length, vocabulary: sizes.vocab_size, embedding: sizes.embed_dim)
        model = TrainingModel(head: head, images: images, texts: texts)
        freezing = Freezing(layers: description.freeze_layer_num, spatiotemporal: spatiotemporal)
        weights = try Fixtures.safetensors(folder.appending(path: "model.safetensors"))
    }

    func batch<Real: ProductScalar>(_: Real.Type) throws -> TrainingBatch<Real> {
        let inputs = try Fixtures.safetensors(folder.appending(path: "inputs.safetensors"))
        let ids = try inputs.floats("token_ids").map { Int($0) }
        let length = ids.count / description.batch
        let texts = (0..<description.batch).map { Array(ids[$0 * length..<($0 + 1) * length]) }
        return TrainingBatch(
            texts: .tokens(TokenBatch(texts)), frames: .pictures(try inputs.floats("frames").map { Real($0) }),
            valid: description.valid_frames)
    }

    func parameters<Real: ProductScalar>(_: Real.Type) throws -> [Real] { try model.layout.read(weights) }

    func expected(_ file: String) throws -> SafetensorsFile {
        try Fixtures.safetensors(folder.appending(path: "expected_\(file).safetensors"))
    }

    var rates: BertAdam<Float>.Rates {
        var rates = BertAdam<Float>.Rates()
        let given = description.optimiser
        rates.base = given.lr
        rates.towerFactor = given.coef_lr
        rates.decay = given.weight_decay
        rates.warmUp = given.warmup
        rates.total = given.t_total
        return rates
    }

    /// Whether an element's gradient is only rounding error: the key third of packed biases, and the score's bias.
    static func isNull(_ name: String, _ index: Int, of count: Int) -> Bool {
        name == "similarity_dense.bias"
            || name.hasSuffix("attn.in_proj_bias") && (count / 3..<2 * count / 3).contains(index)
    }
}
