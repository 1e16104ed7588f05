import DequeModule
import Foundation
import OrderedCollections
package import Sampling

/// An item in a stream's lane: a sampled frame, or the stream's end.
package enum LaneItem: Sendable {
    case frame(Frame)
    case end
}

/// A lane's item with the stream's name.
package struct QueuedItem: Sendable {
    package let stream: String
    package let item: LaneItem

    package init(stream: String, item: LaneItem) {
        self.stream = stream
        self.item = item
    }
}

/// The bounded queue between the media threads of all streams and the scoring engine; it also forms batches.
///
/// Each stream has a lane. A full lane makes a file wait, which holds up only its own decoder. A live stream drops its
/// oldest waiting frame, which is counted. Before that happens, `share` tells live sources to take fewer samples: see
/// `LoadShedder`. Lanes are emptied in turn, so that none starves the others.
// @unchecked: `condition` guards every mutable field
package final class FrameQueue: @unchecked Sendable {
    package enum Policy: Sendable { case wait, dropOldest }

    private struct Lane {
        var policy: Policy
        var items: Deque<(item: LaneItem, arrival: ContinuousClock.Instant)> = []
        /// The number of frames lost because the lane was full.
        var dropped: UInt64 = 0

        /// Adds an item; returns by how much the number of waiting items grew.
        mutating func take(_ item: LaneItem, depth: Int, at now: ContinuousClock.Instant) -> Int {
            var lost = 0
            if policy == .dropOldest, items.count >= depth, case .frame? = items.first?.item {
                items.removeFirst()
                dropped += 1
                lost = 1
            }
            items.append((item, now))
            return 1 - lost
        }
    }

    /// The share of samples that live streams keep; below 1 under overload.
    package let share = SamplingShare()
    private let depth: Int
    private let sheds: Bool
    private let now: @Sendable () -> ContinuousClock.Instant
    private let condition = NSCondition()
    private var lanes: OrderedDictionary<String, Lane> = [:]
    private var turn = 0
    private var waiting = 0
    private var closed = false
    /// Whether `nudge` was called since the last return of `next`.
    private var nudged = false
    private var isLate = false
    private static let pause = Duration.milliseconds(50)
    private var shedder = LoadShedder()
    /// The waiting consumer, and the number of items it waits for.
    private var consumer: (continuation: CheckedContinuation<Void, Never>, count: Int)?

    /// Makes a queue with up to `depth` waiting frames in each lane; with `sheds`, live streams are thinned under load.
    package init(
        depth: Int = 16, sheds: Bool = true, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.depth = depth
        self.sheds = sheds
        self.now = now
    }

    package func open(_ stream: String, policy: Policy) {
        locked {
            // A stream that ended by itself may have left its lane, and the news of its end in it.
            waiting -= lanes[stream]?.items.count ?? 0
            lanes[stream] = Lane(policy: policy)
            condition.broadcast()
        }
    }

    /// Changes what happens when a stream's lane is full; a waiting producer notices at once.
    package func setPolicy(_ policy: Policy, of stream: String) {
        locked {
            lanes[stream]?.policy = policy
            condition.broadcast()
        }
    }

    /// Removes a stream's lane with its items; a file that waits for room continues, and its items are discarded.
    package func close(_ stream: String) {
        locked {
            if let lane = lanes.removeValue(forKey: stream) { waiting -= lane.items.count }
            condition.broadcast()
        }
    }

    /// Adds an item to a stream's lane; called on a streaming thread.
    ///
    /// If the lane is full, a file's thread waits for room; a live stream's does not.
    package func post(_ item: LaneItem, to stream: String) {
        let wake: CheckedContinuation<Void, Never>? = locked {
            // The news of an end needs no room, and comes from threads that must not wait.
            if case .frame = item {
                while let lane = lanes[stream], lane.policy == .wait, lane.items.count >= depth, !closed {
                    condition.wait()
                }
            }
            guard !closed else { return nil }
            waiting += lanes[stream]?.take(item, depth: depth, at: now()) ?? 0
            return takeConsumer(if: waiting >= (consumer?.count ?? .max))
        }
        wake?.resume()
    }

    /// Returns the next items, at most `limit`, one lane after the other; nil once the queue is finished.
    ///
    /// It returns when `limit` items wait, or when the oldest one has waited for `maxDelay`.
    package func next(limit: Int, maxDelay: Duration) async -> [QueuedItem]? {
        await wait(for: 1)
        let oldest = locked { closed ? nil : lanes.values.compactMap(\.items.first?.arrival).min() }
        if let oldest, maxDelay > .zero {
            let deadline = oldest + maxDelay
            let timer = Task {
                try await Task.sleep(until: deadline)
                wakeConsumer()
            }
            await wait(for: limit, until: deadline)
            timer.cancel()
        }
        return locked {
            nudged = false
            if closed { return nil }
            let time = now()
            var waits: [Duration] = []
            var taken: [QueuedItem] = []
            while taken.count < limit, waiting > 0 {
                let index = turn % lanes.count
                turn = (index + 1) % lanes.count
                guard let (item, _) = lanes.values[index].items.popFirst() else { continue }
                waiting -= 1
                if lanes.values[index].policy == .dropOldest, case .frame(let frame) = item {
                    waits.append(time - frame.received)
                }
                taken.append(QueuedItem(stream: lanes.keys[index], item: item))
            }
            isLate = LoadShedder.isLate(waits)
            if sheds {
                shedder.observe(waits: waits, at: time)
                share.set(shedder.keeps)
            }
            condition.broadcast()
            return taken
        }
    }

    /// Makes `next` return, with nothing if nothing waits.
    package func nudge() {
        let wake: CheckedContinuation<Void, Never>? = locked {
            nudged = true
            return takeConsumer(if: true)
        }
        wake?.resume()
    }

    /// Makes `next` return for a consumer that has other work: at once, or after a pause if its frames were late.
    package func comeBack() {
        guard wasLate else { return nudge() }
        Task {
            try await Task.sleep(for: Self.pause)
            nudge()
        }
    }

    /// Ends the queue: waiting producers continue, and `next` returns nil.
    package func finish() {
        let wake: CheckedContinuation<Void, Never>? = locked {
            closed = true
            condition.broadcast()
            return takeConsumer(if: true)
        }
        wake?.resume()
    }

    /// The number of frames lost from a stream's full lane.
    package func dropped(_ stream: String) -> UInt64 { locked { lanes[stream]?.dropped ?? 0 } }

    /// Whether the live frames taken last had waited so long that only necessary work should be done.
    package var wasLate: Bool { locked { isLate } }

    /// The number of frames that wait, over all lanes.
    package var depthNow: Int { locked { waiting } }

    /// Waits until `count` items are there, the queue is finished, or the consumer is woken.
    ///
    /// A wake-up at the deadline may come before the wait; the wait then returns at once.
    private func wait(for count: Int, until deadline: ContinuousClock.Instant? = nil) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let ready = locked {
                if waiting >= count || closed || nudged || deadline.map({ now() >= $0 }) ?? false { return true }
                consumer = (continuation, count)
                return false
            }
            if ready { continuation.resume() }
        }
    }

    private func wakeConsumer() {
        let wake = locked { takeConsumer(if: waiting > 0) }
        wake?.resume()
    }

    /// Takes the waiting consumer if the condition holds; the caller holds the lock.
    private func takeConsumer(if condition: Bool) -> CheckedContinuation<Void, Never>? {
        guard condition else { return nil }
        defer { consumer = nil }
        return consumer?.continuation
    }

    private func locked<T>(_ body: () -> T) -> T {
        condition.lock()
        defer { condition.unlock() }
        return body()
    }
}
