/// A value that a pickle may hold here: plain data, and the parts of a state dict's tensors.
///
/// Containers are numbers of a `PickleHeap`: values are flat, so that no nesting or cycle in a file can nest or leak
/// anything here.
enum PickleValue {
    case none
    case flag(Bool)
    case integer(Int)
    case real(Double)
    case text(String)
    case global(PickleGlobal)
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    case storage(Int)
    case tensor(Int)
    /// A module of TorchScript.
    case object(Int)

    /// The kind of the value, for messages.
    var kind: String {
        switch self {
        case .none: "None"
        case .flag: "a bool"
        case .integer: "an integer"
        case .real: "a float"
        case .text: "a string"
        case .global: "a Python name"
        case .tuple: "a tuple"
        case .list: "a list"
        case .dictionary: "a dictionary"
        case .storage: "a storage"
        case .tensor: "a tensor"
        case .object: "a module"
        }
    }
}

/// The Python names a state dict needs; there are no others here, and none of them runs anything.
enum PickleGlobal {
    case orderedDictionary
    case rebuildTensor
    case rebuildParameter
    case storage(ElementType)
    /// A class of TorchScript's; only in its archives.
    case module
    /// A mark of TorchScript's that says a container's type.
    case typed

    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch", "DoubleStorage"): self = .storage(.float64)
        case ("torch", "FloatStorage"): self = .storage(.float32)
        case ("torch", "HalfStorage"): self = .storage(.float16)
        case ("torch", "BFloat16Storage"): self = .storage(.bfloat16)
        case ("torch", "LongStorage"): self = .storage(.int64)
        case ("torch", "IntStorage"): self = .storage(.int32)
        case ("torch", "ShortStorage"): self = .storage(.int16)
        case ("torch", "CharStorage"): self = .storage(.int8)
        case ("torch", "ByteStorage"): self = .storage(.uint8)
        case ("torch", "BoolStorage"): self = .storage(.bool)
        default: return nil
        }
    }
}

/// A run of elements that tensors share, outside the pickle.
struct PickleStorage: Equatable {
    let key: String
    let type: ElementType
    /// The length, in elements.
    let count: Int
}

/// A view of a storage, as the pickle gives it: unchecked.
struct PickleTensor {
    let storage: PickleStorage
    let offset: Int
    let shape: [Int]
    let strides: [Int]
}

/// The containers of one pickle, and its result.
struct PickleHeap {
    var tuples: [[PickleValue]] = [[]]
    var lists: [[PickleValue]] = []
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    /// The attributes of each module, a dictionary, once they are set.
    var objects: [Int?] = []
    var storages: [PickleStorage] = []
    var tensors: [PickleTensor] = []
    var result = PickleValue.none

    /// The entries of a dictionary whose keys are strings; others are left out.
    func entries(_ dictionary: Int) -> [(key: String, value: PickleValue)] {
        dictionaries[dictionary].compactMap { entry in
            guard case .text(let key) = entry.key else { return nil }
            return (key, entry.value)
        }
    }
}
