/// The parts of a model that a training changes.
package enum LearntParts: String, CaseIterable, Sendable {
    /// The head alone.
    case head
    /// The head and the text tower.
    case text
    /// The head and both towers; so training needs the pictures, not embeddings made before.
    case all
}

/// Kind of the layer that makes patches of frames, where that is learnt.
package enum PatchKind: String, CaseIterable, Sendable {
    /// Patches of one frame.
    case planar = "2d"
    /// Patches of three frames.
    case spatiotemporal = "3d"
}
