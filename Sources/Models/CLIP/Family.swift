import Pixels

/// A family of image-text models that Watchword can read.
package enum Family: String, Sendable, CaseIterable {
    case clip = "CLIP"
    case siglip = "SigLIP"
    case perceptionEncoder = "PE-Core"
    case mobileCLIP = "MobileCLIP"

    /// Returns the family's usual preprocessing for pictures of this side, for models without a preprocessing file.
    package func preprocessing(side: Int) -> Preprocessing {
        let half = Normalisation(mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5])
        let none = Normalisation(mean: [0, 0, 0], deviation: [1, 1, 1])
        return switch self {
        case .clip: Preprocessing(framing: Framing(side: side))
        case .siglip: Preprocessing(framing: Framing(side: side, fit: .squash(side)), normalisation: half)
        case .perceptionEncoder:
            Preprocessing(framing: Framing(side: side, fit: .squash(side), filter: .bilinear), normalisation: half)
        case .mobileCLIP: Preprocessing(framing: Framing(side: side, filter: .bilinear), normalisation: none)
        }
    }
}

/// The differences of a model's image tower from that of OpenAI's CLIP.
///
/// Other code asks for these properties, not for the family. Source: docs/MATHEMATICS.md, sections 12.1 to 12.7.
package struct VisionForm: Sendable, Equatable {
    /// The first layers of an image tower, which turn pixels into tokens.
    package enum Patches: Sendable {
        /// One convolution, without or with a bias.
        case convolution, biasedConvolution
        /// Three convolutions of 4, 2 and 2 pixels, with batch norm and GELU after the first two (MobileCLIP).
        case stem
    }

    /// The step that reduces all tokens of a picture to one vector.
    package enum Pooling: Sendable, Equatable {
        case classToken
        /// Attention of one learnt query over all tokens, with this many attention heads.
        case attention(heads: Int)
    }

    /// The last layer of an image tower, which maps its width to the width of embeddings.
    package enum Projection: Sendable { case none, matrix, biasedMatrix }

    package var patches = Patches.convolution
    package var hasClassToken = true
    /// True if a position embedding is added to the class token, too.
    package var placesClassToken = true
    /// True if a LayerNorm precedes the first transformer block.
    package var hasPreNorm = true
    /// True if attention uses 2D rotary positions: it rotates queries and keys by the column and row of their patch.
    package var isRotary = false
    package var pooling = Pooling.classToken
    package var projection = Projection.matrix

    package static let clip = VisionForm()

    package static func siglip(poolingHeads: Int) -> VisionForm {
        VisionForm(
            patches: .biasedConvolution, hasClassToken: false, hasPreNorm: false,
            pooling: .attention(heads: poolingHeads), projection: .none)
    }

    package static func perceptionEncoder(
        poolingHeads: Int = 8, hasClassToken: Bool, projection: Projection
    ) -> VisionForm {
        VisionForm(
            hasClassToken: hasClassToken, isRotary: true, pooling: .attention(heads: poolingHeads),
            projection: projection)
    }

    package static let mobileCLIP = VisionForm(
        patches: .stem, placesClassToken: false, hasPreNorm: false, projection: .biasedMatrix)
}

/// The differences of a model's text tower from that of OpenAI's CLIP.
package struct TextForm: Sendable, Equatable {
    package var isCausal = true
    /// True if the text embedding is read at the last position, in texts padded to full length.
    ///
    /// Otherwise it is read at the position of the end token.
    package var poolsLast = false
    package var hasProjection = true
    package var hasProjectionBias = false

    package static let clip = TextForm()
    package static let siglip = TextForm(isCausal: false, poolsLast: true, hasProjectionBias: true)
}
