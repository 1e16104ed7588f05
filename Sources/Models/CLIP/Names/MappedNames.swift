package import Checkpoints

/// A source of tensors of the image and text tower, named as in OpenAI's models; it also knows their names in the file.
///
/// Tensors that OpenAI's models lack have these names: `visual.attn_pool.…`, `visual.conv1.bias`, `visual.proj_bias`,
/// `text_projection_bias`, `visual.stem.…`.
package protocol TowerNames: TensorSource {
    /// Returns the names in the file of the tensors that make up the tensor `name`, for error messages.
    ///
    /// If some of them are missing from the file, it returns only the missing ones.
    func storedNames(_ name: String) -> [String]
    /// Returns the names in the file of all tensors that make up the tensor `name`, missing or not.
    func everyStoredName(_ name: String) -> [String]
}

/// A table that tells how to build tensors in OpenAI's names from the tensors of another layout.
struct NameTable: Sendable {
    /// The way to build one tensor in OpenAI's names from tensors of the layout.
    enum Recipe: Sendable {
        case same(String)
        /// The named tensor without its leading dimensions of size 1.
        case unbatched(String)
        case transposed(String)
        /// The rows of all named tensors, one tensor after the other.
        case joined([String])

        var parts: [String] {
            switch self {
            case .same(let from), .unbatched(let from), .transposed(let from): [from]
            case .joined(let parts): parts
            }
        }
    }

    /// How to build each tensor that is outside of the transformer blocks, by OpenAI's name.
    let fixed: [String: Recipe]
    /// The name prefixes of the transformer blocks of each tower: in OpenAI's names, and in the layout's.
    let stacks: [(ours: String, theirs: String)]
    /// Returns how to build each tensor of one transformer block, by OpenAI's name within the block.
    ///
    /// Its argument is the other layout's name prefix of the block.
    let block: @Sendable (String) -> [String: Recipe]

    /// Returns how to build every tensor from another layout's tensors, by OpenAI's name.
    ///
    /// `layers` must return the numbers of the transformer blocks whose names begin with a prefix of that layout.
    func recipes(layers: (String) -> Set<Int>) -> [String: Recipe] {
        var recipes = fixed
        for (ours, theirs) in stacks {
            for layer in layers("\(theirs).") {
                for (name, recipe) in block("\(theirs).\(layer)") { recipes["\(ours).\(layer).\(name)"] = recipe }
            }
        }
        return recipes
    }

    /// Returns how to build the tensor `name` from another layout's tensors; nil if the table does not know the name.
    ///
    /// The checkpoint may lack those tensors.
    func recipe(_ name: String) -> Recipe? {
        if let recipe = fixed[name] { return recipe }
        for (ours, theirs) in stacks where name.hasPrefix("\(ours).") {
            let rest = name.dropFirst(ours.count + 1)
            guard let dot = rest.firstIndex(of: "."), let layer = Int(rest[..<dot]) else { continue }
            return block("\(theirs).\(layer)")[String(rest[rest.index(after: dot)...])]
        }
        return nil
    }
}

/// A checkpoint's tensors of another layout, renamed to OpenAI's names.
///
/// Some are also joined or transposed, as a `NameTable` says; their numbers do not change.
package struct MappedNames: TowerNames {
    private let base: any TensorSource
    private let recipes: [String: NameTable.Recipe]
    private let table: NameTable
    package let tensors: [String: TensorInfo]
    package var origin: String { base.origin }

    /// Renames the tensors of `base` as `table` says.
    ///
    /// With `keepsOthers`, a tensor that the table does not use keeps its name; otherwise it is left out.
    init(_ base: any TensorSource, _ table: NameTable, keepsOthers: Bool) {
        self.base = base
        self.table = table
        var recipes = table.recipes { prefix in
            Set(
                base.tensors.keys.filter { $0.hasPrefix(prefix) }.compactMap {
                    Int($0.dropFirst(prefix.count).prefix { $0 != "." })
                })
        }
        if keepsOthers {
            let used = Set(recipes.values.flatMap(\.parts))
            for name in base.tensors.keys where !used.contains(name) { recipes[name] = .same(name) }
        }
        var tensors: [String: TensorInfo] = [:]
        for (name, recipe) in recipes {
            guard let info = Self.describe(name, recipe, base) else { continue }
            tensors[name] = info
        }
        self.recipes = recipes
        self.tensors = tensors
    }

    package func everyStoredName(_ name: String) -> [String] {
        let names = (recipes[name] ?? table.recipe(name))?.parts ?? [name]
        return (base as? any TowerNames).map { base in names.flatMap(base.everyStoredName) } ?? names
    }

    package func storedNames(_ name: String) -> [String] {
        let names = (recipes[name] ?? table.recipe(name))?.parts ?? [name]
        let missing = names.filter { !base.has($0) }
        let kept = missing.isEmpty ? names : missing
        return (base as? any TowerNames).map { base in kept.flatMap(base.storedNames) } ?? kept
    }

    private static func describe(_ name: String, _ recipe: NameTable.Recipe, _ base: any TensorSource) -> TensorInfo? {
        switch recipe {
        case .same(let from):
            return base.tensors[from].map { TensorInfo(name: name, type: $0.type, shape: $0.shape) }
        case .unbatched(let from):
            return base.tensors[from].map {
                TensorInfo(name: name, type: $0.type, shape: Array($0.shape.drop { $0 == 1 }))
            }
        case .transposed(let from):
            return base.tensors[from].map { TensorInfo(name: name, type: $0.type, shape: $0.shape.reversed()) }
        case .joined(let parts):
            let infos = parts.compactMap { base.tensors[$0] }
            guard infos.count == parts.count, let first = infos.first, !first.shape.isEmpty else { return nil }
            // Only rows of equal length can be joined; otherwise the tensor counts as missing.
            let rows = infos.reduce(0) { $0 + ($1.shape.first ?? 0) }
            guard infos.allSatisfy({ $0.shape.dropFirst() == first.shape.dropFirst() }) else { return nil }
            return TensorInfo(name: name, type: first.type, shape: [rows] + first.shape.dropFirst())
        }
    }

    package func floats(_ name: String) throws(CheckpointError) -> [Float] {
        switch recipes[name] {
        case .same(let from), .unbatched(let from): return try base.floats(from)
        case .transposed(let from):
            let values = try base.floats(from)
            guard let shape = base.tensors[from]?.shape, shape.count == 2 else {
                throw CheckpointError(origin, .malformed("tensor \"\(from)\" is no matrix"))
            }
            return transposed(values, rows: shape[0], columns: shape[1])
        case .joined(let parts):
            var values: [Float] = []
            for part in parts { values += try base.floats(part) }
            return values
        case nil: throw CheckpointError(origin, .missingTensor(name))
        }
    }

    package func floats(_ name: String, elements: Range<Int>) throws(CheckpointError) -> [Float] {
        if case .same(let from) = recipes[name] { return try base.floats(from, elements: elements) }
        return Array(try floats(name)[elements])
    }
}
