import CKernels

/// Copies between matrices and memory that is borrowed for a call, such as a head's host lends.
extension Matrix {
    /// Copies borrowed numbers to the rows from `row` on; the remaining of `room` rows become zero.
    package func write(_ values: UnsafeBufferPointer<Float>, atRow row: Int, room: Int = 1) {
        precondition(values.count <= room * columns && row + room <= rows)
        let to = base + row * columns
        if let from = values.baseAddress { to.update(from: from, count: values.count) }
        (to + values.count).update(repeating: 0, count: room * columns - values.count)
    }

    /// Copies all rows to borrowed memory of exactly that size.
    package func copy(into out: UnsafeMutableBufferPointer<Float>) {
        precondition(out.count == rows * columns)
        out.baseAddress?.update(from: base, count: out.count)
    }

    /// Adds the first `period` rows of another matrix to all rows, periodically.
    package func add(_ other: Matrix, every period: Int) {
        precondition(columns == other.columns && 0 < period && period <= other.rows && rows % period == 0)
        let count = period * columns
        for start in stride(from: 0, to: rows * columns, by: count) {
            let out = base + start
            for i in 0..<count { out[i] += other.base[i] }
        }
    }

    /// Ends a pooling head: writes `unit(mean(unit(x + residual)))` of each window's valid frames to borrowed memory.
    ///
    /// x is this matrix `[windows · frames, width]`, like `residual`; out is `[windows, width]`. Source:
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
