import Checkpoints

/// Heads that have weights; each case has the head's name.
package enum WeightedHead: String, Sendable, CaseIterable { case lstm, transformer, tight, xpool, tmass }

/// The heads whose tensors a checkpoint holds, recognised by name: CLIP4Clip's, X-Pool's, T-MASS's.
///
/// Only this type and the plugins know these names. Source: docs/MATHEMATICS.md, sections 2 and 13.
package struct HeadInventory: Sendable {
    /// A head with at least one tensor.
    package struct Held: Sendable, Equatable {
        package let name: String
        package let layers: Int
        /// Names of the tensors present, sorted.
        package let tensors: [String]
        /// Names of the tensors that the head needs and that are missing, sorted.
        package let missing: [String]
    }

    /// The heads, sorted by name.
    package let heads: [Held]
    /// Names of the tensors that belong to no head, sorted.
    package let others: [String]

    /// The head that the checkpoint was trained with: the one it holds, or `mean`, which has no weights.
    package var trained: String { heads.first?.name ?? "mean" }

    /// The positions table, used by the transformer head; an LSTM checkpoint holds it, too, but does not use it.
    private static let positions = "frame_position_embeddings.weight"

    /// Assigns names that belong to no tower to heads.
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
        // Positions without blocks and without an lstm are what is left of a transformer head.
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

    /// The head of a name; nil if the checkpoint has no tensor of it.
    package subscript(_ name: String) -> Held? { heads.first { $0.name == name } }

    private static func held(_ head: WeightedHead, _ layers: Int, _ tensors: Set<String>, _ needed: [String]) -> Held {
        Held(
            name: head.rawValue, layers: layers, tensors: tensors.sorted(),
            missing: Set(needed).subtracting(tensors).sorted())
    }

    /// The number of blocks under a prefix, and the names of all of their tensors.
    private static func blocks(_ prefix: String, in names: Set<String>) -> (layers: Int, names: [String]) {
        let layers = max(1, TowerTensors.layers(prefix, in: names))
        return (layers, (0..<layers).flatMap { TowerTensors.block("\(prefix).\($0)", width: 0).map(\.name) })
    }
}

extension HeadInventory {
    /// Assigns the names of a whole checkpoint, those of the towers included.
    package init(checkpoint names: some Collection<String>) {
        let prefix = OpenAINames.prefix(names)
        self.init(
            names.filter {
                prefix.isEmpty
                    ? !TowerTensors.isTower($0) && !TowerTensors.isHuggingFaceTower($0) && !$0.hasPrefix("text.")
                    : !$0.hasPrefix(prefix)
            })
    }

    /// Whether a checkpoint is X-Pool's or T-MASS's; these contain no configuration, and their towers are OpenAI's.
    static func isPooledByText(_ source: any TensorSource) -> Bool { source.has("pool_frames.linear_proj.weight") }
}
