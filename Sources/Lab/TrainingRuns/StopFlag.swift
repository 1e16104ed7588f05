import Synchronization

/// A thread-safe flag that asks a training to stop after the current step.
package final class StopFlag: Sendable {
    private let raised = Atomic(false)
    package var isRaised: Bool { raised.load(ordering: .relaxed) }

    package init() {}

    package func raise() { raised.store(true, ordering: .relaxed) }
}
