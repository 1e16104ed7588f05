import CKernels
import Foundation

/// Rotary position embedding of a grid of patches: rotates queries and keys by angles of their column and row.
package struct RotaryPositions {
    private let cosines: [Float]
    private let sines: [Float]
    private let heads: Int
    private let tokens: Int

    /// The greatest supported width of a transformer with rotary positions: a row of three widths must fit the kernel.
    package static let maxWidth = Int(WW_LONGEST_ROW) / 3

    /// Computes the rotation angles of a grid of `grid` x `grid` patches.
    ///
    /// With `hasClassToken`, a class token precedes the patches and is not rotated, and rows and columns count from 1,
    /// not 0.
    package init(grid: Int, width: Int, heads: Int, hasClassToken: Bool) {
        let (n, start) = (width / heads / 4, hasClassToken ? 1 : 0)
        precondition(width % (4 * heads) == 0 && width <= Self.maxWidth)
        var (cosines, sines): ([Float], [Float]) = ([], [])
        let frequencies = (0..<n).map { pow(10000, -Double($0) / Double(n)) }
        func add(_ angles: [Double]) {
            cosines += angles.map { Float(cos($0)) }
            sines += angles.map { Float(sin($0)) }
        }
        if hasClassToken { add([Double](repeating: 0, count: 2 * n)) }
        for row in start..<grid + start {
            for column in start..<grid + start {
                add(frequencies.map { Double(column) * $0 } + frequencies.map { Double(row) * $0 })
            }
        }
        (self.cosines, self.sines, self.heads) = (cosines, sines, heads)
        tokens = grid * grid + start
    }

    /// Rotates the queries and keys of `qkv` `[sequences · tokens, 3 · width]` and returns the matrix with the result.
    ///
    /// It works in place, unless `qkv` holds int32 sums: then the result goes to `spare`, as float32.
    package func callAsFunction(_ qkv: Activations, spare: Activations) -> Activations {
        let rows = qkv.rows
        precondition(rows % tokens == 0 && cosines.count == tokens * (qkv.columns / 3 / heads / 2))
        let out = qkv.form.kind == WW_S32 ? spare : qkv
        if out !== qkv { out.prepare(rows: rows, columns: qkv.columns, as: .plain(.f32)) }
        out.withNumbers { out in
            qkv.withNumbers { ww_rotate(out, $0, cosines, sines, rows, tokens, qkv.columns / 3, heads) }
        }
        return out
    }
}

extension Matrix {
    /// Writes into this matrix `[sequences · heads, width]`: each attention head's weighted mean of each sequence's
    /// tokens.
    ///
    /// The tokens are `x` `[sequences · tokens, width]`. A head's weights are the softmax, over a sequence's tokens, of
    /// its column of `scores` `[sequences · tokens, heads]`.
    package func pool(_ x: Matrix, scores: Matrix, tokens: Int) {
        precondition(x.rows == scores.rows && x.rows % tokens == 0 && x.columns == columns)
        resize(rows: x.rows / tokens * scores.columns)
        ww_pool_tokens(base, x.base, scores.base, x.rows / tokens, tokens, columns, scores.columns)
    }

    /// Concatenates attention heads into this matrix `[sequences, width]`.
    ///
    /// `x` has one row of `width` numbers for each head of each sequence. Head h contributes the h-th part (width /
    /// heads numbers) of its row.
    package func joinHeads(_ x: Matrix, heads: Int) {
        precondition(x.columns == columns && columns % heads == 0 && x.rows % heads == 0)
        resize(rows: x.rows / heads)
        let part = columns / heads
        for row in 0..<x.rows {
            let from = x.base + row * columns + row % heads * part
            (base + row / heads * columns + row % heads * part).update(from: from, count: part)
        }
    }

    /// Copies all numbers of `x`, in row-major order, into rows of this matrix's length.
    package func regroup(_ x: Matrix) {
        precondition(x.rows * x.columns % columns == 0)
        resize(rows: x.rows * x.columns / columns)
        base.update(from: x.base, count: rows * columns)
    }
}
