import Matching

/// A query with its scores in one window.
struct Found {
    let standing: RegisteredQuery
    let score: Float
    /// The window's scores for the texts that the query is contrasted with, in the query's order.
    let contrasts: [Float]
}

/// The output of a head (a model that scores windows) for one window.
struct HeadOutput {
    /// The queries that may match the window or have an event in progress, with their scores; unordered.
    let found: [Found]
    /// The embedding of the whole window `[d]`, of length 1; by the mean head if the query's head gives only scores.
    let clip: [Float]
}

/// A window of a lane (a stream or region) that is not judged yet.
final class PendingWindow {
    /// The state of the decision whether the window is scored again in float32.
    enum Rescoring {
        case undecided
        /// The window must be scored again in float32, since its score is too close to a threshold.
        ///
        /// `isApart` is true if none of its frames had a float32 embedding before.
        case due(isApart: Bool)
        case done
    }

    let key: GroupKey
    let lane: Lane
    let span: WindowSpan
    let still: Still
    /// The pictures of the window's frames, oldest first; empty if they are not kept.
    let pictures: [HeldPicture]
    /// The scores and embedding of the window; nil before it is scored, or if scoring failed.
    var output: HeadOutput?
    var rescoring = Rescoring.undecided

    init(_ key: GroupKey, of lane: Lane, _ span: WindowSpan, _ still: Still = Still(nil)) {
        self.key = key
        self.lane = lane
        self.span = span
        self.still = still
        pictures = lane.pictures(ofLast: span.frames)
    }
}

/// The windows that are scored at once for one group of queries, with their frame embeddings `[count, frames, d]`.
struct WindowBatch {
    let key: GroupKey
    private(set) var frames: [Float] = []
    private(set) var windows: [PendingWindow] = []

    init(_ key: GroupKey) { self.key = key }

    /// Adds the newest frames of a lane (a stream or region) as a window; returns nil if it has no frame.
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

    /// Makes a batch of one window from its frames' embeddings `[frames, d]`, oldest first; missing frames are zeros.
    init(_ window: PendingWindow, _ rows: [Float], width: Int) {
        key = window.key
        frames = rows + [Float](repeating: 0, count: key.frames * width - rows.count)
        windows = [window]
    }
}
