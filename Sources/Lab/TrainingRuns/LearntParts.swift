/// The parts of a model that a training changes; the other parts are frozen.
package enum LearntParts: String, CaseIterable, Sendable {
    /// Only the head is trained (the part that turns frame embeddings and a text into a score).
    case head
    /// The head and CLIP's text tower are trained.
    case text
    /// The head and both of CLIP's towers are trained, which needs pictures instead of cached embeddings.
    case all
}

/// The kind of image patches that a training uses.
package enum PatchKind: String, CaseIterable, Sendable {
    /// Each patch covers a square of one frame.
    case planar = "2d"
    /// Each patch covers a square of three consecutive frames.
    case spatiotemporal = "3d"
}
