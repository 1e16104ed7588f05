/// Counts of values in a few fixed ranges; its size does not grow with the values.
package struct Histogram: Sendable, Equatable {
    /// The upper bounds of all ranges but the last, which has none; a bound belongs to its range.
    package let bounds: [Double]
    /// The count of each range, one more than there are bounds.
    package private(set) var counts: [UInt64]
    package private(set) var sum = 0.0

    package init(bounds: [Double]) {
        self.bounds = bounds
        counts = [UInt64](repeating: 0, count: bounds.count + 1)
    }

    package var count: UInt64 { counts.reduce(0, +) }

    /// Adds a value `times` times; values that are not finite are ignored.
    package mutating func add(_ value: Double, times: UInt64 = 1) {
        guard value.isFinite else { return }
        var (low, high) = (0, bounds.count)
        while low < high {
            let middle = (low + high) / 2
            if value <= bounds[middle] { high = middle } else { low = middle + 1 }
        }
        counts[low] += times
        sum += value * Double(times)
    }

    /// Adds values.
    package mutating func add(_ values: some Sequence<Double>) { for value in values { add(value) } }

    /// Adds the counts of another histogram with the same bounds.
    package static func += (all: inout Histogram, one: Histogram) {
        precondition(all.bounds == one.bounds)
        for index in all.counts.indices { all.counts[index] += one.counts[index] }
        all.sum += one.sum
    }
}

extension Histogram {
    /// An empty histogram for seconds, from 0.1 ms to half a minute.
    package static var seconds: Histogram {
        Histogram(bounds: [
            0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
        ])
    }
    /// An empty histogram for batch sizes.
    package static var batches: Histogram { Histogram(bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256]) }
    /// An empty histogram for cosines of texts and pictures, which lie close together.
    package static var cosines: Histogram {
        Histogram(bounds: [-0.1, 0, 0.05, 0.1, 0.15, 0.2, 0.225, 0.25, 0.275, 0.3, 0.325, 0.35, 0.4, 0.5, 0.75, 1])
    }
    /// An empty histogram for logits of a pairing head.
    package static var logits: Histogram { Histogram(bounds: [-20, -10, -5, -2, -1, -0.5, 0, 0.5, 1, 2, 5, 10, 20]) }
}
