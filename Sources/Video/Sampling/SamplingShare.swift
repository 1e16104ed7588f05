import Synchronization

/// The share of the sampling rate that live streams keep: set by the engine's `LoadShedder`, read by streaming threads.
///
/// Samples left out are counted in `DecodingRecord.shedSamples`, and shown as frames dropped for the reason `shed`.
package final class SamplingShare: Sendable {
    private let bits = Atomic(1.0.bitPattern)

    package init() {}

    /// The share; 1 without overload.
    package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    package func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
}
