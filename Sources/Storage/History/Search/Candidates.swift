/// The best slots of one text so far, of all segments.
struct Candidates {
    struct Slot: Equatable {
        /// Index among the segments that are searched.
        var segment: Int
        var slot: Int
        /// Ordinals of the slot's first window, and of the one before the next slot's.
        var entries: ClosedRange<Int>
        /// By the high planes.
        var score: Float
    }

    private(set) var slots: [Slot] = []
    private let most: Int
    private let margin: Float
    /// No slot below it matters.
    private(set) var floor = -Float.infinity

    /// `margin`: slots so far below the last that counts are kept, since their scores are not exact.
    init(most: Int, margin: Float) { (self.most, self.margin) = (most, margin) }

    mutating func add(_ slot: Slot) {
        guard slot.score >= floor else { return }
        slots.append(slot)
        if slots.count >= 4 * most + 256 { trim() }
    }

    /// Puts them in order, the best first.
    mutating func trim() {
        slots.sort { ($0.score, $1.segment, $1.slot) > ($1.score, $0.segment, $0.slot) }
        guard slots.count > most else { return }
        floor = max(floor, slots[most - 1].score - margin)
        // Of many that are alike no more are kept than can be looked at.
        let kept = slots.prefix { $0.score >= floor }.count
        slots.removeSubrange(min(kept, 4 * most + 128)...)
    }
}
