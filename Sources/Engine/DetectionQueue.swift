import DequeModule
import Matching

/// Detections that wait to be published, in order.
///
/// An update that still waits when a newer update of its event comes is left out, since the newer one says all that it
/// says. Starts and ends are never left out.
package struct DetectionQueue: Sendable {
    /// An event under one topic: a group's event may change its leader.
    private struct Key: Hashable {
        let event: String
        let query: String
    }

    /// Nil where an update was left out.
    private var waiting: Deque<Detection?> = []
    private var updates: [Key: Int] = [:]
    /// Number of the oldest that waits; numbers count everything that was ever added.
    package private(set) var first = 0
    /// Detections that wait.
    package private(set) var count = 0
    /// Updates that were left out.
    package private(set) var coalesced = 0
    /// The number that the next detection gets.
    package var end: Int { first + waiting.count }

    package init() {}

    package mutating func add(_ detections: [Detection]) {
        for var detection in detections {
            let key = Key(event: detection.event, query: detection.query.id)
            let phase = detection.transition.phase
            if phase != .start, let place = updates.removeValue(forKey: key), place >= first {
                // Its picture has been told of to nobody.
                detection.snapshot = detection.snapshot ?? waiting[place - first]?.snapshot
                waiting[place - first] = nil
                count -= 1
                coalesced += 1
            }
            if phase == .update { updates[key] = end }
            waiting.append(detection)
            count += 1
        }
    }

    /// Takes the oldest, at most `limit`.
    package mutating func take(_ limit: Int) -> [Detection] {
        var taken: [Detection] = []
        while taken.count < limit, let next = waiting.popFirst() {
            first += 1
            if let next { taken.append(next) }
        }
        count -= taken.count
        if waiting.isEmpty { updates = [:] }
        return taken
    }
}
