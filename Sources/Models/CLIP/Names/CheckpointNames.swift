package import Checkpoints

/// The tensors of a checkpoint under names without prefixes, which come from different training programs.
///
/// It removes the prefix `module.` of data-parallel training, and `clip.` before Hugging Face's towers. `gamma` and
/// `beta` become `weight` and `bias`, as in CLIP4Clip's loader. `input_resolution`, `context_length`, `vocab_size` and
/// `position_ids` are skipped, as they are not weights. Source: docs/MATHEMATICS.md, section 2.
package struct CheckpointNames: TensorSource, Sendable {
    private let base: any TensorSource & Sendable
    /// Maps cleaned names to the checkpoint's names.
    private let names: [String: String]
    package let tensors: [String: TensorInfo]
    package var origin: String { base.origin }

    /// Cleans the names of the checkpoint `base`; throws if two tensors would get the same name.
    package init(_ base: any TensorSource & Sendable) throws(CheckpointError) {
        self.base = base
        var names: [String: String] = [:]
        var tensors: [String: TensorInfo] = [:]
        func plain(_ name: String) -> Substring { name.hasPrefix("module.") ? name.dropFirst(7) : name[...] }
        // X-Pool and T-MASS prefix Hugging Face's towers with `clip.`, and data-parallel training adds `module.` before
        // it.
        let prefix = base.tensors.keys.contains { plain($0).hasPrefix("clip.vision_model.") } ? "clip." : ""
        for (name, info) in base.tensors {
            var stripped = String(plain(name))
            if stripped.hasPrefix(prefix) { stripped = String(stripped.dropFirst(prefix.count)) }
            if ["input_resolution", "context_length", "vocab_size"].contains(stripped) { continue }
            if stripped.hasSuffix(".position_ids") { continue }
            let ours = stripped.replacing("gamma", with: "weight").replacing("beta", with: "bias")
            guard names.updateValue(name, forKey: ours) == nil else {
                throw CheckpointError(base.origin, .malformed("two of its tensors are \"\(ours)\" by today's names"))
            }
            // OpenCLIP and SigLIP may store the scale and the bias as a list of one number.
            let isScalar = ["logit_scale", "logit_bias"].contains { ours.hasSuffix($0) } && info.shape == [1]
            tensors[ours] = TensorInfo(name: ours, type: info.type, shape: isScalar ? [] : info.shape)
        }
        self.names = names
        self.tensors = tensors
    }

    package func floats(_ name: String) throws(CheckpointError) -> [Float] {
        guard let theirs = names[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        return try base.floats(theirs)
    }

    package func floats(_ name: String, elements: Range<Int>) throws(CheckpointError) -> [Float] {
        guard let theirs = names[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        return try base.floats(theirs, elements: elements)
    }
}
