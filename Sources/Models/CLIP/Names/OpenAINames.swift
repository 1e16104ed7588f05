package import Checkpoints

/// The tensors of a checkpoint's image and text tower, named as in OpenAI's models.
///
/// It removes the prefix `clip.` of CLIP4Clip's files. It also removes the prefix `text.` of OpenCLIP's text tower,
/// whatever the configuration says, as OpenCLIP does.
package struct OpenAINames: TowerNames {
    private let base: any TensorSource
    /// Maps OpenAI's names to the checkpoint's names.
    private let names: [String: String]
    package let tensors: [String: TensorInfo]
    package var origin: String { base.origin }

    package init(_ base: any TensorSource) {
        self.base = base
        let prefix = Self.prefix(base.tensors.keys)
        let text = base.has("\(prefix)text.token_embedding.weight") ? "text." : ""
        var names: [String: String] = [:]
        var tensors: [String: TensorInfo] = [:]
        for (name, info) in base.tensors where name.hasPrefix(prefix) {
            let short = name.dropFirst(prefix.count)
            let ours = String(!text.isEmpty && short.hasPrefix(text) ? short.dropFirst(text.count) : short)
            // If a name exists with and without `text.`, use the tensor with the prefix.
            if names[ours] != nil, ours.count == short.count { continue }
            names[ours] = name
            tensors[ours] = TensorInfo(name: ours, type: info.type, shape: info.shape)
        }
        self.names = names
        self.tensors = tensors
    }

    package func floats(_ name: String) throws(CheckpointError) -> [Float] { try base.floats(stored(name)) }

    package func floats(_ name: String, elements: Range<Int>) throws(CheckpointError) -> [Float] {
        try base.floats(stored(name), elements: elements)
    }

    /// Returns the name that a tensor has in the checkpoint file.
    private func stored(_ name: String) -> String { names[name] ?? Self.prefix(base.tensors.keys) + name }

    package func storedNames(_ name: String) -> [String] { [stored(name)] }

    package func everyStoredName(_ name: String) -> [String] { [stored(name)] }

    /// Returns the prefix of tensor names in a checkpoint: `clip.` in CLIP4Clip's files, else empty.
    static func prefix(_ names: some Sequence<String>) -> String {
        names.contains { $0.hasPrefix("clip.visual.") } ? "clip." : ""
    }
}
