import DequeModule
import Dispatch
import Foundation

/// Lets as many streams decode at a time as there are processors, in the order in which they come.
///
/// More would decode nothing sooner: they would take turns on the processors, and the encoder, whose threads wait for each
/// other many times a batch, would be one of dozens. Whoever takes long, such as a device that hangs, holds up nobody: his
/// place is given to the next.
// @unchecked: `lock` guards what changes
package final class DecodingTurns: @unchecked Sendable {
    static let all = DecodingTurns(places: ProcessInfo.processInfo.activeProcessorCount)

    private final class Waiter: Sendable {
        let number: UInt64
        let turn = DispatchSemaphore(value: 0)

        init(_ number: UInt64) { self.number = number }
    }

    /// Whoever decodes longer than this is not counted any more.
    private let patience: Duration
    private let places: Int
    private let lock = NSLock()
    private var count: UInt64 = 0
    /// Since when those who decode have done so.
    private var inside: [UInt64: ContinuousClock.Instant] = [:]
    private var waiting: Deque<Waiter> = []

    package init(places: Int, patience: Duration = .seconds(1)) {
        self.places = places
        self.patience = patience
    }

    /// Runs `body` when it is the caller's turn.
    package func take<R>(_ body: () -> R) -> R {
        let mine = lock.withLock {
            count += 1
            let waiter = Waiter(count)
            waiting.append(waiter)
            admit()
            return waiter
        }
        while mine.turn.wait(timeout: .now() + .milliseconds(250)) == .timedOut {
            // Nobody has left meanwhile: somebody may have taken too long.
            lock.withLock { admit() }
        }
        defer {
            lock.withLock {
                inside[mine.number] = nil
                admit()
            }
        }
        return body()
    }

    /// Call locked.
    private func admit() {
        let now = ContinuousClock.now
        while !waiting.isEmpty, inside.values.count(where: { now - $0 < patience }) < places {
            let next = waiting.removeFirst()
            inside[next.number] = now
            next.turn.signal()
        }
    }
}
