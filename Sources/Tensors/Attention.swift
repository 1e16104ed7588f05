import CKernels

/// Multi-head attention over packed queries, keys and values, without materialised transposes.
package struct Attention {
    package let heads: Int
    package let width: Int
    private let scratch = Matrix(rows: 0, columns: 1)

    package init(heads: Int, width: Int) {
        precondition(width % heads == 0)
        self.heads = heads
        self.width = width
    }

    /// `softmax(q · kᵀ / sqrt(width / heads)) · v`.
    ///
    /// qkv `[sequences · tokens, 3 · width]`. `lengths`: keys that count in each sequence, a prefix. `rows`: the one query
    /// token wanted of each sequence; then out is `[sequences, width]`, else `[sequences · tokens, width]`.
    package func callAsFunction(
        _ qkv: Matrix, tokens: Int, causal: Bool = false, lengths: [Int32]? = nil, rows: [Int32]? = nil,
        into out: Matrix
    ) {
        let sequences = qkv.rows / tokens
        precondition(qkv.columns == 3 * width && out.columns == width)
        precondition(out.rows == (rows == nil ? qkv.rows : sequences))
        precondition(lengths.map { $0.count == sequences && $0.allSatisfy { 1...tokens ~= Int($0) } } ?? true)
        precondition(rows.map { $0.count == sequences && $0.allSatisfy { 0..<tokens ~= Int($0) } } ?? true)
        scratch.resize(rows: tokens * (width / heads + 1))
        ww_attention(
            out.base, qkv.base, scratch.base, 0, sequences, tokens, width, heads, lengths, causal ? 1 : 0, rows)
    }
}
