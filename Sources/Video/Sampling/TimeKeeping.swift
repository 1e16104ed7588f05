import Synchronization

/// How a picture without a time stamp gets its time: set before the source plays, or by a server's answer.
package final class TimeKeeping: Sendable {
    private let byArrival: Atomic<Bool>

    package init(byArrival: Bool) { self.byArrival = Atomic(byArrival) }

    /// Whether a picture without a time stamp gets its time of arrival, instead of its position in the file.
    package var isByArrival: Bool { byArrival.load(ordering: .acquiring) }
    package func takeByArrival() { byArrival.store(true, ordering: .releasing) }
}
