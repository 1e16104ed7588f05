package import Pixels

/// A frame and its neighbours in the window: what 3D patches see.
///
/// No neighbour is a frame of zeros, as beyond the ends of a window (CLIP4CLIP section 5). 2D patches see the frame
/// only.
package struct FrameInContext: Sendable {
    package let previous: Picture?
    package let picture: Picture
    package let next: Picture?

    package init(_ picture: Picture, previous: Picture? = nil, next: Picture? = nil) {
        self.previous = previous
        self.picture = picture
        self.next = next
    }

    /// The frames of a whole window, or clip, in their order.
    package static func window(_ pictures: [Picture]) -> [FrameInContext] {
        pictures.indices.map { index in
            FrameInContext(
                pictures[index], previous: index > 0 ? pictures[index - 1] : nil,
                next: index + 1 < pictures.count ? pictures[index + 1] : nil)
        }
    }
}

/// The frames of a stream on their way to embeddings that any window can be put together from.
///
/// With 2D patches a frame has one embedding. With 3D patches it has three, since a window's ends see zeros beyond it
/// (CLIP4CLIP S16): as a window's last frame, known at once; as an inner one and as a window's first, known when the
/// next frame has come. A stream's first frame is a window's first; its newest always a window's last, so that nothing
/// waits for a frame that may never come.
package struct FrameSequence: Sendable {
    /// The frames to embed when one has come.
    package struct Due: Sendable {
        /// The new frame, as the last of a window.
        package let newest: FrameInContext
        /// The frame before it, now as an inner one and as a window's first; nil with 2D patches, or if there is none.
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

    /// Nothing continues what came before.
    package mutating func clear() { latest = [] }
}
