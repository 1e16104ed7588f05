package import Checkpoints

/// A checkpoint's tensors under OpenAI's names, without the `clip.` of CLIP4Clip checkpoints.
///
/// It also strips the `text.` before OpenCLIP's text tower, whatever the configuration says, as OpenCLIP does.
package struct OpenAINames: TowerNames {
    private let base: any TensorSource
    /// Maps OpenAI's names to the base's names.
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
            // Should both forms be there, the text tower's own counts.
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

    /// The name of a tensor in the checkpoint.
    private func stored(_ name: String) -> String { names[name] ?? Self.prefix(base.tensors.keys) + name }

    package func storedNames(_ name: String) -> [String] { [stored(name)] }

    package func everyStoredName(_ name: String) -> [String] { [stored(name)] }

    /// The prefix of the towers' names: `clip.` or empty.
    static func prefix(_ names: some Sequence<String>) -> String {
        names.contains { $0.hasPrefix("clip.visual.") } ? "clip." : ""
    }
}
