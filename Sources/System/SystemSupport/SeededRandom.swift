import Foundation

/// A random number generator (SplitMix64) whose seed determines the sequence of numbers on every machine.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// Returns a random number in [0, 1) with 53 random bits.
    package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    package mutating func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * unit() }

    package mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &self) }

    /// Returns one of the items, each with the same probability; there must be at least one.
    package mutating func choice<T>(_ items: [T]) -> T { items[below(items.count)] }

    /// Returns one of the items with probability proportional to its weight; there must be at least one.
    package mutating func choice<T>(_ items: [T], weights: [Double]) -> T {
        var rest = unit() * weights.reduce(0, +)
        for (item, weight) in zip(items, weights) {
            rest -= weight
            if rest < 0 { return item }
        }
        return items[items.count - 1]
    }

    package mutating func chance(_ probability: Double) -> Bool { unit() < probability }

    /// Returns a normally distributed number with mean 0 and standard deviation 1 (Box-Muller transform).
    package mutating func normal() -> Double {
        let radius = (-2 * log(1 - unit())).squareRoot()
        return radius * cos(2 * .pi * unit())
    }
}
