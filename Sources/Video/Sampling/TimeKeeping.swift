import Synchronization

/// Rule for the time of a picture without a time stamp: set before the source plays, or by a server's answer.
package final class TimeKeeping: Sendable {
    private let byArrival: Atomic<Bool>

    package init(byArrival: Bool) { self.byArrival = Atomic(byArrival) }

    /// Whether the picture gets its time of arrival, and not its place in the file.
    package var isByArrival: Bool { byArrival.load(ordering: .acquiring) }
    package func takeByArrival() { byArrival.store(true, ordering: .releasing) }
}
