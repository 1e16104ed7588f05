import DequeModule
import Synchronization

/// Recognises coded units that a stream has played before, by their hashes.
///
/// A playlist that is opened again begins some segments before its end; these are not shown again.
package struct UnitRecall: Sendable {
    /// The number of units that are kept: some minutes.
    package static let maxKept = 8192
    /// The number of first units among which one must be known: parsers may put parameters before the first one.
    private static let patience = 30

    private var kept: Deque<UInt64> = []
    /// The units kept when the source was opened; `places` has the possible positions of the last unit in them.
    ///
    /// `places` is nil once a unit is new.
    private var before: [UInt64] = []
    private var places: [Int]?
    private var hasMatched = false
    private var missed = 0

    package init() {}

    /// Begins another opening of the source.
    package mutating func begin() {
        before = Array(kept)
        places = before.isEmpty ? nil : []
        (hasMatched, missed) = (false, 0)
    }

    /// Whether the next unit has been played before, as well as all since the first known one.
    package mutating func isKnown(_ unit: UInt64) -> Bool {
        guard let last = places else {
            keep(unit)
            return false
        }
        let next: [Int] =
            hasMatched
            ? last.compactMap { $0 + 1 < before.count && before[$0 + 1] == unit ? $0 + 1 : nil }
            : before.indices.filter { before[$0] == unit }
        guard !next.isEmpty else {
            missed += 1
            if hasMatched || missed >= Self.patience { places = nil }
            keep(unit)
            return false
        }
        (places, hasMatched) = (next, true)
        return true
    }

    private mutating func keep(_ unit: UInt64) {
        kept.append(unit)
        if kept.count > Self.maxKept { kept.removeFirst() }
    }
}

/// The units that one stream has played over all openings of its source.
package final class UnitMemory: Sendable {
    private let recall = Mutex(UnitRecall())
    /// The presentation time in nanoseconds, plus one, up to which pictures were seen before; 0 for none.
    private let seen = Atomic<UInt64>(0)

    package init() {}

    package func begin() {
        seen.store(0, ordering: .relaxed)
        recall.withLock { $0.begin() }
    }

    /// Records a unit that goes to the decoder.
    package func observe(_ unit: UInt64, at time: UInt64?) {
        guard recall.withLock({ $0.isKnown(unit) }), let time else { return }
        seen.store(max(seen.load(ordering: .relaxed), time + 1), ordering: .relaxed)
    }

    /// Whether a picture has been seen before.
    package func hasSeen(_ time: UInt64) -> Bool { time < seen.load(ordering: .relaxed) }
}
