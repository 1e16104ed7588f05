/// The position of a window in its stream: media and wall time of its first and last frame, in seconds.
package struct WindowSpan: Sendable, Equatable {
    package let mediaStart: Double
    package let mediaEnd: Double
    package let wallStart: Double
    package let wallEnd: Double
    /// The frames in the window; fewer than its length while a stream is young.
    package let frames: Int

    package init(mediaStart: Double, mediaEnd: Double, wallStart: Double, wallEnd: Double, frames: Int) {
        self.mediaStart = mediaStart
        self.mediaEnd = mediaEnd
        self.wallStart = wallStart
        self.wallEnd = wallEnd
        self.frames = frames
    }
}

/// The last frame embeddings of a stream, `[count, width]`, not normalised; the window slides by one sampled frame.
///
/// It is a ring: when it is full, a new frame overwrites the oldest one, and nothing is allocated. With 3D patches, a
/// frame's embedding depends on its neighbours in the window. Then three are kept of each frame: as a window's last
/// frame, as an inner frame, and as the first.
package struct FrameWindow: Sendable {
    package let width: Int
    /// Whether a frame's embedding depends on its place in the window (3D patches).
    package let hasEdges: Bool
    package private(set) var capacity: Int
    package private(set) var count = 0
    /// The embeddings `[capacity, width]` of inner frames; without 3D patches, of all frames.
    private var embeddings: [Float]
    /// The embeddings `[capacity, width]` of first frames; `lasts` has those of last ones.
    ///
    /// Both are empty without 3D patches.
    private var firsts: [Float]
    private var lasts: [Float]
    private var media: [Double]
    private var wall: [Double]
    /// The slot of the next frame.
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

    /// Adds the next frame; with 3D patches, `embedding` is that of a window's last frame.
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

    /// Sets the newest frame's embeddings as an inner and as a first frame, before the next frame is appended.
    ///
    /// They are known only when the next frame has arrived.
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

    /// Grows the ring for longer windows; keeps its frames.
    package mutating func grow(to capacity: Int) {
        guard capacity > self.capacity else { return }
        var grown = FrameWindow(width: width, capacity: capacity, hasEdges: hasEdges)
        for age in stride(from: count - 1, through: 0, by: -1) {
            let slot = slot(age: age)
            func row(_ values: [Float]) -> [Float] { Array(values[slot * width..<(slot + 1) * width]) }
            grown.append(row(hasEdges ? lasts : embeddings), mediaTime: media[slot], wallClock: wall[slot])
            if hasEdges { grown.complete(inner: row(embeddings), first: row(firsts)) }
        }
        self = grown
    }

    /// Copies the last `length` frames, oldest first, to `out[offset...]` as `[length, width]`.
    ///
    /// If the window is young, its frames come first, and the rest of `out` is left as it is. Returns nil if there is
    /// no frame.
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

    /// The last `length` frames with their media times, oldest first, each embedded for its place in a longer window.
    package func last(_ length: Int) -> [(embedding: [Float], mediaTime: Double)] {
        (0..<min(length, count)).reversed().map { age in
            let slot = slot(age: age)
            let rows = hasEdges && age == 0 ? lasts : embeddings
            return (Array(rows[slot * width..<(slot + 1) * width]), media[slot])
        }
    }

    /// The slot of the frame that came `age` frames before the newest.
    private func slot(age: Int) -> Int { (next - 1 - age + 2 * capacity) % capacity }
}
