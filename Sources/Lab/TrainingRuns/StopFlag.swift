import Synchronization

/// A flag that asks a training to stop; it may be raised on any thread.
package final class StopFlag: Sendable {
    private let raised = Atomic(false)
    package var isRaised: Bool { raised.load(ordering: .relaxed) }

    package init() {}

    package func raise() { raised.store(true, ordering: .relaxed) }
}
