import Matching

/// A query to be judged in a window, and its scores there.
struct Found {
    let standing: RegisteredQuery
    let score: Float
    /// The window's scores against the query's contrasts, in the rule's order.
    let contrasts: [Float]
}

/// A head's output for one window.
struct HeadOutput {
    /// The queries that the window may match or that are in motion, in no order.
    let found: [Found]
    /// The clip embedding `[d]` of length 1; the mean head's if the head itself pairs.
    let clip: [Float]
}

/// A window of a lane between the arrival of its frames and its judgement.
final class PendingWindow {
    /// Whether the window is scored again in float32.
    enum Review {
        case open
        /// The window will be scored again in float32, since its score is too close to a threshold.
        ///
        /// `isApart`: none of its frames had a float32 embedding before.
        case due(isApart: Bool)
        case done
    }

    let key: GroupKey
    let lane: Lane
    let span: WindowSpan
    let still: Still
    /// The pictures of the window's frames, oldest first; empty if they are not kept.
    let pictures: [HeldPicture]
    /// The head's output; nil before the head was called, or if it failed.
    var look: HeadOutput?
    var review = Review.open

    init(_ key: GroupKey, of lane: Lane, _ span: WindowSpan, _ still: Still = Still(nil)) {
        self.key = key
        self.lane = lane
        self.span = span
        self.still = still
        pictures = lane.pictures(ofLast: span.frames)
    }
}

/// The windows of a batch that one group scores, and their frame embeddings `[count, frames, d]`.
struct WindowBatch {
    let key: GroupKey
    private(set) var frames: [Float] = []
    private(set) var windows: [PendingWindow] = []

    init(_ key: GroupKey) { self.key = key }

    /// Adds the newest frames of a lane as a window; returns nil if the lane has none.
    mutating func add(_ lane: Lane, _ still: Still = Still(nil)) -> PendingWindow? {
        let (offset, length) = (frames.count, key.frames * lane.window.width)
        frames.append(contentsOf: repeatElement(0, count: length))
        guard let span = lane.window.copyLast(key.frames, into: &frames, at: offset) else {
            frames.removeLast(length)
            return nil
        }
        let window = PendingWindow(key, of: lane, span, still)
        windows.append(window)
        return window
    }

    /// Makes a batch of one window from embeddings of its frames, `[frames, d]`, oldest first; pads missing frames.
    init(_ window: PendingWindow, _ rows: [Float], width: Int) {
        key = window.key
        frames = rows + [Float](repeating: 0, count: key.frames * width - rows.count)
        windows = [window]
    }
}
