package import Tensors

extension Precision {
    /// Towers narrower than this are done in no time: products are not what they cost.
    private static let narrow = 512

    /// The meaning of `auto` for a model: bf16 where the CPU multiplies it natively and it pays, else f32.
    ///
    /// A small model keeps all its digits, which a tight head's logits and thresholds that were set in float32 feel.
    package func resolved(for architecture: Architecture) -> Precision {
        self == .auto && architecture.vision.width < Self.narrow ? .f32 : resolved
    }
}
