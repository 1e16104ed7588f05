package import Checkpoints
package import Tensors

/// How frames become patches.
///
/// Source: CLIP4Clip's `linear_patch`; Luo et al. 2021, section 3.1.
package enum LinearPatch: String, Sendable, Equatable {
    /// A 2D convolution of each frame by itself, `visual.conv1`.
    case planar = "2d"
    /// A 3D convolution over a frame and its two neighbours in the window, `visual.conv2`.
    case spatiotemporal = "3d"
}

/// The sizes of a CLIP model: a ViT and a causal text transformer into one joint space.
package struct Architecture: Sendable, Equatable {
    package struct Vision: Sendable, Equatable {
        package var width: Int
        package var layers: Int
        package var heads: Int
        package var patch: Int
        /// Side of the square input, in pixels.
        package var side: Int
        /// Width of the hidden layer of a block's MLP.
        package var inner: Int
        package var epsilon: Float = 1e-5
        package var activation: Activation = .quickGELU
        package var linearPatch = LinearPatch.planar
        /// Tokens of one picture: the class token and the patches.
        package var tokens: Int { (side / patch) * (side / patch) + 1 }

        /// `inner` is four times the width unless told otherwise, as in OpenAI's models.
        package init(
            width: Int, layers: Int, heads: Int, patch: Int, side: Int, inner: Int? = nil, epsilon: Float = 1e-5,
            activation: Activation = .quickGELU, linearPatch: LinearPatch = .planar
        ) {
            (self.width, self.layers, self.heads, self.patch, self.side) = (width, layers, heads, patch, side)
            self.inner = inner ?? 4 * width
            (self.epsilon, self.activation, self.linearPatch) = (epsilon, activation, linearPatch)
        }
    }

    package struct Text: Sendable, Equatable {
        package var width: Int
        package var layers: Int
        package var heads: Int
        package var context: Int
        package var vocabulary: Int
        /// Width of the hidden layer of a block's MLP.
        package var inner: Int
        package var epsilon: Float = 1e-5
        package var activation: Activation = .quickGELU
        /// The token whose place is pooled; the first largest id, if nil (the reference's rule).
        package var endToken: Int?

        /// `inner` is four times the width unless told otherwise, as in OpenAI's models.
        package init(
            width: Int, layers: Int, heads: Int, context: Int, vocabulary: Int, inner: Int? = nil,
            epsilon: Float = 1e-5, activation: Activation = .quickGELU, endToken: Int? = nil
        ) {
            (self.width, self.layers, self.heads) = (width, layers, heads)
            (self.context, self.vocabulary) = (context, vocabulary)
            self.inner = inner ?? 4 * width
            (self.epsilon, self.activation, self.endToken) = (epsilon, activation, endToken)
        }
    }

    package var vision: Vision
    package var text: Text
    /// Width of the joint space, `d`.
    package var embedding: Int

    /// A usual name, for people: "ViT-B/32".
    package var name: String {
        let size =
            switch (vision.width, vision.layers) {
            case (768, 12): "B"
            case (1024, 24): "L"
            case (1280, 32): "H"
            default: "\(vision.width)x\(vision.layers)"
            }
        return "ViT-\(size)/\(vision.patch)" + (vision.side == 224 ? "" : "@\(vision.side)")
            + (vision.linearPatch == .planar ? "" : " 3D")
    }

    /// Infers the sizes from tensors in OpenAI's names (CLIP4CLIP section 1).
    package init(inferredFrom source: some TensorSource) throws(CheckpointError) {
        func shape(_ name: String, rank: Int) throws(CheckpointError) -> [Int] {
            guard let info = source.tensors[name] else { throw CheckpointError(source.origin, .missingTensor(name)) }
            guard info.shape.count == rank, info.shape.allSatisfy({ $0 > 0 }) else {
                throw CheckpointError(
                    source.origin, .malformed("tensor \"\(name)\" has shape \(info.shape), expected \(rank) sizes"))
            }
            return info.shape
        }
        func layers(_ prefix: String) -> Int {
            Set(
                source.tensors.keys.filter { $0.hasPrefix(prefix) }.compactMap {
                    Int($0.dropFirst(prefix.count).prefix { $0 != "." })
                }
            ).count
        }
        let conv = try shape("visual.conv1.weight", rank: 4)
        let places = try shape("visual.positional_embedding", rank: 2)[0] - 1
        let grid = Int(Double(max(places, 0)).squareRoot().rounded())
        guard grid > 0, grid * grid == places, conv[2] == conv[3], conv[1] == 3 else {
            throw CheckpointError(
                source.origin, .malformed("the vision tower is no ViT of square pictures (\(places) patches)"))
        }
        let width = try shape("ln_final.weight", rank: 1)[0]
        let context = try shape("positional_embedding", rank: 2)[0]
        let vocabulary = try shape("token_embedding.weight", rank: 2)[0]
        embedding = try shape("text_projection", rank: 2)[1]
        // Heads are in no tensor. OpenAI's are 64 wide, up to a width of 1024; larger towers are OpenCLIP's, of 80 to
        // 104.
        guard conv[0] <= 1024 else {
            throw CheckpointError(
                source.origin,
                .malformed(
                    "the attention heads of an image tower of width \(conv[0]) are not in the tensors; put the model's "
                        + "open_clip_config.json or config.json beside it"))
        }
        func inner(_ prefix: String) -> Int? { source.tensors["\(prefix).0.mlp.c_fc.weight"]?.shape.first }
        vision = Vision(
            width: conv[0], layers: layers("visual.transformer.resblocks."), heads: max(1, conv[0] / 64),
            patch: conv[2], side: grid * conv[2], inner: inner("visual.transformer.resblocks"),
            linearPatch: Self.linearPatch(source))
        text = Text(
            width: width, layers: layers("transformer.resblocks."), heads: max(1, width / 64), context: context,
            vocabulary: vocabulary, inner: inner("transformer.resblocks"))
        for (tower, width, heads, layers) in [
            ("vision", vision.width, vision.heads, vision.layers), ("text", text.width, text.heads, text.layers),
        ] {
            guard width % heads == 0, layers > 0 else {
                throw CheckpointError(
                    source.origin,
                    .malformed("the \(tower) tower of width \(width) with \(layers) layers is not CLIP's"))
            }
        }
    }

    /// A checkpoint that has the kernel of 3D patches was trained with them (CLIP4CLIP section 2).
    static func linearPatch(_ source: some TensorSource) -> LinearPatch {
        source.has("visual.conv2.weight") ? .spatiotemporal : .planar
    }

    package init(vision: Vision, text: Text, embedding: Int) {
        self.vision = vision
        self.text = text
        self.embedding = embedding
    }
}
