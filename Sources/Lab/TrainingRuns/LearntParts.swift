/// The parts of a model that a training changes.
package enum LearntParts: String, CaseIterable, Sendable {
    /// The head alone.
    case head
    /// The head and the text tower.
    case text
    /// The head and both towers; training then needs the pictures, not cached embeddings.
    case all
}

/// The kind of patches, if they are trained.
package enum PatchKind: String, CaseIterable, Sendable {
    /// Patches of one frame.
    case planar = "2d"
    /// Patches of three frames.
    case spatiotemporal = "3d"
}
