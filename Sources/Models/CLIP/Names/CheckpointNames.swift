package import Checkpoints

/// A checkpoint's tensors under current names, without entries that are not weights.
///
/// It strips the `module.` of data-parallel training, and `clip.` before Hugging Face's towers. `gamma` and `beta`
/// become `weight` and `bias`, as in CLIP4Clip's loader. OpenAI's three scalars and Hugging Face's `position_ids` are
/// left out. Source: docs/MATHEMATICS.md, section 2.
package struct CheckpointNames: TensorSource, Sendable {
    private let base: any TensorSource & Sendable
    /// Maps current names to the base's names.
    private let names: [String: String]
    package let tensors: [String: TensorInfo]
    package var origin: String { base.origin }

    /// Maps the names; throws if two tensors would have the same name.
    package init(_ base: any TensorSource & Sendable) throws(CheckpointError) {
        self.base = base
        var names: [String: String] = [:]
        var tensors: [String: TensorInfo] = [:]
        func plain(_ name: String) -> Substring { name.hasPrefix("module.") ? name.dropFirst(7) : name[...] }
        // X-Pool and T-MASS keep Hugging Face's towers below it, data-parallel training within its own prefix.
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
            // OpenCLIP and SigLIP also write the scale and the bias as a list of one number.
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
