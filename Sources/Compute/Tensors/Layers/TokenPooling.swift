import CKernels
import Foundation

/// Rotary positions of a grid of patches: queries and keys turn by angles of their column and row.
///
/// Source: Perception Encoder `rope.py`; docs/MATHEMATICS.md, section 12.6.
package struct RotaryPositions {
    private let cosines: [Float]
    private let sines: [Float]
    private let heads: Int
    private let tokens: Int

    /// The greatest width of a tower: a kernel turns a row of queries, keys and values at once.
    package static let maxWidth = Int(WW_LONGEST_ROW) / 3

    /// Computes the angles of a grid of `grid` x `grid` patches.
    ///
    /// With `hasClassToken`, a token before the patches does not turn, and rows and columns count from 1; else from 0.
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

    /// Turns qkv `[sequences · tokens, 3 · width]` in place, or into `spare` as float32 if qkv holds int32 sums.
    ///
    /// Returns the one that holds the result.
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
    /// Writes this `[sequences · heads, width]`: weighted means of each sequence's tokens.
    ///
    /// The tokens are x `[sequences · tokens, width]`. A head's weights are the softmax over the tokens of scores
    /// `[sequences · tokens, heads]`.
    package func pool(_ x: Matrix, scores: Matrix, tokens: Int) {
        precondition(x.rows == scores.rows && x.rows % tokens == 0 && x.columns == columns)
        resize(rows: x.rows / tokens * scores.columns)
        ww_pool_tokens(base, x.base, scores.base, x.rows / tokens, tokens, columns, scores.columns)
    }

    /// Joins heads, this `[sequences, width]`: part h of a row comes from part h of row h of the sequence's rows of x.
    package func joinHeads(_ x: Matrix, heads: Int) {
        precondition(x.columns == columns && columns % heads == 0 && x.rows % heads == 0)
        resize(rows: x.rows / heads)
        let part = columns / heads
        for row in 0..<x.rows {
            let from = x.base + row * columns + row % heads * part
            (base + row / heads * columns + row % heads * part).update(from: from, count: part)
        }
    }

    /// Copies the numbers of x into rows of this matrix's length.
    package func regroup(_ x: Matrix) {
        precondition(x.rows * x.columns % columns == 0)
        resize(rows: x.rows * x.columns / columns)
        base.update(from: x.base, count: rows * columns)
    }
}
