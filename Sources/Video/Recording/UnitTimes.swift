package import Sampling

/// Computes the times of coded pictures in a file, in seconds from its first picture.
///
/// A picture's own time stamp is used while time stamps advance as real time does. A stamp that jumps is taken for the
/// sender's mistake: that picture's time is computed from its arrival, and later stamps count from there.
package struct UnitTimes {
    private var offset: Double?
    private var last: (stamp: Double, arrival: Double, time: Double)?
    /// The seconds by which a time stamp may go back, as B-frames make it do.
    private static let mostBack = 2.0
    /// The seconds by which a time stamp may advance more than the time of arrival.
    private static let mostAhead = 3.0

    package init() {}

    /// Returns the time of the next coded picture; call it in the order of decoding.
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

    /// The least number of seconds between two pictures if the second one's time is computed from its arrival.
    private static let least = 0.001

    private mutating func remember(_ unit: CodedUnit, _ time: Double) -> Double {
        let stamp = unit.stamp ?? (offset.map { time - $0 } ?? time)
        offset = time - stamp
        last = (stamp, unit.arrival, time)
        return time
    }
}
