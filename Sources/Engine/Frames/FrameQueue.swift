import DequeModule
import Foundation
import OrderedCollections
package import Sampling

/// An entry of a stream's queue: a sampled frame, or the stream's end.
package enum LaneItem: Sendable {
    case frame(Frame)
    case end
}

/// A frame or end of a stream, with the stream's name.
package struct QueuedItem: Sendable {
    package let stream: String
    package let item: LaneItem

    package init(stream: String, item: LaneItem) {
        self.stream = stream
        self.item = item
    }
}

/// The bounded queue of sampled frames between the decoders of all streams and the scoring engine.
///
/// Each stream has its own queue (lane). If it is full, a file's decoder waits, and a live stream drops its oldest
/// waiting frame, which is counted. Before that happens, `share` makes live sources sample fewer frames (see
/// `LoadShedder`). The engine takes batches from all streams in turn, so that none starves another.
// @unchecked: `condition` guards every mutable field
package final class FrameQueue: @unchecked Sendable {
    package enum Policy: Sendable { case wait, dropOldest }

    /// The waiting items of one stream.
    private struct LaneQueue {
        var policy: Policy
        var items: Deque<(item: LaneItem, arrival: ContinuousClock.Instant)> = []
        /// The number of frames dropped because the stream's queue was full.
        var dropped: UInt64 = 0

        /// Appends an item, dropping the oldest frame if a live stream's queue is full; returns the change in waiting
        /// items.
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

    /// The share of frames that live streams may sample now: 1, or less under overload.
    package let share = SamplingShare()
    private let depth: Int
    private let sheds: Bool
    private let now: @Sendable () -> ContinuousClock.Instant
    private let condition = NSCondition()
    private var lanes: OrderedDictionary<String, LaneQueue> = [:]
    private var turn = 0
    private var waiting = 0
    private var closed = false
    /// True if `nudge` was called since the last return of `next`.
    private var nudged = false
    private var isLate = false
    private static let pause = Duration.milliseconds(50)
    private var shedder = LoadShedder()
    /// The caller that waits in `next`, and the number of items that it waits for.
    private var consumer: (continuation: CheckedContinuation<Void, Never>, count: Int)?

    /// Makes a queue with up to `depth` waiting frames per stream; if `sheds`, live streams sample less under overload.
    package init(
        depth: Int = 16, sheds: Bool = true, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.depth = depth
        self.sheds = sheds
        self.now = now
    }

    package func open(_ stream: String, policy: Policy) {
        locked {
            // A stream that ended earlier may have left items in its lane.
            waiting -= lanes[stream]?.items.count ?? 0
            lanes[stream] = LaneQueue(policy: policy)
            condition.broadcast()
        }
    }

    /// Sets what happens when a stream's queue is full; a decoder that waits for room notices at once.
    package func setPolicy(_ policy: Policy, of stream: String) {
        locked {
            lanes[stream]?.policy = policy
            condition.broadcast()
        }
    }

    /// Removes a stream's queue and its items; a waiting decoder continues, and its later items are discarded.
    package func close(_ stream: String) {
        locked {
            if let lane = lanes.removeValue(forKey: stream) { waiting -= lane.items.count }
            condition.broadcast()
        }
    }

    /// Adds an item to a stream's queue; called on the stream's media thread.
    ///
    /// If the queue is full, a file's thread waits for room; a live stream's thread never waits.
    package func post(_ item: LaneItem, to stream: String) {
        let wake: CheckedContinuation<Void, Never>? = locked {
            // A stream's end needs no room, and comes from threads that must not wait.
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

    /// Removes and returns the next items of all streams in turn, at most `limit`; nil once the queue is finished.
    ///
    /// It waits until `limit` items are there, or the oldest one has waited for `maxDelay`. After `nudge`, it may
    /// return none.
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

    /// Makes `next` return at once, even without items.
    package func nudge() {
        let wake: CheckedContinuation<Void, Never>? = locked {
            nudged = true
            return takeConsumer(if: true)
        }
        wake?.resume()
    }

    /// Makes `next` return although no frame may come, since the engine has other work.
    ///
    /// It returns at once, or after 50 ms if live frames were late.
    package func comeBack() {
        guard wasLate else { return nudge() }
        Task {
            try await Task.sleep(for: Self.pause)
            nudge()
        }
    }

    /// Ends the queue: waiting decoders continue, and `next` returns nil.
    package func finish() {
        let wake: CheckedContinuation<Void, Never>? = locked {
            closed = true
            condition.broadcast()
            return takeConsumer(if: true)
        }
        wake?.resume()
    }

    /// Returns the number of frames dropped because the stream's queue was full.
    package func dropped(_ stream: String) -> UInt64 { locked { lanes[stream]?.dropped ?? 0 } }

    /// True if the live frames returned last had waited so long that only necessary work should be done.
    package var wasLate: Bool { locked { isLate } }

    /// The number of waiting items of all streams.
    package var depthNow: Int { locked { waiting } }

    /// Waits until `count` items have arrived, the queue is finished, or the consumer is woken.
    ///
    /// Returns at once if the deadline has passed.
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

    /// Returns the caller that waits in `next`, to be resumed, if `condition` is true; call this with the lock held.
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
