import Foundation
import HeadKit
import WatchwordHeadABI

/// T-MASS's noise: one row a trial, the same for every pair, from a seed.
///
/// Source: FAMILIES section 8.2; the generator is PROCEDURAL.md's, stream "tmass.noise".
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
        (0..<UInt64(trials * width)).map { i in
            guard let deviation else { return Float(unit(i)) }
            // Box-Muller, the first of its two numbers.
            return Float(deviation * sqrt(-2 * log(1 - unit(2 * i))) * cos(2 * Double.pi * unit(2 * i + 1)))
        }
    }

    /// A number of 0 to 1, of 24 bits.
    private func unit(_ i: UInt64) -> Double { Double(word(i) >> 40) / Double(1 << 24) }

    private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

    private func word(_ i: UInt64) -> UInt64 {
        let name = "tmass.noise".utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let key = name ^ Self.mix(seed &+ Self.step)
        return Self.mix(key &+ (i + 1) &* Self.step)
    }

    private static func mix(_ z: UInt64) -> UInt64 {
        var z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
