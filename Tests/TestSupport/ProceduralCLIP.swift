package import Checkpoints

/// Weights and pictures computed from names and indices; see docs/MATHEMATICS.md, section 14.
package struct ProceduralCLIP: TensorSource {
    package struct Sizes: Decodable, Sendable {
        package let vw: Int, vl: Int, patch: Int, image: Int, tw: Int, tl: Int, embed: Int
    }

    package let tensors: [String: TensorInfo]
    package var origin: String { "procedural weights" }
    private let recipes: [String: Recipe]
    private let seed: UInt64

    private init(_ table: RecipeTable, seed: UInt64) {
        tensors = table.tensors
        recipes = table.recipes
        self.seed = seed
    }

    /// Makes both towers under OpenAI's names; with `spatiotemporal`, also the kernel of 3D patches.
    package init(_ sizes: Sizes, seed: UInt64, spatiotemporal: Bool = false) {
        var table = RecipeTable()
        let (v, t, p, d) = (sizes.vw, sizes.tw, sizes.patch, sizes.embed)
        let grid = sizes.image / p
        table.add("positional_embedding", [77, t], 0.01, 1)
        table.add("token_embedding.weight", [49408, t], 0.02, 1)
        table.add("text_projection", [t, d], 1, t)
        table.add("visual.class_embedding", [v], 1, v)
        table.add("visual.proj", [v, d], 1, v)
        table.add("visual.positional_embedding", [grid * grid + 1, v], 0.05, 1)
        table.add("visual.conv1.weight", [v, 3, p, p], 1, 3 * p * p)
        if spatiotemporal {
            table.add("visual.conv2.weight", [v, 3, 3, p, p], 1, 9 * p * p, hashed: "clip.visual.conv2.weight")
        }
        table.add("logit_scale", [], 0, 1, 4.605170185988092)
        table.norm("visual.ln_pre", v)
        table.norm("visual.ln_post", v)
        table.norm("ln_final", t)
        table.blocks("visual.transformer.resblocks", sizes.vl, v)
        table.blocks("transformer.resblocks", sizes.tl, t)
        self.init(table, seed: seed)
    }

    /// Makes the weights of all CLIP4Clip heads at width `d`, under the checkpoint's names.
    package static func heads(width d: Int, layers: Int, seed: UInt64) -> ProceduralCLIP {
        var table = RecipeTable()
        for name in ["frame_position_embeddings.weight", "cross.embeddings.position_embeddings.weight"] {
            table.add(name, [77, d], 0.3, 1)
        }
        table.add("lstm_visual.weight_ih_l0", [4 * d, d], 1, d)
        table.add("lstm_visual.weight_hh_l0", [4 * d, d], 1, d)
        table.add("lstm_visual.bias_ih_l0", [4 * d], 0.1, 1)
        table.add("lstm_visual.bias_hh_l0", [4 * d], 0.1, 1)
        table.blocks("transformerClip.resblocks", layers, d)
        table.blocks("cross.transformer.resblocks", layers, d)
        table.norm("cross.pooler.ln_pool", d)
        table.add("cross.pooler.dense.weight", [d, d], 1, d)
        table.add("cross.pooler.dense.bias", [d], 0.1, 1)
        table.add("similarity_dense.weight", [1, d], 1, d)
        table.add("similarity_dense.bias", [1], 0.1, 1)
        return ProceduralCLIP(table, seed: seed)
    }

    package func floats(_ name: String) throws(CheckpointError) -> [Float] {
        try floats(name, elements: 0..<(tensors[name]?.count ?? 0))
    }

    package func floats(_ name: String, elements: Range<Int>) throws(CheckpointError) -> [Float] {
        guard let recipe = recipes[name] else {
            throw CheckpointError(origin, .missingTensor(name))
        }
        let key = Self.key(recipe.hashed, seed: seed)
        let step = (recipe.gain / Double(recipe.fan).squareRoot()) * (3.0 / 4294967295.0).squareRoot()
        return elements.map { index in
            let word = Self.word(key, index)
            let n = Int(word & 0xFFFF) + Int(word >> 16 & 0xFFFF) + Int(word >> 32 & 0xFFFF) + Int(word >> 48) - 131070
            let product = Double(n) * step
            return Float(product + recipe.mean)
        }
    }

    private static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

    private static func mix(_ start: UInt64) -> UInt64 {
        var z = (start ^ start >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    static func key(_ name: String, seed: UInt64) -> UInt64 {
        let hash = name.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return hash ^ mix(seed &+ golden)
    }

    static func word(_ key: UInt64, _ index: Int) -> UInt64 { mix(key &+ (UInt64(index) &+ 1) &* golden) }

    /// Returns `image(kind, seed, t)`: interleaved RGB bytes `[224, 224, 3]`.
    package static func image(kind: Int, seed: Int, t: Int) -> [UInt8] {
        let imageKey = key("image", seed: UInt64(seed))
        var out: [UInt8] = []
        out.reserveCapacity(224 * 224 * 3)
        for row in 0..<224 {
            for column in 0..<224 {
                let x = (column + 5 * t + 37 * seed) % 224
                let y = (row + 3 * t + 11 * seed) % 224
                switch kind {
                case 0: out += [UInt8(x * 255 / 223), UInt8(y * 255 / 223), UInt8((x + y) * 255 / 446)]
                case 1:
                    let on = (x / 16 + y / 16) % 2
                    out += [
                        UInt8(on * 200 + (1 - on) * 30), UInt8(on * 180 + (1 - on) * (y * 255 / 223)),
                        UInt8(255 - on * 190),
                    ]
                case 2:
                    let word = word(imageKey, (y / 8) * 28 + x / 8)
                    out += [
                        UInt8(truncatingIfNeeded: word), UInt8(truncatingIfNeeded: word >> 8),
                        UInt8(truncatingIfNeeded: word >> 16),
                    ]
                default:
                    let v = (((x - 112) * (x - 112) + (y - 112) * (y - 112)) / 64) % 256
                    out += [UInt8(v), UInt8(3 * v % 256), UInt8(255 - v)]
                }
            }
        }
        return out
    }
}

/// The formula of one tensor's numbers.
private struct Recipe {
    let gain: Double, fan: Int, mean: Double
    /// The name that determines the numbers.
    let hashed: String
}

/// The table of docs/MATHEMATICS.md, section 14, for the sizes of a model.
private struct RecipeTable {
    var tensors: [String: TensorInfo] = [:]
    var recipes: [String: Recipe] = [:]

    mutating func add(
        _ name: String, _ shape: [Int], _ gain: Double, _ fan: Int, _ mean: Double = 0, hashed: String? = nil
    ) {
        tensors[name] = TensorInfo(name: name, type: .float32, shape: shape)
        recipes[name] = Recipe(gain: gain, fan: fan, mean: mean, hashed: hashed ?? name)
    }

    mutating func norm(_ name: String, _ w: Int) {
        add("\(name).weight", [w], 0.1, 1, 1)
        add("\(name).bias", [w], 0.1, 1)
    }

    mutating func blocks(_ prefix: String, _ count: Int, _ w: Int) {
        for index in 0..<count {
            let p = "\(prefix).\(index)"
            add("\(p).attn.in_proj_weight", [3 * w, w], 1.5, w)
            add("\(p).attn.in_proj_bias", [3 * w], 0.1, 1)
            add("\(p).attn.out_proj.weight", [w, w], 0.5, w)
            add("\(p).attn.out_proj.bias", [w], 0.05, 1)
            add("\(p).mlp.c_fc.weight", [4 * w, w], 1, w)
            add("\(p).mlp.c_fc.bias", [4 * w], 0.1, 1)
            add("\(p).mlp.c_proj.weight", [w, 4 * w], 1, 4 * w)
            add("\(p).mlp.c_proj.bias", [w], 0.05, 1)
            norm("\(p).ln_1", w)
            norm("\(p).ln_2", w)
        }
    }
}
