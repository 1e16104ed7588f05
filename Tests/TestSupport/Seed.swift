import Foundation
package import SystemSupport

/// Returns a test's random generator; its seed is `WATCHWORD_SEED`, or new in each run.
///
/// The seed is printed, so that a failed run can be repeated.
package func seededRandom(_ test: String) -> SeededRandom {
    let given = ProcessInfo.processInfo.environment["WATCHWORD_SEED"].flatMap { UInt64($0) }
    let seed = given ?? UInt64.random(in: 0...0xFFFF_FFFF)
    print("\(test): WATCHWORD_SEED=\(seed)")
    return SeededRandom(seed: seed)
}
