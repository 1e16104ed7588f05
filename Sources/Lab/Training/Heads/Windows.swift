/// The frame embeddings of several videos, padded to the same number of frames T.
package struct Windows<Real: Sendable>: Sendable {
    /// The frame embeddings `[videos, T, D]`; padding follows each video's valid frames.
    package var frames: [Real]
    /// The number of valid frames of each video; the remaining ones are padding.
    package let valid: [Int]
    package let width: Int
    package var length: Int { valid.isEmpty ? 0 : frames.count / (valid.count * width) }

    package init(frames: [Real], valid: [Int], width: Int) {
        precondition(valid.isEmpty || frames.count % (valid.count * width) == 0)
        (self.frames, self.valid, self.width) = (frames, valid, width)
    }
}
