import Matching

/// A query that has to be looked at in a window, and what it scored there.
struct Found {
    let standing: RegisteredQuery
    let score: Float
    /// Scores of its contrasts, in the rule's order.
    let contrasts: [Float]
}

/// A head's output for one window.
struct HeadOutput {
    /// Queries that the window may match or that are in motion, in no order.
    let found: [Found]
    /// The clip embedding `[d]`, of unit length; by the mean head if its own pairs.
    let clip: [Float]
}

/// A window of a lane, on its way from frames to what it comes to.
final class PendingWindow {
    /// Whether it is scored again in float32.
    enum Review {
        case open
        /// As soon as its frames have been embedded so: as it is, it may match or not.
        ///
        /// `isApart`: none of its frames had been embedded so before.
        case due(isApart: Bool)
        case done
    }

    let key: GroupKey
    let lane: Lane
    let span: WindowSpan
    let still: Still
    /// Pictures of its frames, oldest first; empty where they are not held.
    let pictures: [HeldPicture]
    /// Nil before its head has looked, or if it could not.
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

    /// Takes the newest frames of a lane as a window; nil if it has none.
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

    /// A window by itself, and embeddings of its frames, `[frames, d]`, oldest first: fewer than its length are padded.
    init(_ window: PendingWindow, _ rows: [Float], width: Int) {
        key = window.key
        frames = rows + [Float](repeating: 0, count: key.frames * width - rows.count)
        windows = [window]
    }
}
