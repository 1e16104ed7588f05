import Checkpoints
package import Tensors

/// The kind of convolution that projects the pixels of a frame to patches.
///
/// Source: CLIP4Clip's `linear_patch`; Luo et al. 2021, section 3.1.
package enum LinearPatch: String, Sendable, Equatable {
    /// A 2D convolution of a single frame, the tensor `visual.conv1`.
    case planar = "2d"
    /// A 3D convolution over a frame and its two neighbours in the window, the tensor `visual.conv2`.
    case spatiotemporal = "3d"
}

/// The sizes of a CLIP-like model: an image tower and a text tower with embeddings of the same width.
package struct Architecture: Sendable, Equatable {
    package struct Vision: Sendable, Equatable {
        package var width: Int
        package var layers: Int
        package var heads: Int
        package var patch: Int
        /// The side of the square input picture, in pixels.
        package var side: Int
        /// The width of the hidden layer in the MLP of each transformer block.
        package var inner: Int
        package var epsilon: Float = 1e-5
        package var activation: Activation = .quickGELU
        package var linearPatch = LinearPatch.planar
        package var form = VisionForm.clip
        /// The number of patches along each side of a picture.
        ///
        /// Pixels beyond the last patch, at the right and at the bottom, are ignored.
        package var grid: Int { side / patch }
        /// The number of tokens for one picture: its patches, and the class token if the tower has one.
        package var tokens: Int { grid * grid + (form.hasClassToken ? 1 : 0) }

        /// Makes a description of an image tower; `inner` defaults to four times the width, as in OpenAI's models.
        package init(
            width: Int, layers: Int, heads: Int, patch: Int, side: Int, inner: Int? = nil, epsilon: Float = 1e-5,
            activation: Activation = .quickGELU, linearPatch: LinearPatch = .planar, form: VisionForm = .clip
        ) {
            (self.width, self.layers, self.heads, self.patch, self.side) = (width, layers, heads, patch, side)
            self.inner = inner ?? 4 * width
            (self.epsilon, self.activation, self.linearPatch, self.form) = (epsilon, activation, linearPatch, form)
        }
    }

    package struct Text: Sendable, Equatable {
        package var width: Int
        package var layers: Int
        package var heads: Int
        package var context: Int
        package var vocabulary: Int
        /// The width of the hidden layer in the MLP of each transformer block.
        package var inner: Int
        package var epsilon: Float = 1e-5
        package var activation: Activation = .quickGELU
        /// The end token, at whose position the text embedding is read.
        ///
        /// nil means the first position of the largest token id, as in CLIP4Clip.
        package var endToken: Int?
        package var form = TextForm.clip

        /// Makes a description of a text tower; `inner` defaults to four times the width, as in OpenAI's models.
        package init(
            width: Int, layers: Int, heads: Int, context: Int, vocabulary: Int, inner: Int? = nil,
            epsilon: Float = 1e-5, activation: Activation = .quickGELU, endToken: Int? = nil, form: TextForm = .clip
        ) {
            (self.width, self.layers, self.heads) = (width, layers, heads)
            (self.context, self.vocabulary) = (context, vocabulary)
            self.inner = inner ?? 4 * width
            (self.epsilon, self.activation, self.endToken, self.form) = (epsilon, activation, endToken, form)
        }
    }

    package var vision: Vision
    package var text: Text
    /// The width `d` of text and image embeddings.
    package var embedding: Int
    package var family = Family.clip
    /// True if the model adds a bias to scores, so that the sigmoid of a score is the probability of its pair (SigLIP).
    package var isSigmoid = false

    /// The model's usual name for people, such as "ViT-B/32".
    package var name: String {
        let size =
            switch (vision.width, vision.layers) {
            case (768, 12): "B"
            case (1024, 24): "L"
            case (1280, 32): "H"
            default: "\(vision.width)x\(vision.layers)"
            }
        let prefix = family == .clip ? "" : "\(family.rawValue) "
        return prefix + "ViT-\(size)/\(vision.patch)" + (vision.side == 224 ? "" : "@\(vision.side)")
            + (vision.linearPatch == .planar ? "" : " 3D")
    }

    /// Returns the kind of patch convolution that a checkpoint has: 3D if it contains `visual.conv2.weight`.
    ///
    /// Source: docs/MATHEMATICS.md, section 2.
    static func linearPatch(_ source: some TensorSource) -> LinearPatch {
        source.has("visual.conv2.weight") ? .spatiotemporal : .planar
    }

    package init(vision: Vision, text: Text, embedding: Int, family: Family = .clip, isSigmoid: Bool = false) {
        (self.vision, self.text, self.embedding) = (vision, text, embedding)
        (self.family, self.isSigmoid) = (family, isSigmoid)
    }
}
