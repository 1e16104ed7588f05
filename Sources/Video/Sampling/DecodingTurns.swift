import DequeModule
import Dispatch
import Foundation

/// Lets at most as many streams decode at once as there are processors, in order of arrival.
///
/// More streams would not be decoded sooner, and would slow the image encoder, whose threads wait for each other many
/// times a batch. A decoder that exceeds `patience`, such as a device that hangs, no longer counts.
// @unchecked: `lock` guards the variables
package final class DecodingTurns: @unchecked Sendable {
    package static let all = DecodingTurns(places: ProcessInfo.processInfo.activeProcessorCount)

    private struct Waiter {
        let thread: pthread_t
        let turn: DispatchSemaphore
    }

    private enum Entry { case inside, entered, waits(for: DispatchSemaphore) }

    /// The time after which a running decoder no longer counts as one of those that decode.
    private let patience: Duration
    private let places: Int
    private let lock = NSLock()
    /// The threads that decode now, with their start times.
    private var inside: [pthread_t: ContinuousClock.Instant] = [:]
    private var waiting: Deque<Waiter> = []

    package init(places: Int, patience: Duration = .seconds(1)) {
        self.places = places
        self.patience = patience
    }

    /// Waits until the caller may decode, then runs `body`; runs it at once if this thread is already decoding.
    ///
    /// A nested decoder is a decoder called within another.
    package func take<R>(_ body: () -> R) -> R {
        let thread = pthread_self()
        switch lock.withLock({ enter(thread) }) {
        case .inside: return body()
        case .entered: break
        case .waits(let turn):
            while turn.wait(timeout: .now() + .milliseconds(250)) == .timedOut {
                // No thread has finished meanwhile, but one may have exceeded its time.
                lock.withLock { admit() }
            }
        }
        defer {
            lock.withLock {
                inside[thread] = nil
                admit()
            }
        }
        return body()
    }

    // MARK: Called locked

    private func enter(_ thread: pthread_t) -> Entry {
        guard inside[thread] == nil else { return .inside }
        // Threads that wait already come before this one.
        admit()
        if hasPlace {
            inside[thread] = .now
            return .entered
        }
        let waiter = Waiter(thread: thread, turn: DispatchSemaphore(value: 0))
        waiting.append(waiter)
        return .waits(for: waiter.turn)
    }

    private func admit() {
        while hasPlace, let next = waiting.popFirst() {
            inside[next.thread] = .now
            next.turn.signal()
        }
    }

    private var hasPlace: Bool {
        let now = ContinuousClock.now
        return inside.values.count(where: { now - $0 < patience }) < places
    }
}
