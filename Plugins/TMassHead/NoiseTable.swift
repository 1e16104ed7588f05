import Foundation
import HeadKit
import SystemSupport
import WatchwordHeadABI

/// The noise of T-MASS's stochastic text embedding: a vector for each random draw (`trials`), made from a seed, so that
/// every pair of a text and a video gets the same ones.
///
/// Source: Wang et al., "Text Is MASS" (CVPR 2024), which draws anew for each pair.
struct NoiseTable {
    let trials: Int
    private let seed: UInt64
    /// Of the normal prior; nil for numbers of 0 to 1.
    private let deviation: Double?

    private struct Keys: Decodable {
        let seed: UInt64?
        let trials: Int?
        let prior: String?
        let prior_std: Double?
    }

    /// `seed` (24), `trials` (20), `prior` ("uniform01" or "normal") and `prior_std` (0.003) of `config_json`.
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

    /// `[trials, width]`, row-major.
    func values(width: Int) -> [Float] {
        var keys = SeededRandom(seed: seed)
        var random = SeededRandom(seed: FNV1a("tmass.noise".utf8).hash ^ keys.next())
        /// A number of 0 to 1, of 24 bits.
        func unit() -> Double { Double(random.next() >> 40) / Double(1 << 24) }
        return (0..<trials * width).map { _ in
            guard let deviation else { return Float(unit()) }
            // Box-Muller, the first of its two numbers.
            let (radius, angle) = (sqrt(-2 * log(1 - unit())), 2 * Double.pi * unit())
            return Float(deviation * radius * cos(angle))
        }
    }
}
