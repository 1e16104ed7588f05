/// The element type of a stored tensor; raw values are the names of the safetensors format.
package enum ElementType: String, Sendable, Equatable {
    case float64 = "F64"
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int64 = "I64"
    case int32 = "I32"
    case int16 = "I16"
    case int8 = "I8"
    case uint8 = "U8"
    case bool = "BOOL"

    /// The size of one element in bytes.
    package var size: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .bool: 1
        }
    }
}

/// A stored tensor's name, element type and shape; its numbers are not loaded.
package struct TensorInfo: Sendable, Equatable {
    package let name: String
    package let type: ElementType
    /// The sizes of the tensor's dimensions, outermost first; empty for a scalar.
    package let shape: [Int]
    package var count: Int { shape.reduce(1, *) }

    package init(name: String, type: ElementType, shape: [Int]) {
        self.name = name
        self.type = type
        self.shape = shape
    }

    /// The largest accepted number of tensor dimensions; no real model has as many.
    static let rankLimit = 8

    /// Returns the number of elements of a tensor with this shape.
    ///
    /// Returns nil if a size is negative, or if the sizes, with 0 counted as 1, multiply to more than 2⁴⁸. The sizes
    /// can then be multiplied in any order, and by the element size, without overflow.
    static func count(of shape: [Int]) -> Int? {
        var whole = 1
        for size in shape {
            let (product, overflow) = whole.multipliedReportingOverflow(by: max(size, 1))
            guard size >= 0, !overflow, product <= 1 << 48 else { return nil }
            whole = product
        }
        return shape.contains(0) ? 0 : whole
    }
}

/// A source of named tensors: a checkpoint file, tensors in memory, or another source with renamed tensors.
package protocol TensorSource {
    /// The origin of the tensors for error messages, usually a file path.
    var origin: String { get }
    /// The name, type and shape of every tensor, by name.
    var tensors: [String: TensorInfo] { get }
    /// Returns the numbers of the tensor `name`, row-major, as float32.
    ///
    /// f16 and bf16 are converted exactly; f64 and integers are rounded.
    func floats(_ name: String) throws(CheckpointError) -> [Float]
    /// Returns some numbers of the tensor `name`: those at the row-major positions `elements`, as float32.
    ///
    /// Sources that can do so read only these numbers.
    func floats(_ name: String, elements: Range<Int>) throws(CheckpointError) -> [Float]
}

extension TensorSource {
    package func floats(_ name: String, elements: Range<Int>) throws(CheckpointError) -> [Float] {
        let values = try floats(name)
        guard elements.lowerBound >= 0, elements.upperBound <= values.count else {
            throw CheckpointError(origin, .truncated("tensor \"\(name)\" has \(values.count) numbers"))
        }
        return Array(values[elements])
    }

    /// Returns the numbers of the tensor `name`, row-major, as float32; throws unless its shape is `shape`.
    package func floats(_ name: String, shape: [Int]) throws(CheckpointError) -> [Float] {
        try check(name, shape: shape)
        return try floats(name)
    }

    /// Throws if the source has no tensor `name`, or if the tensor's shape is not `shape`.
    package func check(_ name: String, shape: [Int]) throws(CheckpointError) {
        guard let info = tensors[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        guard info.shape == shape else {
            throw CheckpointError(origin, .wrongShape(name, found: info.shape, expected: shape))
        }
    }

    package func has(_ name: String) -> Bool { tensors[name] != nil }
}

/// An error about a checkpoint file: the file's path (`origin`), and the reason why it cannot be used.
package struct CheckpointError: Error, Equatable, CustomStringConvertible {
    package enum Reason: Equatable, Sendable {
        case cannotOpen(String)
        case truncated(String)
        case malformed(String)
        case missingTensor(String)
        case wrongShape(String, found: [Int], expected: [Int])
        case unsupported(String)
    }

    package let origin: String
    package let reason: Reason

    package init(_ origin: String, _ reason: Reason) {
        self.origin = origin
        self.reason = reason
    }

    package var description: String {
        switch reason {
        case .cannotOpen(let why): "\(origin): cannot be opened: \(why)"
        case .truncated(let what): "\(origin): the file is cut short: \(what)"
        case .malformed(let what): "\(origin): \(what)"
        case .missingTensor(let name): "\(origin): tensor \"\(name)\" is missing"
        case .wrongShape(let name, let found, let expected):
            "\(origin): tensor \"\(name)\" has shape \(found), expected \(expected)"
        case .unsupported(let what): "\(origin): \(what) is not supported"
        }
    }
}

/// A named weight in float32, to pass to a head (a plugin that turns frame embeddings into clip embeddings).
package struct HeadWeights: Sendable, Equatable {
    package let shape: [Int]
    /// The weight's numbers, row-major.
    package let values: [Float]

    package init(shape: [Int], values: [Float]) {
        self.shape = shape
        self.values = values
    }
}

/// A source of named tensors whose numbers are in memory, not in a file.
package struct MemoryTensors: TensorSource, Sendable {
    package let origin: String
    package let tensors: [String: TensorInfo]
    private let weights: [String: HeadWeights]

    package init(_ weights: [String: HeadWeights], origin: String) {
        self.weights = weights
        self.origin = origin
        tensors = Dictionary(
            uniqueKeysWithValues: weights.map { name, weight in
                (name, TensorInfo(name: name, type: .float32, shape: weight.shape))
            })
    }

    package func floats(_ name: String) throws(CheckpointError) -> [Float] {
        guard let weight = weights[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        return weight.values
    }
}

/// Returns a name from an untrusted file in a form that is safe to print.
///
/// The name is put in quotes and cut to 100 characters; control characters become "?".
func quoted(_ name: String) -> String {
    if name.utf8.count <= 100, name.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return "\"\(name)\"" }
    let shown = name.unicodeScalars.prefix(100)
    let text = shown.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "?" : String($0) }.joined()
    return "\"\(text)\(shown.count < name.unicodeScalars.count ? "…" : "")\""
}
