import Pixels

/// A family of image-text models that Watchword reads.
package enum Family: String, Sendable, CaseIterable {
    case clip = "CLIP"
    case siglip = "SigLIP"
    case perceptionEncoder = "PE-Core"
    case mobileCLIP = "MobileCLIP"

    /// The family's preprocessing, used if no file describes it.
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

/// How an image tower differs from OpenAI's ViT; each family's differences are listed here only.
///
/// Source: docs/MATHEMATICS.md, sections 12.1 to 12.7.
package struct VisionForm: Sendable, Equatable {
    /// The layer that turns pixels into the first tokens.
    package enum Patches: Sendable {
        /// One convolution, without or with a bias.
        case convolution, biasedConvolution
        /// Three convolutions of 4, 2 and 2 pixels, batch norm and GELU after the first two.
        case stem
    }

    /// The reduction of all tokens to one vector.
    package enum Pooling: Sendable, Equatable {
        case classToken
        /// Attention of one learnt query, with this many attention heads.
        case attention(heads: Int)
    }

    /// The projection into the joint space.
    package enum Projection: Sendable { case none, matrix, biasedMatrix }

    package var patches = Patches.convolution
    package var hasClassToken = true
    /// Whether the class token has a position embedding.
    package var placesClassToken = true
    /// Whether tokens are normalised before the first block.
    package var hasPreNorm = true
    /// Whether attention rotates queries and keys by the column and row of their patch.
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

/// How a text tower differs from OpenAI's.
package struct TextForm: Sendable, Equatable {
    package var isCausal = true
    /// Whether the last place is pooled, in texts padded to full length; else the end token's place.
    package var poolsLast = false
    package var hasProjection = true
    package var hasProjectionBias = false

    package static let clip = TextForm()
    package static let siglip = TextForm(isCausal: false, poolsLast: true, hasProjectionBias: true)
}
