import Checkpoints

/// Renames tensors from OpenAI's names to Hugging Face's names; the inverse of `NameTable.huggingFace`.
///
/// The joined weights of queries, keys and values are split, and projections transposed; no number changes.
struct HuggingFaceExport: TensorSource {
    private enum Recipe {
        case same(String)
        case transposed(String)
        /// The part number `part` of a tensor whose rows are divided into `count` equal parts.
        case rows(String, part: Int, count: Int)
    }

    private let base: any TensorSource
    private let recipes: [String: Recipe]
    let tensors: [String: TensorInfo]
    var origin: String { base.origin }

    /// Gives the tensors of the image and text tower new names; throws if one cannot be split or transposed.
    init(_ base: any TensorSource, architecture: Architecture) throws(CheckpointError) {
        self.base = base
        var recipes: [String: Recipe] = [:]
        var tensors: [String: TensorInfo] = [:]
        func add(_ theirs: String, _ recipe: Recipe, _ type: ElementType, _ shape: [Int]) {
            recipes[theirs] = recipe
            tensors[theirs] = TensorInfo(name: theirs, type: type, shape: shape)
        }
        let inverse = NameTable.huggingFace(isSigLIP: false).recipes { prefix in
            Set(0..<(prefix.hasPrefix("vision") ? architecture.vision.layers : architecture.text.layers))
        }
        for (ours, recipe) in inverse {
            guard let info = base.tensors[ours] else { continue }
            switch recipe {
            case .same(let theirs), .unbatched(let theirs): add(theirs, .same(ours), info.type, info.shape)
            case .transposed(let theirs):
                guard info.shape.count == 2 else {
                    throw CheckpointError(base.origin, .malformed("tensor \"\(ours)\" is no matrix"))
                }
                add(theirs, .transposed(ours), info.type, info.shape.reversed())
            case .joined(let parts):
                guard let rows = info.shape.first, rows % parts.count == 0 else {
                    throw CheckpointError(
                        base.origin, .malformed("tensor \"\(ours)\" of shape \(info.shape) is not \(parts.count) parts")
                    )
                }
                for (part, theirs) in parts.enumerated() {
                    add(
                        theirs, .rows(ours, part: part, count: parts.count), info.type,
                        [rows / parts.count] + info.shape.dropFirst())
                }
            }
        }
        self.recipes = recipes
        self.tensors = tensors
    }

    func floats(_ name: String) throws(CheckpointError) -> [Float] {
        switch recipes[name] {
        case .same(let from): return try base.floats(from)
        case .transposed(let from):
            guard let shape = tensors[name]?.shape else { throw CheckpointError(origin, .missingTensor(name)) }
            return transposed(try base.floats(from), rows: shape[1], columns: shape[0])
        case .rows(let from, let part, let count):
            let values = try base.floats(from)
            let size = values.count / count
            return Array(values[part * size..<(part + 1) * size])
        case nil: throw CheckpointError(origin, .missingTensor(name))
        }
    }
}
