package import Checkpoints
import Tensors

/// The numbers of attention heads that `watchword.json` states, for models whose other files do not state them.
package struct TowerHeads: Sendable, Equatable {
    package var vision: Int?
    package var pooling: Int?
    package var text: Int?

    package init(vision: Int? = nil, pooling: Int? = nil, text: Int? = nil) {
        (self.vision, self.pooling, self.text) = (vision, pooling, text)
    }
}

/// Determines sizes of a model from the shapes of its tensors, which are named as in OpenAI's models.
struct TensorSizes {
    let source: any TensorSource

    func shape(_ name: String, rank: Int) throws(CheckpointError) -> [Int] {
        guard let info = source.tensors[name] else { throw CheckpointError(source.origin, .missingTensor(name)) }
        guard info.shape.count == rank, info.shape.allSatisfy({ $0 > 0 }) else {
            throw CheckpointError(
                source.origin, .malformed("tensor \"\(name)\" has shape \(info.shape), expected \(rank) sizes"))
        }
        return info.shape
    }

    func layers(_ prefix: String) -> Int { TowerTensors.layers(prefix, in: source.tensors.keys) }

    func inner(_ prefix: String) -> Int? { source.tensors["\(prefix).0.mlp.c_fc.weight"]?.shape.first }

    /// Returns the number of patches along each side of a picture with `places` patches.
    ///
    /// Throws if `places` is not a square number.
    func grid(_ places: Int) throws(CheckpointError) -> Int {
        let grid = Int(Double(max(places, 0)).squareRoot().rounded())
        guard grid > 0, grid * grid == places else {
            throw CheckpointError(
                source.origin, .malformed("the vision tower is no ViT of square pictures (\(places) patches)"))
        }
        return grid
    }
}

extension Architecture {
    /// Infers the sizes of an OpenAI CLIP or PE-Core model from its tensors in OpenAI's names.
    ///
    /// Source: docs/MATHEMATICS.md, section 1.
    package init(
        inferredFrom source: some TensorSource, heads: TowerHeads = TowerHeads()
    ) throws(CheckpointError) {
        let sizes = TensorSizes(source: source)
        let conv = try sizes.shape("visual.conv1.weight", rank: 4)
        let isPE = source.has("visual.attn_pool.probe")
        let hasClassToken = !isPE || source.has("visual.class_embedding")
        let grid = try sizes.grid(try sizes.shape("visual.positional_embedding", rank: 2)[0] - (hasClassToken ? 1 : 0))
        guard conv[2] == conv[3], conv[1] == 3 else {
            throw CheckpointError(source.origin, .malformed("the vision tower has no square patches of three colours"))
        }
        let width = try sizes.shape("ln_final.weight", rank: 1)[0]
        // No tensor tells the number of attention heads. OpenAI's are 64 wide, up to a width of 1024; larger towers are
        // OpenCLIP's, of 80 to 104. PE-Core's are 64 wide, too, but its size G has 16 heads.
        guard isPE || conv[0] <= 1024 || heads.vision != nil else {
            throw CheckpointError(
                source.origin,
                .malformed(
                    "the attention heads of an image tower of width \(conv[0]) are not in the tensors; put the model's "
                        + "open_clip_config.json or config.json beside it"))
        }
        let (context, vocabulary) = (
            try sizes.shape("positional_embedding", rank: 2)[0], try sizes.shape("token_embedding.weight", rank: 2)[0]
        )
        let activation: Activation = isPE ? .gelu : .quickGELU
        self.init(
            vision: Vision(
                width: conv[0], layers: sizes.layers("visual.transformer.resblocks"),
                heads: heads.vision ?? (isPE && conv[0] == 1536 ? 16 : max(1, conv[0] / 64)), patch: conv[2],
                side: grid * conv[2], inner: sizes.inner("visual.transformer.resblocks"), activation: activation,
                linearPatch: Self.linearPatch(source),
                form: isPE
                    ? .perceptionEncoder(
                        poolingHeads: heads.pooling ?? 8, hasClassToken: hasClassToken, projection: .matrix) : .clip),
            text: Text(
                width: width, layers: sizes.layers("transformer.resblocks"), heads: heads.text ?? max(1, width / 64),
                context: context, vocabulary: vocabulary, inner: sizes.inner("transformer.resblocks"),
                activation: activation),
            embedding: try sizes.shape("text_projection", rank: 2)[1], family: isPE ? .perceptionEncoder : .clip,
            isSigmoid: source.has("logit_bias"))
        if let problem = formProblem ?? layerProblem { throw CheckpointError(source.origin, .malformed(problem)) }
    }

    /// An error message if the image or text tower has no transformer blocks; nil if both have some.
    private var layerProblem: String? {
        for (tower, width, layers) in [("vision", vision.width, vision.layers), ("text", text.width, text.layers)]
        where layers == 0 {
            return "the \(tower) tower of width \(width) with \(layers) layers is not CLIP's"
        }
        return nil
    }

    /// An error message about the first contradiction between the model's sizes; nil if they are consistent.
    var formProblem: String? {
        for (name, layers) in [("image", vision.layers), ("text", text.layers)] where layers > Self.maxLayers {
            return "the \(name) tower: expected at most \(Self.maxLayers) layers, found \(layers)"
        }
        if vision.form.projection == .none, vision.width != embedding {
            return "the image tower has no projection: expected the width \(embedding), found \(vision.width)"
        }
        if !text.form.hasProjection, text.width != embedding {
            return "the text tower has no projection: expected the width \(embedding), found \(text.width)"
        }
        if vision.form.isRotary, vision.width > RotaryPositions.maxWidth {
            return "rotary positions: expected a width of at most \(RotaryPositions.maxWidth), found \(vision.width)"
        }
        return headProblem
    }

    /// The greatest accepted number of transformer blocks in a tower.
    ///
    /// The limit bounds the list of tensor names that is made before any tensor is looked up.
    private static let maxLayers = 1024

    /// An error message if a number of attention heads does not divide its width; nil if all do.
    private var headProblem: String? {
        var towers = [("image tower", vision.width, vision.heads, vision.form.isRotary ? 4 : 1)]
        towers.append(("text tower", text.width, text.heads, 1))
        if case .attention(let heads) = vision.form.pooling { towers.append(("pooling", vision.width, heads, 1)) }
        for (name, width, heads, parts) in towers where heads < 1 || width % (heads * parts) != 0 {
            let rotary = parts > 1 ? " of a multiple of \(parts) numbers, which rotary positions need" : ""
            return "\(heads) attention heads\(rotary) do not divide the width \(width) of the \(name)"
        }
        return nil
    }
}
