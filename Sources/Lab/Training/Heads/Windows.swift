/// The frame embeddings of several videos of equal length, each with some valid frames at the beginning.
package struct Windows<Real: Sendable>: Sendable {
    /// The embeddings `[videos, T, D]`.
    package var frames: [Real]
    /// The number of valid frames of each video.
    package let valid: [Int]
    package let width: Int
    package var length: Int { valid.isEmpty ? 0 : frames.count / (valid.count * width) }

    package init(frames: [Real], valid: [Int], width: Int) {
        precondition(valid.isEmpty || frames.count % (valid.count * width) == 0)
        (self.frames, self.valid, self.width) = (frames, valid, width)
    }
}
