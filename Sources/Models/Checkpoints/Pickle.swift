/// A value from a pickle: plain data, or a part of a state dict's tensors.
///
/// A container is stored in a `PickleHeap` and referred to by its number. Values are thus flat, and no nesting or cycle
/// in a file can nest or leak memory here.
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
    /// A module of TorchScript, by its number in the heap.
    case object(Int)

    /// The kind of the value, for error messages.
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

/// The Python names that a state dict needs.
///
/// Other names are refused; none of them runs code.
enum PickleGlobal {
    case orderedDictionary
    case rebuildTensor
    case rebuildParameter
    case storage(ElementType)
    /// A class of TorchScript; allowed only in TorchScript archives.
    case module
    /// TorchScript's marker of a container's type.
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

/// A storage outside the pickle: a run of elements that tensors may share.
struct PickleStorage: Equatable {
    let key: String
    let type: ElementType
    /// The number of elements.
    let count: Int
}

/// A view of a storage, as the pickle describes it; not yet checked.
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
    /// The dictionary of each module's attributes; nil until it is set.
    var objects: [Int?] = []
    var storages: [PickleStorage] = []
    var tensors: [PickleTensor] = []
    var result = PickleValue.none

    /// The entries of a dictionary that have string keys; others are left out.
    func entries(_ dictionary: Int) -> [(key: String, value: PickleValue)] {
        dictionaries[dictionary].compactMap { entry in
            guard case .text(let key) = entry.key else { return nil }
            return (key, entry.value)
        }
    }
}
