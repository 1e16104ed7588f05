package import Engine
package import Measures
import Synchronization

/// The daemon's health and timing measurements; the scoring loop writes them, and any thread can read them.
package final class DaemonHealth: Sendable {
    package enum Stage: String, Sendable, CaseIterable {
        /// The time from a frame's time stamp until the scoring of the batch that contains it begins.
        case wait
        /// The CPU time of the scoring thread for a batch: for frame embeddings (`encode`) and for scores (`score`).
        case encode, score
        /// The time from a batch's last score until its events are stored in the database and published.
        case publish
        /// The time from a frame's time stamp until its events are published.
        case total
    }

    /// The histograms and counters since the daemon started.
    package struct Measures: Sendable {
        package var batches = Histogram.batches
        package var stages = Dictionary(uniqueKeysWithValues: Stage.allCases.map { ($0, Histogram.seconds) })
        /// The number of times that each stream changed to each state.
        package var states: [StreamState: Int] = [:]
    }

    package struct StreamState: Sendable, Hashable {
        package let stream: String
        package let state: String
    }

    private enum Loop {
        case waiting
        case busy(since: ContinuousClock.Instant)
        case ended
    }

    private let loop = Mutex(Loop.waiting)
    private let measures = Mutex(Measures())
    private let ready = Atomic(false)

    /// Scoring counts as stalled if a batch takes longer than this.
    private static let longest = Duration.seconds(60)

    package init() {}

    // MARK: Life

    /// An error message if the scoring loop is stalled or has ended; nil if it is healthy.
    package var problem: String? {
        loop.withLock { loop in
            switch loop {
            case .waiting: nil
            case .busy(let since): .now - since > Self.longest ? "a batch has been scored for \(since.age)" : nil
            case .ended: "the scoring loop has ended"
            }
        }
    }

    /// True once everything configured is loaded or open: model, sockets, queries and streams.
    package var isReady: Bool { ready.load(ordering: .acquiring) }
    package func setReady(_ value: Bool) { ready.store(value, ordering: .releasing) }

    package func beginBatch() { loop.withLock { $0 = .busy(since: .now) } }
    package func endBatch() { loop.withLock { $0 = .waiting } }
    package func endLoop() { loop.withLock { $0 = .ended } }

    // MARK: Measures

    package var snapshot: Measures { measures.withLock { $0 } }

    /// Records the timing of a scored and published batch of `count` frames.
    ///
    /// `waits` are the ages of its frames when the batch began, `totals` when their events were published; all in
    /// seconds.
    package func add(batch count: Int, waits: [Double], totals: [Double], step: BatchResult, publish: Double) {
        measures.withLock { measures in
            if count > 0 { measures.batches.add(Double(count)) }
            for wait in waits { measures.stages[.wait]?.add(wait) }
            for total in totals { measures.stages[.total]?.add(total) }
            measures.stages[.encode]?.add(step.encodeSeconds)
            measures.stages[.score]?.add(step.scoreSeconds)
            measures.stages[.publish]?.add(publish)
        }
    }

    /// Counts that a stream changed to a state.
    package func add(_ state: String, of stream: String) {
        measures.withLock { $0.states[StreamState(stream: stream, state: state), default: 0] += 1 }
    }

    /// Removes the counters of a stream that was removed.
    package func forget(_ stream: String) {
        measures.withLock { measures in measures.states = measures.states.filter { $0.key.stream != stream } }
    }
}

extension ContinuousClock.Instant {
    fileprivate var age: Duration { .now - self }
}
