/// The best half minutes (slots) of the recording for one text, over all history files that were searched so far.
struct Candidates {
    struct Slot: Equatable {
        /// The index of the history file among those that are searched.
        var segment: Int
        var slot: Int
        /// The numbers of the first and the last frame with which a window of frames in this half minute ends.
        var entries: ClosedRange<Int>
        /// The approximate score of the half minute's best window, from the upper bytes of the embeddings.
        var score: Float
    }

    private(set) var slots: [Slot] = []
    private let most: Int
    private let margin: Float
    /// The score below which no half minute of the recording is kept.
    private(set) var floor = -Float.infinity

    /// Makes an empty list, which keeps the `most` best half minutes and those up to `margin` worse than these.
    ///
    /// The margin is needed because the scores are only approximate.
    init(most: Int, margin: Float) { (self.most, self.margin) = (most, margin) }

    mutating func add(_ slot: Slot) {
        guard slot.score >= floor else { return }
        slots.append(slot)
        if slots.count >= 4 * most + 256 { trim() }
    }

    /// Sorts the half minutes of the recording, the best first, and drops those that score below `floor`.
    mutating func trim() {
        slots.sort { ($0.score, $1.segment, $1.slot) > ($1.score, $0.segment, $0.slot) }
        guard slots.count > most else { return }
        floor = max(floor, slots[most - 1].score - margin)
        // The number is bounded even if very many half minutes have nearly the same score.
        let kept = slots.prefix { $0.score >= floor }.count
        slots.removeSubrange(min(kept, 4 * most + 128)...)
    }
}
