/// Frame embeddings of several videos, all of one length, of which the first few are valid.
package struct Windows<Real: Sendable>: Sendable {
    /// `[videos, T, D]`.
    package var frames: [Real]
    /// Valid frames of each video.
    package let valid: [Int]
    package let width: Int
    package var length: Int { valid.isEmpty ? 0 : frames.count / (valid.count * width) }

    package init(frames: [Real], valid: [Int], width: Int) {
        precondition(valid.isEmpty || frames.count % (valid.count * width) == 0)
        (self.frames, self.valid, self.width) = (frames, valid, width)
    }
}
