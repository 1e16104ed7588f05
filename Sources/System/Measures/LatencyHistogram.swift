/// Counts of latencies by the millisecond, up to ten seconds; longer ones count as ten.
package struct LatencyHistogram: Sendable {
    private static let buckets = 10_001
    private var counts = [UInt32](repeating: 0, count: buckets)
    package private(set) var count = 0

    package init() {}

    package mutating func add(seconds: Double) {
        counts[min(max(Int((seconds * 1000).rounded(.up)), 0), Self.buckets - 1)] += 1
        count += 1
    }

    /// The number of milliseconds that `share` of all latencies do not exceed; 0 without latencies.
    package func milliseconds(at share: Double) -> Int {
        var left = Int((Double(count) * share).rounded(.up))
        for (bucket, number) in counts.enumerated() where number > 0 {
            left -= Int(number)
            if left <= 0 { return bucket }
        }
        return 0
    }
}
