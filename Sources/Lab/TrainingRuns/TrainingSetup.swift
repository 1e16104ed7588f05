import CLIP
import Checkpoints
import Foundation
import Tensors
import Training

/// The trainable model for a model directory, with its initial parameters.
struct TrainingSetup {
    let model: TrainingModel
    let start: [Float]

    /// Prepares a training on windows (clips sampled to a fixed number) of `frames` frames.
    ///
    /// `layers` and `seed` apply only to parts that the model lacks. Throws `TrainingError` if the head has fewer
    /// position embeddings than a window has frames, and `ModelError` if the towers cannot be trained as requested.
    init(
        _ directory: ModelDirectory, head kind: HeadKind, learn: LearntParts, patches: PatchKind?, fresh: Bool,
        frames: Int, layers: Int, seed: UInt64
    ) throws {
        let architecture = directory.architecture
        let (text, vision) = (architecture.text, architecture.vision)
        let isSpatiotemporal = patches.map { $0 == .spatiotemporal } ?? (vision.linearPatch == .spatiotemporal)
        guard learn == .head || architecture.family == .clip else {
            throw ModelError(
                directory.url.path,
                "the towers of \(architecture.family.rawValue) are not trained, only heads on them: --learn head")
        }
        guard isSpatiotemporal || vision.linearPatch == .planar else {
            throw ModelError(directory.url.path, "its patches are 3D, and are not made 2D")
        }
        var stored = fresh ? [:] : try directory.headTensors(kind.rawValue)
        let file = directory.url.appending(path: "heads/\(kind.rawValue).safetensors")
        if !stored.isEmpty, let own = try? SafetensorsFile(path: file.path), own.has("clip.logit_scale") {
            stored["clip.logit_scale"] = HeadWeights(shape: [], values: try own.floats("clip.logit_scale"))
        }
        let positions = stored.first { $0.key.hasSuffix("position_embeddings.weight") }?.value.shape.first
        let head = HeadShape(
            kind: kind,
            stack: StackShape(
                width: architecture.embedding,
                heads: directory.defaults.attentionHeads[kind.rawValue] ?? max(1, architecture.embedding / 64),
                layers: Self.layers(stored.keys) ?? layers, epsilon: 1e-12),
            positions: positions ?? text.context)
        let needed = frames + (kind == .tight ? 1 : 0)
        guard kind == .mean || kind == .lstm || needed <= head.positions else {
            throw TrainingError("the head has \(head.positions) positions, and windows of \(frames) need \(needed)")
        }
        model = TrainingModel(
            head: head,
            images: learn == .all
                ? ImageShape(architecture, spatiotemporal: isSpatiotemporal) : nil,
            texts: learn == .head ? nil : TextShape(architecture))
        start = try Initialisation.parameters(
            model.layout, stored: MemoryTensors(stored, origin: file.path), clip: directory.tensors,
            seed: seed)
    }

    /// Returns the number of transformer blocks that the tensors' names imply; nil if there are none.
    private static func layers(_ names: some Sequence<String>) -> Int? {
        let numbers = names.compactMap { name -> Int? in
            guard let range = name.range(of: "resblocks.") else { return nil }
            return Int(name[range.upperBound...].prefix { $0 != "." })
        }
        return numbers.max().map { $0 + 1 }
    }
}
