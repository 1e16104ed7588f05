import Synchronization

/// The share of their sampling rate that live streams keep: the engine's `LoadShedder` sets it, streaming threads read
/// it.
///
/// Samples that are left out are counted by `DecodingRecord.shedSamples`, and shown as frames dropped with the reason
/// `shed`.
package final class SamplingShare: Sendable {
    private let bits = Atomic(1.0.bitPattern)

    package init() {}

    /// 1 while there is time for all.
    package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    package func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
}
