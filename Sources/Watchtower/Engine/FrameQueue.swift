import DequeModule
import Foundation
package import Ingest
import OrderedCollections

/// What travels in a stream's lane: its sampled frames, then the news that there are no more.
package enum LaneItem: Sendable {
    case frame(Frame)
    case end
}

/// A lane's item and whose it is.
package struct QueuedItem: Sendable {
    package let stream: String
    package let item: LaneItem

    package init(stream: String, item: LaneItem) {
        self.stream = stream
        self.item = item
    }
}

/// The one bounded hand-over between all streams' media threads and the scoring engine.
///
/// Each stream has a lane. A full lane makes a file wait (its decoder is the only one held up); a live stream loses its
/// oldest waiting frame, which is counted. Lanes are emptied in turn, so that none starves the others.
// @unchecked: `condition` guards every mutable field
package final class FrameQueue: @unchecked Sendable {
    package enum Policy: Sendable { case wait, dropOldest }

    private struct Lane {
        let policy: Policy
        var items: Deque<LaneItem> = []
        var dropped: UInt64 = 0
    }

    private let depth: Int
    private let condition = NSCondition()
    private var lanes: OrderedDictionary<String, Lane> = [:]
    private var turn = 0
    private var waiting = 0
    private var closed = false
    private var consumer: CheckedContinuation<Void, Never>?

    /// `depth`: frames that may wait in one lane.
    package init(depth: Int = 16) { self.depth = depth }

    package func open(_ stream: String, policy: Policy) {
        locked { lanes[stream] = Lane(policy: policy) }
    }

    /// Forgets a stream and what waits in its lane; a file that waits for room goes on, into nothing.
    package func close(_ stream: String) {
        locked {
            if let lane = lanes.removeValue(forKey: stream) { waiting -= lane.items.count }
            condition.broadcast()
        }
    }

    /// Called on a streaming thread.
    ///
    /// Waits only in a file's lane.
    package func post(_ item: LaneItem, to stream: String) {
        let wake: CheckedContinuation<Void, Never>? = locked {
            // The news of an end needs no room, and comes from threads that must not wait.
            if case .frame = item {
                while let lane = lanes[stream], lane.policy == .wait, lane.items.count >= depth, !closed {
                    condition.wait()
                }
            }
            guard !closed, lanes[stream] != nil else { return nil }
            if lanes[stream]?.policy == .dropOldest, (lanes[stream]?.items.count ?? 0) >= depth,
                case .frame? = lanes[stream]?.items.first
            {
                lanes[stream]?.items.removeFirst()
                lanes[stream]?.dropped += 1
                waiting -= 1
            }
            lanes[stream]?.items.append(item)
            waiting += 1
            defer { consumer = nil }
            return consumer
        }
        wake?.resume()
    }

    /// The next items, at most `limit`, one lane after the other; nil once the queue is finished.
    ///
    /// Returns at once when `limit` items wait; else gives the others `maxDelay` to arrive.
    package func next(limit: Int, maxDelay: Duration) async -> [QueuedItem]? {
        await waitForItems()
        if locked({ waiting < limit && !closed }) { try? await Task.sleep(for: maxDelay) }
        return locked {
            if closed { return nil }
            var taken: [QueuedItem] = []
            while taken.count < limit, waiting > 0 {
                let index = turn % lanes.count
                turn = (index + 1) % lanes.count
                guard let item = lanes.values[index].items.popFirst() else { continue }
                waiting -= 1
                taken.append(QueuedItem(stream: lanes.keys[index], item: item))
            }
            condition.broadcast()
            return taken
        }
    }

    /// Ends the queue: nobody waits any longer, and `next` returns nil.
    package func finish() {
        let wake: CheckedContinuation<Void, Never>? = locked {
            closed = true
            condition.broadcast()
            defer { consumer = nil }
            return consumer
        }
        wake?.resume()
    }

    /// Frames that a live stream lost because scoring was late.
    package func dropped(_ stream: String) -> UInt64 { locked { lanes[stream]?.dropped ?? 0 } }

    /// Frames that wait, over all lanes.
    package var depthNow: Int { locked { waiting } }

    private func waitForItems() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let ready = locked {
                if waiting > 0 || closed { return true }
                consumer = continuation
                return false
            }
            if ready { continuation.resume() }
        }
    }

    private func locked<T>(_ body: () -> T) -> T {
        condition.lock()
        defer { condition.unlock() }
        return body()
    }
}
