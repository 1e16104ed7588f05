/// Tells which parameters a training leaves unchanged (CLIP4Clip's `freeze_layer_num`).
///
/// Source: docs/MATHEMATICS.md, section 9.
package struct Freezing: Sendable, Equatable {
    /// The lowest transformer block that is trained in both towers, with all blocks above it; nil trains everything.
    package let lowest: Int?

    package static let none = Freezing(lowest: nil)

    /// Makes the setting from CLIP4Clip's `freeze_layer_num`; -1 freezes nothing.
    ///
    /// A model whose image patches span several frames (`spatiotemporal`) is never frozen.
    package init(layers: Int, spatiotemporal: Bool) { lowest = layers < 0 || spatiotemporal ? nil : layers }

    private init(lowest: Int?) { self.lowest = lowest }

    private static let always = [
        "clip.ln_final.", "clip.text_projection", "clip.logit_scale", "clip.visual.ln_post.", "clip.visual.proj",
    ]

    package func isTrained(_ name: String) -> Bool {
        guard let lowest, name.hasPrefix("clip.") else { return true }
        if Self.always.contains(where: name.hasPrefix) { return true }
        for tower in ["clip.visual.transformer.resblocks.", "clip.transformer.resblocks."]
        where name.hasPrefix(tower) {
            return Int(name.dropFirst(tower.count).prefix { $0 != "." }).map { $0 >= lowest } ?? false
        }
        return false
    }
}
