package import Engine
package import Measures
import Synchronization

/// The daemon's health and timing: written by the scoring loop, readable by any thread without waiting.
package final class DaemonHealth: Sendable {
    package enum Stage: String, Sendable, CaseIterable {
        /// The time from a frame's time stamp until its batch begins.
        case wait
        /// The processor seconds of the scoring thread for a batch.
        case encode, score
        /// The time from a batch's last score until its events are journaled and published.
        case publish
        /// The time from a frame's time stamp until its events are published.
        case total
    }

    /// The histograms and counters since the start.
    package struct Measures: Sendable {
        package var batches = Histogram.batches
        package var stages = Dictionary(uniqueKeysWithValues: Stage.allCases.map { ($0, Histogram.seconds) })
        /// The number of changes of streams to each state.
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

    /// Scoring is reported stalled if a batch takes longer than this.
    private static let longest = Duration.seconds(60)

    package init() {}

    // MARK: Life

    /// The problem of the scoring loop; nil if it runs.
    package var problem: String? {
        loop.withLock { loop in
            switch loop {
            case .waiting: nil
            case .busy(let since): .now - since > Self.longest ? "a batch has been scored for \(since.age)" : nil
            case .ended: "the scoring loop has ended"
            }
        }
    }

    /// Whether everything configured is present: model, sockets, queries and streams.
    package var isReady: Bool { ready.load(ordering: .acquiring) }
    package func setReady(_ value: Bool) { ready.store(value, ordering: .releasing) }

    package func beginBatch() { loop.withLock { $0 = .busy(since: .now) } }
    package func endBatch() { loop.withLock { $0 = .waiting } }
    package func endLoop() { loop.withLock { $0 = .ended } }

    // MARK: Measures

    package var snapshot: Measures { measures.withLock { $0 } }

    /// Records a scored and published batch; `waits` and `totals` are its frames' ages before and after, in seconds.
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

    /// Records that a stream changed to a state.
    package func add(_ state: String, of stream: String) {
        measures.withLock { $0.states[StreamState(stream: stream, state: state), default: 0] += 1 }
    }

    /// Forgets a removed stream.
    package func forget(_ stream: String) {
        measures.withLock { measures in measures.states = measures.states.filter { $0.key.stream != stream } }
    }
}

extension ContinuousClock.Instant {
    fileprivate var age: Duration { .now - self }
}
