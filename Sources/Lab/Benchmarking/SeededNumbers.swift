import SystemSupport

/// Generates uniformly distributed numbers with a given mean and standard deviation, determined by a seed.
package struct SeededNumbers {
    private var random: SeededRandom

    package init(seed: UInt64) { random = SeededRandom(seed: seed) }

    /// Returns the next `count` numbers.
    package mutating func numbers(_ count: Int, mean: Float = 0, deviation: Float) -> [Float] {
        let reach = deviation * Float(3).squareRoot()
        return (0..<count).map { _ in mean + reach * next() }
    }

    /// Returns the next number in -1..<1.
    private mutating func next() -> Float { Float(Int32(truncatingIfNeeded: random.next() >> 32)) / 0x1p31 }
}
