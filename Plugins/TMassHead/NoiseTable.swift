import Foundation
import HeadKit
import SystemSupport
import WatchwordHeadABI

/// The noise of T-MASS's stochastic text embedding: one vector for each trial, made from a seed.
///
/// Every pair of a text and a window gets the same table. Source: Wang et al., "Text Is MASS" (CVPR 2024), which draws
/// anew for each pair.
struct NoiseTable {
    let trials: Int
    private let seed: UInt64
    /// The standard deviation of the normal prior; nil for the uniform prior.
    private let deviation: Double?

    private struct Keys: Decodable {
        let seed: UInt64?
        let trials: Int?
        let prior: String?
        let prior_std: Double?
    }

    /// Reads `seed` (24), `trials` (20), `prior` ("uniform01" or "normal") and `prior_std` (0.003) from `config_json`.
    ///
    /// The values in parentheses are the defaults.
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

    /// Returns the table `[trials, width]`, row-major.
    func values(width: Int) -> [Float] {
        var keys = SeededRandom(seed: seed)
        var random = SeededRandom(seed: FNV1a("tmass.noise".utf8).hash ^ keys.next())
        /// Returns a number from 0 up to 1, with 24 random bits.
        func unit() -> Double { Double(random.next() >> 40) / Double(1 << 24) }
        return (0..<trials * width).map { _ in
            guard let deviation else { return Float(unit()) }
            // Box-Muller, the first of its two numbers.
            let (radius, angle) = (sqrt(-2 * log(1 - unit())), 2 * Double.pi * unit())
            return Float(deviation * radius * cos(angle))
        }
    }
}
