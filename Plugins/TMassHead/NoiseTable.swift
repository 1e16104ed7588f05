import Foundation
import HeadKit
import SystemSupport
import WatchwordHeadABI

/// The random vectors that T-MASS uses to vary a text's embedding.
///
/// The head scores `trials` variants of each text; each vector belongs to one variant, and the seed determines them
/// all. All (text, window) pairs use the same vectors, unlike the original, which draws new ones for each pair. Source:
/// Wang et al., "Text Is MASS" (CVPR 2024).
struct NoiseTable {
    /// The number of vectors, and so of variants of a text; with 0, only the text itself is scored.
    let trials: Int
    private let seed: UInt64
    /// The standard deviation of normally distributed noise; nil for noise that is uniform in 0..<1.
    private let deviation: Double?

    private struct Keys: Decodable {
        let seed: UInt64?
        let trials: Int?
        let prior: String?
        let prior_std: Double?
    }

    /// Reads the settings of the noise from the head's `config_json`; throws if a value is invalid.
    ///
    /// Keys, with their defaults in brackets:
    /// - `seed` (24);
    /// - `trials`, the number of vectors, 0 to 1000 (20);
    /// - `prior`, the distribution of their numbers, "uniform01" or "normal" ("uniform01");
    /// - `prior_std`, the standard deviation if normal, above 0 (0.003).
    init(_ config: HeadConfig) throws {
        guard let keys = try? config.decode(Keys.self) else {
            throw HeadCallError(
                WW_BAD_CONFIG, "config_json: seed and trials must be whole numbers, prior a word, prior_std a number")
        }
        let prior = keys.prior ?? "uniform01"
        trials = keys.trials ?? 20
        seed = keys.seed ?? 24
        deviation = prior == "normal" ? keys.prior_std ?? 0.003 : nil
        guard ["uniform01", "normal"].contains(prior), (0...1000).contains(trials), deviation ?? 1 > 0 else {
            throw HeadCallError(
                WW_BAD_CONFIG,
                "config_json: expected a prior of uniform01 or normal, trials of 0 to 1000, prior_std above 0")
        }
    }

    /// Returns the random vectors as a table `[trials, width]`, row-major.
    func values(width: Int) -> [Float] {
        var keys = SeededRandom(seed: seed)
        var random = SeededRandom(seed: FNV1a("tmass.noise".utf8).hash ^ keys.next())
        /// Returns a number in 0..<1 with 24 random bits.
        func unit() -> Double { Double(random.next() >> 40) / Double(1 << 24) }
        return (0..<trials * width).map { _ in
            guard let deviation else { return Float(unit()) }
            // The Box-Muller transform gives two normal numbers, of which the first is used.
            let (radius, angle) = (sqrt(-2 * log(1 - unit())), 2 * Double.pi * unit())
            return Float(deviation * radius * cos(angle))
        }
    }
}
