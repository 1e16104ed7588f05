import CKernels
import Foundation

/// Kernels for models that score a text against a window's frames: P = pairs of a text and a window, one row each.
extension Matrix {
    /// Writes into this matrix `[P, width]`: multi-head attention of each pair's query over its window's frames.
    ///
    /// Pair p uses `counts[p]` rows of `keys` and `values`, beginning with row `first[p]`.
    package func attend(
        queries: Matrix, keys: Matrix, values: Matrix, first: [Int32], counts: [Int32], heads: Int
    ) {
        precondition([queries, keys, values].allSatisfy { $0.columns == columns } && columns % heads == 0)
        precondition(queries.rows == first.count && first.count == counts.count && keys.rows == values.rows)
        precondition(zip(first, counts).allSatisfy { $0 >= 0 && $1 > 0 && Int($0 + $1) <= keys.rows })
        resize(rows: queries.rows)
        ww_attend_pairs(base, queries.base, keys.base, values.base, first, counts, rows, columns, heads)
    }

    /// Writes into this matrix `[P, frames]`: the cosines of each pair's text with the frames of its window.
    ///
    /// For pair p, the frames are as many rows of `frames` as this matrix has columns, beginning with row `first[p]`.
    package func cosines(texts: Matrix, frames: Matrix, first: [Int32]) {
        precondition(texts.columns == frames.columns && texts.rows == first.count)
        precondition(first.allSatisfy { $0 >= 0 && Int($0) + columns <= frames.rows })
        resize(rows: texts.rows)
        ww_frame_cosines(base, texts.base, frames.base, first, rows, columns, texts.columns)
    }

    /// Replaces each number x of the matrix by e^x.
    package func exponentiate() {
        for i in 0..<rows * columns { base[i] = exp(base[i]) }
    }

    /// Writes to `out` the cosine of each row of this matrix (a pair's text) with the same row of `pooled`.
    ///
    /// With `noise` `[trials, width]` and `radius` `[P, width]`, it writes the greatest cosine of `text + noise[t] ·
    /// radius` over all trials t.
    package func cosines(
        with pooled: Matrix, radius: Matrix? = nil, noise: Matrix? = nil, into out: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(pooled.rows == rows && pooled.columns == columns && out.count == rows)
        precondition((radius?.rows ?? rows) == rows && (noise?.columns ?? columns) == columns)
        precondition((radius == nil) == (noise == nil))
        guard let to = out.baseAddress else { return }
        ww_pair_cosines(to, base, pooled.base, radius?.base, noise?.base, noise?.rows ?? 0, rows, columns)
    }
}
