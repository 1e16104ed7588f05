import Synchronization

/// The rule by which pictures without a time stamp get one; set before the source plays, or by a server's answer.
package final class TimeKeeping: Sendable {
    private let byArrival: Atomic<Bool>

    package init(byArrival: Bool) { self.byArrival = Atomic(byArrival) }

    /// True if pictures without a time stamp get their arrival time; false if they get their position in the file.
    package var isByArrival: Bool { byArrival.load(ordering: .acquiring) }
    package func takeByArrival() { byArrival.store(true, ordering: .releasing) }
}
