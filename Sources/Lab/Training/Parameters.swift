package import Checkpoints
package import Tensors

/// The positions of all trained tensors within one array of parameters; gradients have the same layout.
///
/// The layers of this room take the array of parameters as `p`, and add gradients to an array `g`.
package struct ParameterLayout: Sendable {
    package struct Entry: Sendable {
        package let name: String
        package let shape: [Int]
        package let range: Range<Int>
    }

    package private(set) var entries: [Entry] = []
    package var count: Int { entries.last?.range.upperBound ?? 0 }

    /// Reserves a range for a tensor at the end of the parameter array; returns the range's first index.
    mutating func claim(_ name: String, _ shape: [Int]) -> Int {
        precondition(!entries.contains { $0.name == name }, "\(name) is claimed twice")
        let start = count
        entries.append(Entry(name: name, shape: shape, range: start..<start + shape.reduce(1, *)))
        return start
    }

    package func entry(_ name: String) -> Entry? { entries.first { $0.name == name } }

    /// Reads every tensor from `source` into one array; throws if one is missing or has another shape.
    package func read<Real: ProductScalar>(
        _ source: some TensorSource, as: Real.Type = Real.self
    ) throws(CheckpointError) -> [Real] {
        var values: [Real] = []
        values.reserveCapacity(count)
        for entry in entries { values += try source.floats(entry.name, shape: entry.shape).map { Real($0) } }
        return values
    }
}
