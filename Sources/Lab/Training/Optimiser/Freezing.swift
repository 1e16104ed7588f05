/// Which parameters stay as they are.
///
/// Source: CLIP4CLIP section 9, `freeze_layer_num`.
package struct Freezing: Sendable, Equatable {
    /// Blocks of both towers from this one on are learnt, and what comes after them; nil learns all.
    package let lowest: Int?

    package static let none = Freezing(lowest: nil)

    /// `layers`: the reference's number; -1 freezes nothing, and neither does any with 3D patches (S4).
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
