/// Finds the named tensors in the decoded pickle of a PyTorch file.
enum StateDictionary {
    /// The keys under which training scripts save the state dict, beside other objects such as an optimiser's state.
    private static let nestedKeys = ["state_dict", "model_state_dict", "model"]

    /// Returns the tensors of the pickle by name; their bounds are not yet checked.
    ///
    /// Throws if the pickle holds no state dict, for example only an optimiser's state.
    static func tensors(of heap: PickleHeap, path: String) throws(CheckpointError) -> [String: PickleTensor] {
        if case .object(let root) = heap.result { return try modules(from: root, heap, path) }
        guard case .dictionary(let top) = heap.result else {
            throw CheckpointError(path, .malformed("it holds \(heap.result.kind), not a dictionary of tensors"))
        }
        let entries = heap.entries(top)
        for key in nestedKeys {
            guard case .dictionary(let nested)? = entries.first(where: { $0.key == key })?.value else { continue }
            let found = try tensors(heap.entries(nested), heap, path)
            if !found.isEmpty { return found }
        }
        let keys = Set(entries.map(\.key))
        guard keys.isDisjoint(with: ["optimizer_state_dict", "optimizer", "param_groups"]) else {
            throw CheckpointError(
                path, .malformed("it is an optimiser's state; the model is in the file saved beside it"))
        }
        let found = try tensors(entries, heap, path)
        guard !found.isEmpty else { throw CheckpointError(path, .malformed("its dictionary holds no tensors")) }
        return found
    }

    /// The largest number of TorchScript modules that are visited.
    ///
    /// The limit ends the search in a file whose modules contain each other.
    private static let moduleLimit = 100_000
    private static let depthLimit = 64

    /// Returns the tensors of a TorchScript module and its submodules, named as its `state_dict()` names them.
    private static func modules(
        from root: Int, _ heap: PickleHeap, _ path: String
    ) throws(CheckpointError) -> [String: PickleTensor] {
        var found: [String: PickleTensor] = [:]
        var waiting: [(object: Int, prefix: String, depth: Int)] = [(root, "", 0)]
        var count = 0
        while let (object, prefix, depth) = waiting.popLast() {
            count += 1
            guard count <= moduleLimit, depth < depthLimit else {
                throw CheckpointError(path, .malformed("its modules hold each other without an end"))
            }
            guard let attributes = heap.objects[object] else { continue }
            for (name, value) in heap.entries(attributes) {
                if case .object(let inner) = value { waiting.append((inner, "\(prefix)\(name).", depth + 1)) }
                guard case .tensor(let tensor) = value else { continue }
                guard found.updateValue(heap.tensors[tensor], forKey: prefix + name) == nil else {
                    throw CheckpointError(path, .malformed("it has two tensors \(quoted(prefix + name))"))
                }
            }
        }
        guard !found.isEmpty else { throw CheckpointError(path, .malformed("its modules hold no tensors")) }
        return found
    }

    private static func tensors(
        _ entries: [(key: String, value: PickleValue)], _ heap: PickleHeap, _ path: String
    ) throws(CheckpointError) -> [String: PickleTensor] {
        var found: [String: PickleTensor] = [:]
        for (name, value) in entries {
            guard case .tensor(let tensor) = value else { continue }
            guard found.updateValue(heap.tensors[tensor], forKey: name) == nil else {
                throw CheckpointError(path, .malformed("it has two tensors \(quoted(name))"))
            }
        }
        return found
    }
}
