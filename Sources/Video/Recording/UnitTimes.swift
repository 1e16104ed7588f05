package import Sampling

/// Times of units in a file, in seconds from its first: their own, as long as these go on as time does.
///
/// A time stamp that leaps is taken for the sender's mistake: from it on, times go on from where they were.
package struct UnitTimes {
    private var offset: Double?
    private var last: (stamp: Double, arrival: Double, time: Double)?
    /// Seconds that a stamp may go back: as far as B-frames may be from their order.
    private static let mostBack = 2.0
    /// Seconds that a stamp may be ahead of what arrival says.
    private static let mostAhead = 3.0

    package init() {}

    /// The time of the next unit, in the order of decoding.
    package mutating func time(of unit: CodedUnit) -> Double {
        guard let last else { return remember(unit, 0) }
        let passed = max(0, unit.arrival - last.arrival)
        guard let stamp = unit.stamp, let offset else { return remember(unit, last.time + max(passed, Self.least)) }
        let step = stamp - last.stamp
        guard step >= -Self.mostBack, step <= passed + Self.mostAhead else {
            return remember(unit, last.time + max(passed, Self.least))
        }
        let time = stamp + offset
        self.last = (stamp, unit.arrival, time)
        return time
    }

    /// Pictures are no closer than this where their times are made.
    private static let least = 0.001

    private mutating func remember(_ unit: CodedUnit, _ time: Double) -> Double {
        let stamp = unit.stamp ?? (offset.map { time - $0 } ?? time)
        offset = time - stamp
        last = (stamp, unit.arrival, time)
        return time
    }
}
