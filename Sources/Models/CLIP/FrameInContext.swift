package import Pixels

/// A frame with its neighbours in the window, as 3D patches see it.
///
/// A missing neighbour counts as a frame of zeros, as beyond the ends of a window (docs/MATHEMATICS.md, section 5). 2D
/// patches see only the frame.
package struct FrameInContext: Sendable {
    package let previous: Picture?
    package let picture: Picture
    package let next: Picture?

    package init(_ picture: Picture, previous: Picture? = nil, next: Picture? = nil) {
        self.previous = previous
        self.picture = picture
        self.next = next
    }

    /// Returns the frames of a whole window or clip, in order, with their neighbours.
    package static func window(_ pictures: [Picture]) -> [FrameInContext] {
        pictures.indices.map { index in
            FrameInContext(
                pictures[index], previous: index > 0 ? pictures[index - 1] : nil,
                next: index + 1 < pictures.count ? pictures[index + 1] : nil)
        }
    }
}

/// Collects a stream's frames and tells which embeddings to compute, so that any window can be put together.
///
/// With 2D patches a frame has one embedding. With 3D patches it has three, since a window's ends see zeros beyond it
/// (docs/MATHEMATICS.md, section 11): as the last frame of a window, computed at once; as an inner frame and as a first
/// frame, computed when the next frame arrives. A stream's first frame is a window's first. Its newest is always a
/// window's last, so no window waits for a frame that may never come.
package struct FrameSequence: Sendable {
    /// The embeddings to compute when a frame arrives.
    package struct Due: Sendable {
        /// The new frame, as the last frame of a window.
        package let newest: FrameInContext
        /// The previous frame, as an inner and as a first frame of a window; nil with 2D patches or at the start.
        package let completed: (inner: FrameInContext, first: FrameInContext)?
    }

    private let linearPatch: LinearPatch
    /// The two latest frames, the newest last.
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

    /// Forgets the frames so far: the next one starts a new sequence.
    package mutating func clear() { latest = [] }
}
