package import Tensors

extension Precision {
    /// The width below which a tower's time is not spent in products.
    private static let narrow = 512

    /// The precision that `auto` means for a model: bf16 where the CPU multiplies it natively and it pays, else f32.
    ///
    /// A small model stays in f32: rounding would move a tight head's logits past thresholds that were set in float32.
    package func resolved(for architecture: Architecture) -> Precision {
        self == .auto && architecture.vision.width < Self.narrow ? .f32 : resolved
    }
}
