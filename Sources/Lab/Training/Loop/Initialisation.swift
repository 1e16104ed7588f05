package import Checkpoints
import Foundation
import SystemSupport

/// Initial parameters: stored values, else copies of CLIP's text tower or random numbers, as in CLIP4Clip.
///
/// Source: docs/MATHEMATICS.md, section 10.
package enum Initialisation {
    /// Returns the values of every parameter of a layout.
    ///
    /// `stored` has the tensors of the model, `clip` CLIP's tensors in OpenAI's names. Random numbers depend on the
    /// seed and the tensor's name.
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

    /// Returns a tensor of the towers themselves; nil for other parameters.
    private static func fromTower(_ entry: ParameterLayout.Entry, _ clip: some TensorSource) throws -> [Float]? {
        guard entry.name.hasPrefix("clip.") else { return nil }
        let name = String(entry.name.dropFirst(5))
        if entry.name == "clip.logit_scale" && !clip.has(name) { return [Float(log(1 / 0.07))] }
        if name == "visual.conv2.weight" && !clip.has(name) { return try spread(clip, entry.shape) }
        return try clip.floats(name, shape: entry.shape)
    }

    /// Returns a 3D kernel `[W, 3, 3, P, P]` that is the 2D kernel in the middle frame, and 0 elsewhere.
    private static func spread(_ clip: some TensorSource, _ shape: [Int]) throws -> [Float] {
        let size = shape[3] * shape[4]
        let flat = try clip.floats("visual.conv1.weight", shape: [shape[0], shape[1], shape[3], shape[4]])
        let none = [Float](repeating: 0, count: size)
        return stride(from: 0, to: flat.count, by: size).flatMap { none + flat[$0..<$0 + size] + none }
    }

    /// Returns positions and blocks of the text tower, if these have the same size; nil for other parameters.
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
        // By its name: a tensor's numbers do not depend on which others there are.
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
