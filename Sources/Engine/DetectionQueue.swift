import DequeModule
import Matching
import Synchronization

/// Detections on their way from the engine to their delivery, in the order in which the engine made them.
///
/// The engine adds them in the very call that makes them, so an event's start stands before its end, however late the
/// caller of the engine goes on. Scoring waits for delivery, so it holds those of one batch and of edits meanwhile.
package final class HandedDetections: Sendable {
    private let waiting = Mutex<[Detection]>([])

    package init() {}

    func add(_ detections: [Detection]) { waiting.withLock { $0 += detections } }

    /// Removes and returns all that wait, in order.
    package func take() -> [Detection] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}

/// A queue of event messages (detections) that wait to be published, in order.
///
/// A new update or end of an event replaces an update of it that still waits, since it contains all that the update
/// says. Starts and ends are never dropped.
package struct DetectionQueue: Sendable {
    private var waiting: Deque<Detection> = []
    /// For each event, the sequence number of its newest update, which may have left the queue already.
    private var updates: [String: Int] = [:]
    /// The sequence number of the oldest waiting event message; messages are numbered in the order of arrival, from 0.
    package private(set) var first = 0
    /// The number of updates that were replaced by newer ones before they were published.
    package private(set) var coalesced = 0

    /// The number of waiting event messages.
    package var count: Int { waiting.count }
    /// The sequence number that the next event message gets.
    package var end: Int { first + waiting.count }

    package init() {}

    package mutating func add(_ detections: [Detection]) {
        for var detection in detections {
            let phase = detection.transition.phase
            var place = end
            if phase != .start, let known = updates.removeValue(forKey: detection.event), known >= first {
                // The replaced update's picture was not published yet.
                detection.snapshot = detection.snapshot ?? waiting[known - first].snapshot
                waiting[known - first] = detection
                (place, coalesced) = (known, coalesced + 1)
            } else {
                waiting.append(detection)
            }
            if phase == .update { updates[detection.event] = place }
        }
    }

    /// Removes and returns the oldest event messages, at most `limit`.
    package mutating func take(_ limit: Int) -> [Detection] {
        let taken = Array(waiting.prefix(limit))
        waiting.removeFirst(taken.count)
        first += taken.count
        if waiting.isEmpty { updates = [:] }
        return taken
    }

    /// Discards all waiting event messages, and returns their number.
    package mutating func giveUp() -> Int { take(count).count }
}
