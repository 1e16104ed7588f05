package import Pixels

/// A frame with its two neighbours in the window, the input of an image tower with 3D patches.
///
/// A missing neighbour counts as a frame of zeros, as at the ends of a window (docs/MATHEMATICS.md, section 5). An
/// image tower with 2D patches reads only the frame itself.
package struct FrameInContext: Sendable {
    package let previous: Picture?
    package let picture: Picture
    package let next: Picture?

    package init(_ picture: Picture, previous: Picture? = nil, next: Picture? = nil) {
        self.previous = previous
        self.picture = picture
        self.next = next
    }

    /// Returns the frames of a window in order, each with its neighbours in the window.
    package static func window(_ pictures: [Picture]) -> [FrameInContext] {
        pictures.indices.map { index in
            FrameInContext(
                pictures[index], previous: index > 0 ? pictures[index - 1] : nil,
                next: index + 1 < pictures.count ? pictures[index + 1] : nil)
        }
    }
}

/// Collects the frames of one stream and decides which frame embeddings to compute, for windows at any position.
///
/// With 2D patches a frame has one embedding. With 3D patches it has three, because the neighbours beyond a window's
/// ends count as zeros (docs/MATHEMATICS.md, section 11): as the last frame of a window, computed at once; as an inner
/// frame and as a first frame, computed when the next frame arrives. So no window waits for a frame that may never
/// come.
package struct FrameSequence: Sendable {
    /// The frames of which embeddings must be computed after one more frame of a stream arrived.
    package struct Due: Sendable {
        /// The new frame in the role of a window's last frame, which has no next one.
        package let newest: FrameInContext
        /// The previous frame, in the roles of a window's inner frame and first frame.
        ///
        /// nil with 2D patches, and for the first frame of a stream.
        package let completed: (inner: FrameInContext, first: FrameInContext)?
    }

    private let linearPatch: LinearPatch
    /// The last two frames of the stream, the newest last; always empty with 2D patches.
    private var latest: [Picture] = []

    package init(_ linearPatch: LinearPatch) { self.linearPatch = linearPatch }

    package mutating func append(_ picture: Picture) -> Due {
        guard linearPatch == .spatiotemporal else { return Due(newest: FrameInContext(picture), completed: nil) }
        defer { latest = latest.suffix(1) + [picture] }
        guard let last = latest.last else { return Due(newest: FrameInContext(picture), completed: nil) }
        let before = latest.count > 1 ? latest[0] : nil
        return Due(
            newest: FrameInContext(picture, previous: last),
            completed: (
                FrameInContext(last, previous: before, next: picture), FrameInContext(last, next: picture)
            ))
    }

    /// Forgets all frames, so that the next one starts a new sequence without neighbours.
    package mutating func clear() { latest = [] }
}
