/// A histogram: counts of values in a few fixed ranges, so that its size does not grow with the number of values.
package struct Histogram: Sendable, Equatable {
    /// The upper bounds of all ranges but the last, which is unbounded; a value equal to a bound belongs to that range.
    package let bounds: [Double]
    /// The number of values in each range; there is one more range than there are bounds.
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

    /// Adds each value of a sequence once.
    package mutating func add(_ values: some Sequence<Double>) { for value in values { add(value) } }

    /// Adds the counts and the sum of another histogram, which must have the same bounds.
    package static func += (all: inout Histogram, one: Histogram) {
        precondition(all.bounds == one.bounds)
        for index in all.counts.indices { all.counts[index] += one.counts[index] }
        all.sum += one.sum
    }
}

extension Histogram {
    /// An empty histogram for durations in seconds; its bounds run from 0.1 ms to 30 s.
    package static var seconds: Histogram {
        Histogram(bounds: [
            0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
        ])
    }
    /// An empty histogram for batch sizes; its bounds are the powers of two from 1 to 256.
    package static var batches: Histogram { Histogram(bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256]) }
    /// An empty histogram for cosines between texts and pictures.
    ///
    /// Its bounds are densest from 0.2 to 0.35, where most of these cosines lie.
    package static var cosines: Histogram {
        Histogram(bounds: [-0.1, 0, 0.05, 0.1, 0.15, 0.2, 0.225, 0.25, 0.275, 0.3, 0.325, 0.35, 0.4, 0.5, 0.75, 1])
    }
    /// An empty histogram for the logits of a pairing head (a model that scores a text and a video window together).
    package static var logits: Histogram { Histogram(bounds: [-20, -10, -5, -2, -1, -0.5, 0, 0.5, 1, 2, 5, 10, 20]) }
}
