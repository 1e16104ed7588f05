import Checkpoints
package import Tensors

/// The kernel that projects frames to patches.
///
/// Source: CLIP4Clip's `linear_patch`; Luo et al. 2021, section 3.1.
package enum LinearPatch: String, Sendable, Equatable {
    /// A 2D convolution of each frame by itself, `visual.conv1`.
    case planar = "2d"
    /// A 3D convolution over a frame and its two neighbours in the window, `visual.conv2`.
    case spatiotemporal = "3d"
}

/// The sizes and forms of a model: a vision transformer and a text transformer with one joint space.
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
        package var form = VisionForm.clip
        /// The number of patches at each side; pixels beyond the last patch at the right and below are ignored.
        package var grid: Int { side / patch }
        /// The number of tokens of one picture: the class token, if there is one, and the patches.
        package var tokens: Int { grid * grid + (form.hasClassToken ? 1 : 0) }

        /// Makes a vision tower's sizes; `inner` defaults to four times the width, as in OpenAI's models.
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
        /// Width of the hidden layer of a block's MLP.
        package var inner: Int
        package var epsilon: Float = 1e-5
        package var activation: Activation = .quickGELU
        /// The end token, whose place is pooled; nil means the first place of the largest id, as in CLIP4Clip.
        package var endToken: Int?
        package var form = TextForm.clip

        /// Makes a text tower's sizes; `inner` defaults to four times the width, as in OpenAI's models.
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
    /// Width of the joint space, `d`.
    package var embedding: Int
    package var family = Family.clip
    /// Whether scores have a bias, so that the sigmoid of a score is the probability of its pair alone.
    package var isSigmoid = false

    /// A common name of the model for people, such as "ViT-B/32".
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

    /// The kernel that a checkpoint was trained with: 3D if it holds a kernel for 3D patches.
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
