import CKernels

/// A dense, row-major float32 matrix that owns its memory, aligned to 64 bytes.
///
/// Not Sendable: one owner computes with it at a time. Pointers to its memory are not visible outside this module.
package final class Matrix {
    package private(set) var rows: Int
    package let columns: Int
    private(set) var base: UnsafeMutablePointer<Float>
    private var capacity: Int

    /// Makes a matrix filled with zeros.
    package init(rows: Int, columns: Int) {
        precondition(rows >= 0 && columns > 0)
        self.rows = rows
        self.columns = columns
        capacity = max(rows, 1)
        base = Self.allocate(capacity * columns)
    }

    package convenience init(_ values: [Float], columns: Int) {
        precondition(values.count % columns == 0)
        self.init(rows: values.count / columns, columns: columns)
        write(values, atRow: 0)
    }

    deinit { base.deallocate() }

    private static func allocate(_ count: Int) -> UnsafeMutablePointer<Float> {
        let raw = UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<Float>.stride, alignment: 64)
        let base = raw.bindMemory(to: Float.self, capacity: count)
        base.initialize(repeating: 0, count: count)
        return base
    }

    /// Changes the number of rows; the content is then undefined.
    ///
    /// Allocates only if the matrix never had so many rows before.
    package func resize(rows: Int) {
        if rows > capacity {
            base.deallocate()
            base = Self.allocate(rows * columns)
            capacity = rows
        }
        self.rows = rows
    }

    package func write(_ values: [Float], atRow row: Int) {
        precondition(row * columns + values.count <= rows * columns)
        values.withUnsafeBufferPointer { source in
            if let from = source.baseAddress { (base + row * columns).update(from: from, count: source.count) }
        }
    }

    package func copyRow(_ row: Int, from other: Matrix, row otherRow: Int) {
        precondition(columns == other.columns && row < rows && otherRow < other.rows)
        (base + row * columns).update(from: other.base + otherRow * columns, count: columns)
    }

    /// Adds `values` (one or more whole rows) to the first rows, to the next ones, and so on to the last row.
    package func add(repeating values: [Float]) {
        let period = values.count / columns
        precondition(period > 0 && values.count % columns == 0 && rows % period == 0)
        values.withUnsafeBufferPointer { source in
            for start in stride(from: 0, to: rows, by: period) {
                let out = base + start * columns
                for i in 0..<source.count { out[i] += source[i] }
            }
        }
    }

    /// A copy of all numbers of the matrix, row-major.
    package var values: [Float] { Array(UnsafeBufferPointer(start: base, count: rows * columns)) }

    package func row(_ row: Int) -> [Float] {
        precondition(row < rows)
        return Array(UnsafeBufferPointer(start: base + row * columns, count: columns))
    }

    package subscript(row: Int, column: Int) -> Float {
        get {
            precondition(row < rows && column < columns)
            return base[row * columns + column]
        }
        set {
            precondition(row < rows && column < columns)
            base[row * columns + column] = newValue
        }
    }
}
