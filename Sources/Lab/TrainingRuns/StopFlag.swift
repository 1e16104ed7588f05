import Synchronization

/// Asks a training to stop; may be raised on any thread.
package final class StopFlag: Sendable {
    private let raised = Atomic(false)
    package var isRaised: Bool { raised.load(ordering: .relaxed) }

    package init() {}

    package func raise() { raised.store(true, ordering: .relaxed) }
}
