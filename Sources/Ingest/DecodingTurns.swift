import DequeModule
import Dispatch
import Foundation

/// Lets as many streams decode at a time as there are processors, in the order in which they come.
///
/// More would decode nothing sooner: they would take turns on the processors, and the encoder, whose threads wait for each
/// other many times a batch, would be one of dozens. Who takes long, such as a device that hangs, holds up nobody: its place
/// is given to the next.
// @unchecked: `lock` guards what changes
package final class DecodingTurns: @unchecked Sendable {
    static let all = DecodingTurns(places: ProcessInfo.processInfo.activeProcessorCount)

    private final class Waiter: Sendable {
        let thread: pthread_t
        let turn = DispatchSemaphore(value: 0)

        init(_ thread: pthread_t) { self.thread = thread }
    }

    /// Who decodes longer than this is not counted any more.
    private let patience: Duration
    private let places: Int
    private let lock = NSLock()
    /// Threads that decode, and since when.
    private var inside: [pthread_t: ContinuousClock.Instant] = [:]
    private var waiting: Deque<Waiter> = []

    package init(places: Int, patience: Duration = .seconds(1)) {
        self.places = places
        self.patience = patience
    }

    /// Runs `body` when it is the caller's turn; at once if it has it, as where one decoder holds another.
    package func take<R>(_ body: () -> R) -> R {
        guard let mine = lineUp() else { return body() }
        while mine.turn.wait(timeout: .now() + .milliseconds(250)) == .timedOut {
            // Nobody has left meanwhile: somebody may have taken too long.
            lock.withLock { admit() }
        }
        defer {
            lock.withLock {
                inside[mine.thread] = nil
                admit()
            }
        }
        return body()
    }

    private func lineUp() -> Waiter? {
        lock.withLock {
            let thread = pthread_self()
            guard inside[thread] == nil else { return nil }
            let waiter = Waiter(thread)
            waiting.append(waiter)
            admit()
            return waiter
        }
    }

    /// Call locked.
    private func admit() {
        let now = ContinuousClock.now
        while !waiting.isEmpty, inside.values.count(where: { now - $0 < patience }) < places {
            let next = waiting.removeFirst()
            inside[next.thread] = now
            next.turn.signal()
        }
    }
}
