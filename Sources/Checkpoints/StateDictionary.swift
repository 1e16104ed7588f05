/// The named tensors of an unpickled file.
enum StateDictionary {
    /// Where training code puts the state dict when it saves more than that.
    private static let nestedKeys = ["state_dict", "model_state_dict", "model"]

    /// The tensors by name, not yet checked; throws if the file holds something else, and says what.
    static func tensors(of heap: PickleHeap, path: String) throws(CheckpointError) -> [String: PickleTensor] {
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
