/// The element type of a stored tensor.
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

    /// Size of one element in bytes.
    package var size: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .bool: 1
        }
    }
}

/// A stored tensor's name, type and shape, known before its numbers are read.
package struct TensorInfo: Sendable, Equatable {
    package let name: String
    package let type: ElementType
    /// The sizes of the dimensions, row-major; empty for a scalar.
    package let shape: [Int]
    package var count: Int { shape.reduce(1, *) }

    package init(name: String, type: ElementType, shape: [Int]) {
        self.name = name
        self.type = type
        self.shape = shape
    }

    /// The greatest number of dimensions of a tensor; no model has as many.
    static let rankLimit = 8

    /// The number of elements of a shape; nil if a size is negative or the count is too large for any file.
    ///
    /// A size of 0 does not hide an excessive one, so the sizes can be multiplied in any order, and times the element
    /// size.
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

/// A source of named tensors: a file, another source under new names, or a formula.
package protocol TensorSource {
    /// The origin of the tensors for error messages, usually a path.
    var origin: String { get }
    /// Every tensor by name.
    var tensors: [String: TensorInfo] { get }
    /// The tensor's numbers, row-major, converted to float32: exactly (f16, bf16) or rounded (f64, integers).
    func floats(_ name: String) throws(CheckpointError) -> [Float]
    /// A run of the tensor's numbers, by row-major position; some sources read no more than these.
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

    /// The numbers of a tensor; throws unless it has the given shape.
    package func floats(_ name: String, shape: [Int]) throws(CheckpointError) -> [Float] {
        try check(name, shape: shape)
        return try floats(name)
    }

    /// Throws if there is no such tensor, or if it has another shape.
    package func check(_ name: String, shape: [Int]) throws(CheckpointError) {
        guard let info = tensors[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        guard info.shape == shape else {
            throw CheckpointError(origin, .wrongShape(name, found: info.shape, expected: shape))
        }
    }

    package func has(_ name: String) -> Bool { tensors[name] != nil }
}

/// A model file that could not be used, and why.
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

/// A named weight, passed to a head.
package struct HeadWeights: Sendable, Equatable {
    package let shape: [Int]
    /// The numbers, row-major.
    package let values: [Float]

    package init(shape: [Int], values: [Float]) {
        self.shape = shape
        self.values = values
    }
}

/// Weights in memory as a source of tensors.
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

/// A name from an untrusted file, for a message: quoted, shortened, without control characters.
func quoted(_ name: String) -> String {
    if name.utf8.count <= 100, name.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return "\"\(name)\"" }
    let shown = name.unicodeScalars.prefix(100)
    let text = shown.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "?" : String($0) }.joined()
    return "\"\(text)\(shown.count < name.unicodeScalars.count ? "…" : "")\""
}
