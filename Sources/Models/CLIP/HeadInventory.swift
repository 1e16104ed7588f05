import Checkpoints

/// The heads that have trained weights; raw values are the names of the heads.
///
/// A head turns the frame embeddings of a window into a clip embedding or a score.
package enum WeightedHead: String, Sendable, CaseIterable { case lstm, transformer, tight, xpool, tmass }

/// The heads whose tensors a checkpoint contains, recognised by tensor names of CLIP4Clip, X-Pool and T-MASS.
///
/// Only this type and the head plugins know these names. Source: docs/MATHEMATICS.md, sections 2 and 13.
package struct HeadInventory: Sendable {
    /// A head (the model that scores a window of frames) with at least one tensor in the checkpoint.
    package struct Held: Sendable, Equatable {
        package let name: String
        package let layers: Int
        /// The names of the head's tensors that the checkpoint contains, sorted.
        package let tensors: [String]
        /// The names of the tensors that the head needs and that the checkpoint lacks, sorted.
        package let missing: [String]
    }

    /// The heads (models above CLIP) whose tensors the checkpoint contains; at most one of each kind.
    package let heads: [Held]
    /// The names of the tensors that belong to none of the heads (models above CLIP), sorted.
    package let others: [String]

    /// The name of the head (the model above CLIP) that the checkpoint was trained with.
    ///
    /// It is the first head in the checkpoint, else `mean`, which has no weights.
    package var trained: String { heads.first?.name ?? "mean" }

    /// The name of the position embeddings that the transformer head uses; LSTM checkpoints contain it, unused.
    private static let positions = "frame_position_embeddings.weight"

    /// Finds the heads (models above CLIP) among tensor names that do not belong to the image or text tower.
    package init(_ names: some Sequence<String>) {
        let names = Set(names)
        func having(_ prefixes: String...) -> Set<String> {
            names.filter { name in prefixes.contains { name.hasPrefix($0) } }
        }
        let (lstm, transformer) = (having("lstm_visual."), having("transformerClip."))
        let tight = having("cross.", "similarity_dense.")
        let shared = names.intersection([Self.positions])
        var heads: [Held] = []
        if !lstm.isEmpty {
            let prefix = "lstm_visual.weight_ih_l"
            let layers = max(1, lstm.count { $0.hasPrefix(prefix) && Int($0.dropFirst(prefix.count)) != nil })
            let needed = (0..<layers).flatMap { layer in
                ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map { "lstm_visual.\($0)_l\(layer)" }
            }
            heads.append(Self.held(.lstm, layers, lstm.union(shared), needed))
        }
        // Position embeddings without blocks and without an LSTM belong to an incomplete transformer head.
        if !transformer.isEmpty || (lstm.isEmpty && !shared.isEmpty) {
            let (layers, blocks) = Self.blocks("transformerClip.resblocks", in: transformer)
            heads.append(Self.held(.transformer, layers, transformer.union(shared), [Self.positions] + blocks))
        }
        if !tight.isEmpty {
            let (layers, blocks) = Self.blocks("cross.transformer.resblocks", in: tight)
            let rest = ["cross.pooler.ln_pool", "cross.pooler.dense", "similarity_dense"].flatMap {
                ["\($0).weight", "\($0).bias"]
            }
            let needed = ["cross.embeddings.position_embeddings.weight"] + blocks + rest
            heads.append(Self.held(.tight, layers, tight, needed))
        }
        let (pool, stochastic) = (having("pool_frames."), having("stochastic."))
        if !pool.isEmpty {
            let norms = (1...3).map { "layer_norm\($0)" }
            let products = ["q_proj", "k_proj", "v_proj", "out_proj"].map { "cross_attn.\($0)" }
            var needed = (products + ["linear_proj"] + norms).flatMap {
                ["pool_frames.\($0).weight", "pool_frames.\($0).bias"]
            }
            if !stochastic.isEmpty {
                needed += ["weight", "bias"].map { "stochastic.std_branch.linear_proj.\($0)" }
            }
            heads.append(
                Self.held(stochastic.isEmpty ? .xpool : .tmass, 1, pool.union(stochastic), needed))
        }
        self.heads = heads
        others = names.subtracting(heads.flatMap(\.tensors)).sorted()
    }

    /// The head (model above CLIP) with this name; nil if the checkpoint has no tensor of it.
    package subscript(_ name: String) -> Held? { heads.first { $0.name == name } }

    private static func held(_ head: WeightedHead, _ layers: Int, _ tensors: Set<String>, _ needed: [String]) -> Held {
        Held(
            name: head.rawValue, layers: layers, tensors: tensors.sorted(),
            missing: Set(needed).subtracting(tensors).sorted())
    }

    /// Returns the number of transformer blocks below a name prefix, and the names of all tensors that they need.
    private static func blocks(_ prefix: String, in names: Set<String>) -> (layers: Int, names: [String]) {
        let layers = max(1, TowerTensors.layers(prefix, in: names))
        return (layers, (0..<layers).flatMap { TowerTensors.block("\(prefix).\($0)", width: 0).map(\.name) })
    }
}

extension HeadInventory {
    /// Finds the heads (models above CLIP) among all tensor names of a checkpoint, those of both towers included.
    package init(checkpoint names: some Collection<String>) {
        let prefix = OpenAINames.prefix(names)
        self.init(
            names.filter {
                prefix.isEmpty
                    ? !TowerTensors.isTower($0) && !TowerTensors.isHuggingFaceTower($0) && !$0.hasPrefix("text.")
                    : !$0.hasPrefix(prefix)
            })
    }

    /// Returns whether a checkpoint is of X-Pool or T-MASS, recognised by its pooling layer.
    ///
    /// These checkpoints come without a configuration; their image and text towers have the sizes of OpenAI's models.
    static func isPooledByText(_ source: any TensorSource) -> Bool { source.has("pool_frames.linear_proj.weight") }
}
