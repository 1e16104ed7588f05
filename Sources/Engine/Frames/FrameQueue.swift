import DequeModule
import Foundation
import OrderedCollections
package import Sampling

/// An item of a stream's lane: a sampled frame, or the end.
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

/// The one bounded hand-over between all streams' media threads and the scoring engine, and the batcher of all streams.
///
/// Each stream has a lane. A full lane makes a file wait (its decoder is the only one held up); a live stream loses its
/// oldest waiting frame, which is counted. Before that happens, `share` tells live sources to leave samples out: see
/// `LoadShedder`. Lanes are emptied in turn, so that none starves the others.
// @unchecked: `condition` guards every mutable field
package final class FrameQueue: @unchecked Sendable {
    package enum Policy: Sendable { case wait, dropOldest }

    private struct Lane {
        var policy: Policy
        var items: Deque<(item: LaneItem, arrival: ContinuousClock.Instant)> = []
        /// Frames lost because the lane was full.
        var dropped: UInt64 = 0

        /// Takes an item in; how many more items wait.
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
    /// Somebody wants to see the consumer go round.
    private var nudged = false
    private var isLate = false
    private static let pause = Duration.milliseconds(50)
    /// So long frames wait for those that come at the same time.
    private static let least = Duration.milliseconds(20)
    private var shedder = LoadShedder()
    private var rate = ArrivalRate()
    /// The waiting consumer, and the number of items it waits for.
    private var consumer: (continuation: CheckedContinuation<Void, Never>, count: Int)?

    /// `depth`: frames that may wait in one lane; `sheds`: live streams are thinned out under load.
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

    /// A stream that waited for room waits no more, or one that did not does.
    package func setPolicy(_ policy: Policy, of stream: String) {
        locked {
            lanes[stream]?.policy = policy
            condition.broadcast()
        }
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
            guard !closed else { return nil }
            waiting += lanes[stream]?.take(item, depth: depth, at: now()) ?? 0
            return takeConsumer(if: waiting >= (consumer?.count ?? .max))
        }
        wake?.resume()
    }

    /// The next items, at most `limit`, one lane after the other; nil once the queue is finished.
    ///
    /// Returns when `limit` items wait, or when the oldest has waited `maxDelay`.
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
            rate.observe(taken.count, at: time)
            if sheds {
                shedder.observe(waits: waits, at: time)
                share.set(shedder.keeps)
            }
            condition.broadcast()
            return taken
        }
    }

    /// How long frames are best let wait for others, `most` at most: a batch costs less a frame than one frame alone.
    ///
    /// Nothing waits while frames are late, or where no other is likely to come in that time.
    package func delay(most: Duration) -> Duration {
        locked { !isLate && rate.perSecond * (most / .seconds(1)) >= 1 ? most : min(most, Self.least) }
    }

    /// Makes `next` return, with nothing if nothing waits.
    package func nudge() {
        let wake: CheckedContinuation<Void, Never>? = locked {
            nudged = true
            return takeConsumer(if: true)
        }
        wake?.resume()
    }

    /// Does so for a consumer that has more to do than frames: at once, or in a while if the frames that it took were
    /// late.
    package func comeBack() {
        guard wasLate else { return nudge() }
        Task {
            try await Task.sleep(for: Self.pause)
            nudge()
        }
    }

    /// Ends the queue: nobody waits any longer, and `next` returns nil.
    package func finish() {
        let wake: CheckedContinuation<Void, Never>? = locked {
            closed = true
            condition.broadcast()
            return takeConsumer(if: true)
        }
        wake?.resume()
    }

    /// Frames that were lost from a stream's full lane.
    package func dropped(_ stream: String) -> UInt64 { locked { lanes[stream]?.dropped ?? 0 } }

    /// Whether the live frames that were taken last had waited so long that there is no room for more than has to be
    /// done.
    package var wasLate: Bool { locked { isLate } }

    /// Frames that wait, over all lanes.
    package var depthNow: Int { locked { waiting } }

    /// Waits until `count` items are there, the queue is finished, or somebody wakes the consumer.
    ///
    /// Whoever wakes it at the deadline may come before it waits: then it need not wait.
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

    /// Call locked.
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
