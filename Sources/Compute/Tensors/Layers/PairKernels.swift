import CKernels
import Foundation

/// Kernels of heads that pool a window for each text. P = pairs of text and window, one row each.
extension Matrix {
    /// Writes this `[P, width]`: attention of each pair's query over its window's frames.
    ///
    /// Pair p sees the `counts[p]` rows of keys and values from row `first[p]` on.
    package func attend(
        queries: Matrix, keys: Matrix, values: Matrix, first: [Int32], counts: [Int32], heads: Int
    ) {
        precondition([queries, keys, values].allSatisfy { $0.columns == columns } && columns % heads == 0)
        precondition(queries.rows == first.count && first.count == counts.count && keys.rows == values.rows)
        precondition(zip(first, counts).allSatisfy { $0 >= 0 && $1 > 0 && Int($0 + $1) <= keys.rows })
        resize(rows: queries.rows)
        ww_attend_pairs(base, queries.base, keys.base, values.base, first, counts, rows, columns, heads)
    }

    /// Writes this `[P, frames]`: the cosines of each pair's text with frames of its window.
    ///
    /// It takes as many frames, from row `first[p]` on, as this matrix has columns.
    package func cosines(texts: Matrix, frames: Matrix, first: [Int32]) {
        precondition(texts.columns == frames.columns && texts.rows == first.count)
        precondition(first.allSatisfy { $0 >= 0 && Int($0) + columns <= frames.rows })
        resize(rows: texts.rows)
        ww_frame_cosines(base, texts.base, frames.base, first, rows, columns, texts.columns)
    }

    /// Replaces each number x by e^x.
    package func exponentiate() {
        for i in 0..<rows * columns { base[i] = exp(base[i]) }
    }

    /// Writes the cosines of this matrix's rows, the text of each pair, with the rows of `pooled`, to borrowed memory.
    ///
    /// With `noise` `[trials, width]`, each is the greatest cosine of `text + noise · radius` over the trials; radius
    /// is `[P, width]`.
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
