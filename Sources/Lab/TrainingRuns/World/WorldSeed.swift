import SystemSupport

/// Derives random seeds for the items of generated training batches.
enum WorldSeed {
    /// Returns the random seed of item `number` of training step `step`.
    static func mix(_ seed: UInt64, _ step: Int, _ number: Int) -> UInt64 {
        var random = SeededRandom(seed: seed &+ UInt64(step) &* 0x9E37_79B9_7F4A_7C15)
        return random.next() &+ UInt64(number) &* 0xD1B5_4A32_D192_ED03
    }
}
