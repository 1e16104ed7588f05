package import Engine
package import Measures
import Synchronization

/// Whether the daemon lives, and how its work is spread: written by the scoring loop, read by anyone without waiting
/// for it.
package final class DaemonHealth: Sendable {
    package enum Stage: String, Sendable, CaseIterable {
        /// From a frame's time stamp until its batch begins.
        case wait
        /// A batch, in processor seconds of the scoring thread.
        case encode, score
        /// A batch's events, from its last score until they are journaled and published.
        case publish
        /// From a frame's time stamp until its events are published.
        case total
    }

    /// Histograms and counters since the start.
    package struct Measures: Sendable {
        package var batches = Histogram.batches
        package var stages = Dictionary(uniqueKeysWithValues: Stage.allCases.map { ($0, Histogram.seconds) })
        /// Changes of streams to each state.
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

    /// A batch that takes longer has no end.
    private static let longest = Duration.seconds(60)

    package init() {}

    // MARK: Life

    /// Whether the scoring loop goes on: nil, or what is wrong with it.
    package var problem: String? {
        loop.withLock { loop in
            switch loop {
            case .waiting: nil
            case .busy(let since): .now - since > Self.longest ? "a batch has been scored for \(since.age)" : nil
            case .ended: "the scoring loop has ended"
            }
        }
    }

    /// Whether everything that was configured is there: model, sockets, queries and streams.
    package var isReady: Bool { ready.load(ordering: .acquiring) }
    package func setReady(_ value: Bool) { ready.store(value, ordering: .releasing) }

    package func beginBatch() { loop.withLock { $0 = .busy(since: .now) } }
    package func endBatch() { loop.withLock { $0 = .waiting } }
    package func endLoop() { loop.withLock { $0 = .ended } }

    // MARK: Measures

    package var snapshot: Measures { measures.withLock { $0 } }

    /// A batch was taken, scored and told of: how old its frames were at both ends, in seconds.
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

    /// A stream came to a state.
    package func add(_ state: String, of stream: String) {
        measures.withLock { $0.states[StreamState(stream: stream, state: state), default: 0] += 1 }
    }

    /// A stream is there no more: nothing is said of it.
    package func forget(_ stream: String) {
        measures.withLock { measures in measures.states = measures.states.filter { $0.key.stream != stream } }
    }
}

extension ContinuousClock.Instant {
    fileprivate var age: Duration { .now - self }
}
