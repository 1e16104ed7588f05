import Foundation
package import SystemSupport

/// The seed of what a test leaves to chance: drawn anew for each run, or `WATCHWORD_SEED`.
///
/// The test prints it, so that a run that failed can be repeated.
package func seededRandom(_ test: String) -> SeededRandom {
    let given = ProcessInfo.processInfo.environment["WATCHWORD_SEED"].flatMap { UInt64($0) }
    let seed = given ?? UInt64.random(in: 0...0xFFFF_FFFF)
    print("\(test): WATCHWORD_SEED=\(seed)")
    return SeededRandom(seed: seed)
}
