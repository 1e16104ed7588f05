import Synchronization

/// Which time a picture without one is given: told before it plays, or by an answer of a server.
package final class TimeKeeping: Sendable {
    private let byArrival: Atomic<Bool>

    package init(byArrival: Bool) { self.byArrival = Atomic(byArrival) }

    /// Whether that is its arrival, and not its place.
    package var isByArrival: Bool { byArrival.load(ordering: .acquiring) }
    package func takeByArrival() { byArrival.store(true, ordering: .releasing) }
}
