/// The parameters that a training does not change.
///
/// Source: docs/MATHEMATICS.md, section 9 (`freeze_layer_num`).
package struct Freezing: Sendable, Equatable {
    /// The lowest block of both towers that is trained, with everything above it; nil trains all.
    package let lowest: Int?

    package static let none = Freezing(lowest: nil)

    /// Takes CLIP4Clip's `freeze_layer_num`: -1 freezes nothing, and with 3D patches no value does.
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
