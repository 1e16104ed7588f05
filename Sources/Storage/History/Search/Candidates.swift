/// The best slots of one text so far, over all segments.
struct Candidates {
    struct Slot: Equatable {
        /// The index of the segment among those searched.
        var segment: Int
        var slot: Int
        /// The ordinals of the slot's windows, the first and the last.
        var entries: ClosedRange<Int>
        /// The score by the high planes.
        var score: Float
    }

    private(set) var slots: [Slot] = []
    private let most: Int
    private let margin: Float
    /// The score below which no slot is kept.
    private(set) var floor = -Float.infinity

    /// Keeps the `most` best slots, and those up to `margin` below the last of them, as their scores are not exact.
    init(most: Int, margin: Float) { (self.most, self.margin) = (most, margin) }

    mutating func add(_ slot: Slot) {
        guard slot.score >= floor else { return }
        slots.append(slot)
        if slots.count >= 4 * most + 256 { trim() }
    }

    /// Sorts the slots, the best first, and drops those below the floor.
    mutating func trim() {
        slots.sort { ($0.score, $1.segment, $1.slot) > ($1.score, $0.segment, $0.slot) }
        guard slots.count > most else { return }
        floor = max(floor, slots[most - 1].score - margin)
        // Of many that are alike no more are kept than can be looked at.
        let kept = slots.prefix { $0.score >= floor }.count
        slots.removeSubrange(min(kept, 4 * most + 128)...)
    }
}
