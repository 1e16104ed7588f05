package import Checkpoints
import Foundation
import SystemSupport

/// Initial parameters of a training: the model's own, else copies of CLIP's text tower, else random ones.
///
/// This is CLIP4Clip's initialisation. Source: docs/MATHEMATICS.md, section 10.
package enum Initialisation {
    /// Returns initial values for every parameter of `layout`.
    ///
    /// `stored` has the model's tensors; `clip` has CLIP's tensors under OpenAI's names. A parameter without a stored
    /// or copied value is random, and depends only on the seed and its name.
    package static func parameters(
        _ layout: ParameterLayout, stored: some TensorSource, clip: some TensorSource, seed: UInt64
    ) throws -> [Float] {
        var values: [Float] = []
        values.reserveCapacity(layout.count)
        for entry in layout.entries {
            if stored.has(entry.name) {
                values += try stored.floats(entry.name, shape: entry.shape)
            } else if let own = try fromTower(entry, clip) {
                values += own
            } else if let text = try fromText(entry, clip) {
                values += text
            } else {
                values += random(entry, seed)
            }
        }
        return values
    }

    /// Returns CLIP's values of a parameter of the image or text tower; nil for other parameters.
    private static func fromTower(_ entry: ParameterLayout.Entry, _ clip: some TensorSource) throws -> [Float]? {
        guard entry.name.hasPrefix("clip.") else { return nil }
        let name = String(entry.name.dropFirst(5))
        if entry.name == "clip.logit_scale" && !clip.has(name) { return [Float(log(1 / 0.07))] }
        if name == "visual.conv2.weight" && !clip.has(name) { return try spread(clip, entry.shape) }
        return try clip.floats(name, shape: entry.shape)
    }

    /// Returns CLIP's 2D patch kernel as a 3D kernel `[W, 3, 3, P, P]`, with 0 in the frames before and after.
    private static func spread(_ clip: some TensorSource, _ shape: [Int]) throws -> [Float] {
        let size = shape[3] * shape[4]
        let flat = try clip.floats("visual.conv1.weight", shape: [shape[0], shape[1], shape[3], shape[4]])
        let none = [Float](repeating: 0, count: size)
        return stride(from: 0, to: flat.count, by: size).flatMap { none + flat[$0..<$0 + size] + none }
    }

    /// Returns the values of CLIP's text tower that a head's position embeddings or block weights start from.
    ///
    /// Returns nil for other parameters, and if the shapes differ.
    private static func fromText(_ entry: ParameterLayout.Entry, _ clip: some TensorSource) throws -> [Float]? {
        var name: String?
        if entry.name.hasSuffix("position_embeddings.weight") { name = "positional_embedding" }
        for prefix in ["transformerClip.", "cross.transformer."] where entry.name.hasPrefix(prefix) {
            name = "transformer." + entry.name.dropFirst(prefix.count)
        }
        guard let name, clip.tensors[name]?.shape == entry.shape else { return nil }
        return try clip.floats(name)
    }

    private static func random(_ entry: ParameterLayout.Entry, _ seed: UInt64) -> [Float] {
        // The seed depends on the tensor's name, so its values do not depend on the other tensors of the layout.
        var random = SeededRandom(seed: seed ^ FNV1a(entry.name.utf8).hash)
        func uniform(_ bound: Double) -> [Float] { entry.range.map { _ in Float(random.uniform(-bound, bound)) } }
        if entry.name.hasPrefix("lstm_visual.") {
            return uniform(1 / Double(entry.shape[0] / 4).squareRoot())
        }
        if entry.name.hasSuffix("in_proj_weight") { return uniform((6 / Double(4 * entry.shape[1])).squareRoot()) }
        let isNorm = entry.name.contains(".ln_")
        if entry.name.hasSuffix("bias") { return [Float](repeating: 0, count: entry.range.count) }
        if isNorm { return [Float](repeating: 1, count: entry.range.count) }
        return entry.range.map { _ in Float(0.02 * random.normal()) }
    }
}
