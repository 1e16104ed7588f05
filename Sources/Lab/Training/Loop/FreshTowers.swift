import Foundation
import SystemSupport

/// Initial parameters for CLIP towers that are trained from nothing, drawn like Hugging Face's `CLIPModel`.
package enum FreshTowers {
    /// Returns initial values for every parameter of `layout`, drawn at random from `seed`.
    ///
    /// Parameters of heads and of auxiliary losses get random values, too. Position embeddings of image patches begin
    /// as sine waves, which tell the patches' positions apart from the first step.
    package static func parameters(
        _ layout: ParameterLayout, images: ImageShape?, texts: TextShape, seed: UInt64
    ) -> [Float] {
        var values: [Float] = []
        values.reserveCapacity(layout.count)
        for entry in layout.entries {
            // The seed depends on the tensor's name, so its values do not depend on the other tensors of the layout.
            var random = SeededRandom(seed: seed ^ FNV1a(entry.name.utf8).hash)
            if let images, entry.name == "clip.visual.positional_embedding" {
                values += waves(images, &random)
            } else if let constant = constant(entry.name) {
                values += repeatElement(constant, count: entry.range.count)
            } else if let bound = bound(entry) {
                values += entry.range.map { _ in Float(random.uniform(-bound, bound)) }
            } else {
                let deviation = deviation(entry, images: images, texts: texts)
                values += entry.range.map { _ in Float(deviation * random.normal()) }
            }
        }
        return values
    }

    private static func constant(_ name: String) -> Float? {
        if name == "clip.logit_scale" { return Float(log(1 / 0.07)) }
        if name.hasPrefix("side.pairs.") { return name.hasSuffix("bias") ? -4 : Float(log(12.0)) }
        if name.hasPrefix("lstm_visual.") { return nil }
        let isNorm = name.split(separator: ".").contains { $0 == "ln" || $0.hasPrefix("ln_") }
        if name.hasSuffix("bias") { return 0 }
        return isNorm ? 1 : nil
    }

    /// Returns b if the parameter's values are drawn uniformly from -b to b; nil for other distributions.
    private static func bound(_ entry: ParameterLayout.Entry) -> Double? {
        if entry.name.hasPrefix("lstm_visual.") { return 1 / Double(entry.shape[0] / 4).squareRoot() }
        if entry.name.hasPrefix("side.") { return 1 / Double(entry.shape.last ?? 1).squareRoot() }
        let isHead = !entry.name.hasPrefix("clip.")
        return isHead && entry.name.hasSuffix("in_proj_weight") ? (6 / Double(4 * entry.shape[1])).squareRoot() : nil
    }

    private static func deviation(
        _ entry: ParameterLayout.Entry, images: ImageShape?, texts: TextShape
    ) -> Double {
        let name = entry.name
        guard name.hasPrefix("clip.") else { return name.hasPrefix("similarity") ? 0.05 : 0.02 }
        if name.hasSuffix("conv1.weight") || name.hasSuffix("conv2.weight") { return 0.03 }
        guard let stack = name.hasPrefix("clip.visual.") ? images?.stack : texts.stack else { return 0.02 }
        let (width, depth) = (Double(stack.width), Double(2 * stack.layers).squareRoot())
        if name.hasSuffix("in_proj_weight") || name.hasSuffix("c_proj.weight") { return 1 / width.squareRoot() / depth }
        if name.hasSuffix("c_fc.weight") { return 1 / (2 * width).squareRoot() }
        let isPlain = ["out_proj.weight", "proj", "text_projection", "class_embedding"].contains(where: name.hasSuffix)
        return isPlain ? 1 / width.squareRoot() : 0.02
    }

    /// Returns position embeddings `[tokens, W]` of the image tower.
    ///
    /// The class token's row is random; the rows of patches are sine waves of the patch's column and row.
    private static func waves(_ shape: ImageShape, _ random: inout SeededRandom) -> [Float] {
        let (W, n) = (shape.stack.width, shape.side / shape.patch)
        var values = (0..<W).map { _ in Float(0.02 * random.normal()) }
        let quarter = W / 4
        for row in 0..<n {
            for column in 0..<n {
                for index in 0..<W {
                    let place = (Double(index < 2 * quarter ? column : row) + 0.5) / Double(n)
                    let angle = place * .pi * 0.5 * pow(1.08, Double(index % max(quarter, 1)))
                    values.append(Float(0.5 * (index / max(quarter, 1) % 2 == 0 ? sin(angle) : cos(angle))))
                }
            }
        }
        return values
    }
}
