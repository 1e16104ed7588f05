/// The position of a window in its stream: the media and wall-clock times of its first and last frame, in seconds.
package struct WindowSpan: Sendable, Equatable {
    package let mediaStart: Double
    package let mediaEnd: Double
    package let wallStart: Double
    package let wallEnd: Double
    /// The number of frames in the window; fewer than its length while a stream is young.
    package let frames: Int

    package init(mediaStart: Double, mediaEnd: Double, wallStart: Double, wallEnd: Double, frames: Int) {
        self.mediaStart = mediaStart
        self.mediaEnd = mediaEnd
        self.wallStart = wallStart
        self.wallEnd = wallEnd
        self.frames = frames
    }
}

/// A ring buffer of a stream's last frame embeddings, `[count, width]`, not normalised.
///
/// When it is full, a new frame overwrites the oldest, and nothing is allocated.
///
/// Some image towers have 3D patches: the embedding of a frame depends on the frames beside it, and so on its place in
/// the window. The buffer then keeps three embeddings of each frame: for when it is the first, an inner or the last
/// frame.
package struct FrameWindow: Sendable {
    package let width: Int
    /// True if a frame's embedding depends on its position in the window (3D patches).
    package let hasEdges: Bool
    package private(set) var capacity: Int
    package private(set) var count = 0
    /// The embedding of each frame, `[capacity, width]` in ring-buffer order; with 3D patches, for when it is an inner
    /// frame.
    private var embeddings: [Float]
    /// With 3D patches, the embedding of each frame for when it is the first of a window; `lasts`: when it is the last.
    ///
    /// Each is `[capacity, width]`, in ring-buffer order, and empty without 3D patches.
    private var firsts: [Float]
    private var lasts: [Float]
    private var media: [Double]
    private var wall: [Double]
    /// The position in the ring buffer at which the next frame is stored.
    private var next = 0

    package init(width: Int, capacity: Int, hasEdges: Bool = false) {
        precondition(width > 0 && capacity > 0)
        self.width = width
        self.hasEdges = hasEdges
        self.capacity = capacity
        embeddings = [Float](repeating: 0, count: width * capacity)
        firsts = hasEdges ? embeddings : []
        lasts = firsts
        media = [Double](repeating: 0, count: capacity)
        wall = [Double](repeating: 0, count: capacity)
    }

    /// Adds the next frame; with 3D patches, `embedding` must be the one for when it is the last frame of a window.
    ///
    /// `mediaTime` is in seconds, `wallClock` in seconds since 1970.
    package mutating func append(_ embedding: [Float], mediaTime: Double, wallClock: Double) {
        precondition(embedding.count == width)
        let place = next * width..<(next + 1) * width
        embeddings.replaceSubrange(place, with: embedding)
        if hasEdges {
            firsts.replaceSubrange(place, with: embedding)
            lasts.replaceSubrange(place, with: embedding)
        }
        media[next] = mediaTime
        wall[next] = wallClock
        next = (next + 1) % capacity
        count = min(count + 1, capacity)
    }

    /// With 3D patches, sets the two other embeddings of the newest frame.
    ///
    /// `inner` is used where the frame stands inside a window, and `first` where it begins one. Both depend on the
    /// frame after it, so call this when that frame has arrived, just before `append` adds it.
    package mutating func complete(inner: [Float], first: [Float]) {
        precondition(hasEdges && count > 0 && inner.count == width && first.count == width)
        let slot = slot(age: 0)
        embeddings.replaceSubrange(slot * width..<(slot + 1) * width, with: inner)
        firsts.replaceSubrange(slot * width..<(slot + 1) * width, with: first)
    }

    package mutating func clear() {
        count = 0
        next = 0
    }

    /// Enlarges or shrinks the buffer for windows of another length; the newest frames that fit in are kept.
    package mutating func resize(to capacity: Int) {
        guard capacity != self.capacity else { return }
        var resized = FrameWindow(width: width, capacity: capacity, hasEdges: hasEdges)
        for age in stride(from: min(count, capacity) - 1, through: 0, by: -1) {
            let slot = slot(age: age)
            func row(_ values: [Float]) -> [Float] { Array(values[slot * width..<(slot + 1) * width]) }
            resized.append(row(hasEdges ? lasts : embeddings), mediaTime: media[slot], wallClock: wall[slot])
            if hasEdges { resized.complete(inner: row(embeddings), first: row(firsts)) }
        }
        self = resized
    }

    /// Copies the last `length` frames, oldest first, to `out[offset...]` as `[length, width]`; returns their span of
    /// time.
    ///
    /// If there are fewer frames, the remainder of `out` is unchanged. Returns nil if there is no frame.
    package func copyLast(_ length: Int, into out: inout [Float], at offset: Int) -> WindowSpan? {
        let frames = min(length, count)
        guard frames > 0 else { return nil }
        for index in 0..<frames {
            let slot = slot(age: frames - 1 - index)
            let (to, from) = (offset + index * width, slot * width..<(slot + 1) * width)
            if hasEdges, index == frames - 1 {
                out.replaceSubrange(to..<to + width, with: lasts[from])
            } else if hasEdges, index == 0 {
                out.replaceSubrange(to..<to + width, with: firsts[from])
            } else {
                out.replaceSubrange(to..<to + width, with: embeddings[from])
            }
        }
        let (first, last) = (slot(age: frames - 1), slot(age: 0))
        return WindowSpan(
            mediaStart: media[first], mediaEnd: media[last], wallStart: wall[first], wallEnd: wall[last], frames: frames
        )
    }

    /// Returns the embeddings and media times of the last `length` frames, oldest first.
    ///
    /// With 3D patches, it returns the embedding for an inner frame of a window for all but the newest, which is the
    /// last.
    package func last(_ length: Int) -> [(embedding: [Float], mediaTime: Double)] {
        (0..<min(length, count)).reversed().map { age in
            let slot = slot(age: age)
            let rows = hasEdges && age == 0 ? lasts : embeddings
            return (Array(rows[slot * width..<(slot + 1) * width]), media[slot])
        }
    }

    /// Returns the ring buffer's position of the frame that came `age` frames before the newest.
    private func slot(age: Int) -> Int { (next - 1 - age + 2 * capacity) % capacity }
}
