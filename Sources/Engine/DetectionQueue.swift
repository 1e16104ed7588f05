import DequeModule
import Matching

/// Detections that wait to be published, in order.
///
/// News of an event takes the place of an update of it that still waits, since the news says all that the update says.
/// Starts and ends are never left out.
package struct DetectionQueue: Sendable {
    private var waiting: Deque<Detection> = []
    /// The number of the newest update of each event; it may have been taken already.
    private var updates: [String: Int] = [:]
    /// The number of the oldest detection that waits; numbers count all that were appended.
    package private(set) var first = 0
    /// The number of updates that were left out.
    package private(set) var coalesced = 0

    /// The number of detections that wait.
    package var count: Int { waiting.count }
    /// The number that the next detection gets.
    package var end: Int { first + waiting.count }

    package init() {}

    package mutating func add(_ detections: [Detection]) {
        for var detection in detections {
            let phase = detection.transition.phase
            var place = end
            if phase != .start, let known = updates.removeValue(forKey: detection.event), known >= first {
                // The update's picture was published to nobody.
                detection.snapshot = detection.snapshot ?? waiting[known - first].snapshot
                waiting[known - first] = detection
                (place, coalesced) = (known, coalesced + 1)
            } else {
                waiting.append(detection)
            }
            if phase == .update { updates[detection.event] = place }
        }
    }

    /// Takes the oldest detections, at most `limit`.
    package mutating func take(_ limit: Int) -> [Detection] {
        let taken = Array(waiting.prefix(limit))
        waiting.removeFirst(taken.count)
        first += taken.count
        if waiting.isEmpty { updates = [:] }
        return taken
    }

    /// Gives up all detections that wait; returns their number.
    package mutating func giveUp() -> Int { take(count).count }
}
