import CKernels

/// Copies between a matrix and memory that a caller lends for one call, as in the head plugin interface.
extension Matrix {
    /// Copies `values` to the `room` rows that begin with `row`, and fills the remainder of these rows with zeros.
    package func write(_ values: UnsafeBufferPointer<Float>, atRow row: Int, room: Int = 1) {
        precondition(values.count <= room * columns && row + room <= rows)
        let to = base + row * columns
        if let from = values.baseAddress { to.update(from: from, count: values.count) }
        (to + values.count).update(repeating: 0, count: room * columns - values.count)
    }

    /// Copies all rows, row-major, to `out`, whose size must equal the matrix's.
    package func copy(into out: UnsafeMutableBufferPointer<Float>) {
        precondition(out.count == rows * columns)
        out.baseAddress?.update(from: base, count: out.count)
    }

    /// Adds the first `period` rows of `other` to each group of `period` rows of this matrix.
    package func add(_ other: Matrix, every period: Int) {
        precondition(columns == other.columns && 0 < period && period <= other.rows && rows % period == 0)
        let count = period * columns
        for start in stride(from: 0, to: rows * columns, by: count) {
            let out = base + start
            for i in 0..<count { out[i] += other.base[i] }
        }
    }

    /// Writes the embedding of each window to `out`: `unit(mean(unit(x + residual)))` over its first `lengths[i]`
    /// frames.
    ///
    /// x is this matrix, `[windows · frames, width]`; so is `residual`. `out` is `[windows, width]`. Source:
    /// docs/MATHEMATICS.md, section 6.
    package func pool(
        adding residual: UnsafeBufferPointer<Float>, lengths: [Int32], frames: Int,
        into out: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(rows == lengths.count * frames && residual.count == rows * columns)
        precondition(out.count == lengths.count * columns && lengths.allSatisfy { 1...frames ~= Int($0) })
        guard let to = out.baseAddress else { return }
        ww_masked_mean(to, base, residual.baseAddress, lengths, lengths.count, frames, columns)
    }
}
