package import Tensors

extension Precision {
    /// The width of the image tower below which a model always computes in float32; there, bf16 would hardly save time.
    private static let narrow = 512

    /// Returns the precision to compute a model with, which replaces `auto` by bf16 or float32.
    ///
    /// `auto` means bf16 on CPUs that multiply it natively, else float32. Small models stay in float32: there, rounding
    /// would move scores of the `tight` head past thresholds that were set in float32.
    package func resolved(for architecture: Architecture) -> Precision {
        self == .auto && architecture.vision.width < Self.narrow ? .f32 : resolved
    }
}
