import DequeModule
import Synchronization

/// Recognises coded pictures that a stream has already played, by their hashes.
///
/// A playlist (HLS) that is opened again begins some segments before the place where it ended; those are not shown
/// again.
package struct UnitRecall: Sendable {
    /// The number of coded pictures whose hashes are kept: some minutes of video.
    package static let maxKept = 8192
    /// The number of first coded pictures of a new opening of which one must be known from the opening before.
    ///
    /// The very first may differ, because parsers may put parameter sets before it.
    private static let patience = 30

    private var kept: Deque<UInt64> = []
    /// The hashes of coded pictures that were played before the source was opened again.
    ///
    /// `places` has the possible indices in it of the last picture. It is nil once a picture is new, after which
    /// nothing is compared any more.
    private var before: [UInt64] = []
    private var places: [Int]?
    private var hasMatched = false
    private var missed = 0

    package init() {}

    /// Begins another opening of the source, whose coded pictures are compared with all that were played before.
    package mutating func begin() {
        before = Array(kept)
        places = before.isEmpty ? nil : []
        (hasMatched, missed) = (false, 0)
    }

    /// Returns true if the coded picture with this hash was played before; false for all after the first new one.
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

/// The memory of the coded pictures that a stream has played in all openings of its source; for all threads.
package final class UnitMemory: Sendable {
    private let recall = Mutex(UnitRecall())
    /// The latest presentation time of a picture that was played before, in nanoseconds plus 1; 0 if there is none.
    private let seen = Atomic<UInt64>(0)

    package init() {}

    package func begin() {
        seen.store(0, ordering: .relaxed)
        recall.withLock { $0.begin() }
    }

    /// Records a coded picture that is given to the decoder: its hash, and its presentation time in nanoseconds.
    package func observe(_ unit: UInt64, at time: UInt64?) {
        guard recall.withLock({ $0.isKnown(unit) }), let time else { return }
        seen.store(max(seen.load(ordering: .relaxed), time + 1), ordering: .relaxed)
    }

    /// Returns true if the picture at a presentation time (nanoseconds) was shown in an earlier opening.
    package func hasSeen(_ time: UInt64) -> Bool { time < seen.load(ordering: .relaxed) }
}
