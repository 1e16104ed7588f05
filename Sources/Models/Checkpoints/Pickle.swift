/// A value that a Python pickle builds: a plain value, or the number of a container in `PickleHeap`.
///
/// Containers refer to each other by number, so deep nesting or cycles in a file cause no recursion and no leak.
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
    /// A TorchScript module; the number is its index in `PickleHeap.objects`.
    case object(Int)

    /// The name of the value's kind for error messages, such as "a list".
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

/// The Python classes and functions that a pickled state dict may name; every other name is rejected.
///
/// They are only recognised: no Python code runs.
enum PickleGlobal {
    case orderedDictionary
    case rebuildTensor
    case rebuildParameter
    case storage(ElementType)
    /// A TorchScript class; allowed only in TorchScript archives.
    case module
    /// A TorchScript function that annotates a container with its type (`torch.jit._pickle`).
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

/// A `torch` storage that the pickle names: a run of elements in the file, which tensors may share.
struct PickleStorage: Equatable {
    let key: String
    let type: ElementType
    /// The number of elements in the storage, as the pickle claims.
    let count: Int
}

/// A tensor as the pickle describes it: a strided view of a storage; offset and strides are in elements.
///
/// It is not yet checked against the size of the storage.
struct PickleTensor {
    let storage: PickleStorage
    let offset: Int
    let shape: [Int]
    let strides: [Int]
}

/// The containers that one pickle built, and its final value (`result`).
struct PickleHeap {
    var tuples: [[PickleValue]] = [[]]
    var lists: [[PickleValue]] = []
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    /// The attributes of each TorchScript module: an index into `dictionaries`; nil if the pickle sets none.
    var objects: [Int?] = []
    var storages: [PickleStorage] = []
    var tensors: [PickleTensor] = []
    var result = PickleValue.none

    /// Returns the entries of dictionary number `dictionary` whose keys are strings; other entries are skipped.
    func entries(_ dictionary: Int) -> [(key: String, value: PickleValue)] {
        dictionaries[dictionary].compactMap { entry in
            guard case .text(let key) = entry.key else { return nil }
            return (key, entry.value)
        }
    }
}
