/// A histogram of latencies in steps of one millisecond; latencies above ten seconds are counted as ten seconds.
package struct LatencyHistogram: Sendable {
    private static let buckets = 10_001
    private var counts = [UInt32](repeating: 0, count: buckets)
    package private(set) var count = 0

    package init() {}

    /// Adds a latency; one that is no number is ignored.
    package mutating func add(seconds: Double) {
        guard !seconds.isNaN else { return }
        // The bounds come first: not every number has an integer.
        let milliseconds = min(max((seconds * 1000).rounded(.up), 0), Double(Self.buckets - 1))
        counts[Int(milliseconds)] += 1
        count += 1
    }

    /// Returns the latency in milliseconds that the given share (0 to 1) of all latencies does not exceed.
    ///
    /// For example, a share of 0.99 gives the 99th percentile. The result is 0 without latencies.
    package func milliseconds(at share: Double) -> Int {
        var left = Int((Double(count) * share).rounded(.up))
        for (bucket, number) in counts.enumerated() where number > 0 {
            left -= Int(number)
            if left <= 0 { return bucket }
        }
        return 0
    }
}
