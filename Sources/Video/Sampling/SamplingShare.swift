import Synchronization

/// The share of their sampled frames that live streams keep under overload.
///
/// The engine's `LoadShedder` sets it, and streaming threads read it. Frames left out are counted in
/// `DecodingRecord.shedSamples`, and reported as frames dropped for the reason `shed`.
package final class SamplingShare: Sendable {
    private let bits = Atomic(1.0.bitPattern)

    package init() {}

    /// The share of sampled frames that live streams keep, from 0 to 1; 1 without overload.
    package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    package func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
}
