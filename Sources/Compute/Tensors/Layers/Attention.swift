import CKernels

/// Multi-head attention over rows that hold query, key and value side by side; nothing is transposed in memory.
package struct Attention {
    package let heads: Int
    package let width: Int
    private let scratch: Scratch

    package init(heads: Int, width: Int) {
        precondition(width % heads == 0)
        self.heads = heads
        self.width = width
        scratch = Scratch()
    }

    /// Computes `softmax(q · kᵀ / sqrt(width / heads)) · v` in each head of each sequence, into `out`.
    ///
    /// `qkv` is `[sequences · tokens, 3 · width]`, and `tokens` is the length of every sequence. If `causal`, a token
    /// uses only the keys of itself and of earlier tokens. If `lengths` is given, only the first `lengths[i]` keys of
    /// sequence i are used. If `rows` is given, only token `rows[i]` of sequence i is a query, and `out` is
    /// `[sequences, width]`; otherwise `out` is `[sequences · tokens, width]`. `form` is the form in which `out` stores
    /// its numbers.
    package func callAsFunction(
        _ qkv: Activations, tokens: Int, causal: Bool = false, lengths: [Int32]? = nil, rows: [Int32]? = nil,
        into out: Activations, as form: RowForm
    ) {
        let sequences = qkv.rows / tokens
        precondition(qkv.columns == 3 * width && out.columns == width && qkv.rows == sequences * tokens)
        precondition(lengths.map { $0.count == sequences && $0.allSatisfy { 1...tokens ~= Int($0) } } ?? true)
        precondition(rows.map { $0.count == sequences && $0.allSatisfy { 0..<tokens ~= Int($0) } } ?? true)
        out.prepare(rows: rows == nil ? qkv.rows : sequences, columns: width, as: form)
        withOptionalPointer(lengths) { lengths in
            withOptionalPointer(rows) { rows in
                var shape = ww_attention_shape(
                    B: sequences, T: tokens, W: width, H: heads, lengths: lengths, rows: rows, causal: causal ? 1 : 0)
                let room = scratch.room(for: ww_attention_scratch(&shape))
                out.withNumbers { out in qkv.withNumbers { ww_attention(out, $0, room, &shape) } }
            }
        }
    }

    private func withOptionalPointer(_ values: [Int32]?, _ body: (UnsafePointer<Int32>?) -> Void) {
        guard let values else { return body(nil) }
        values.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}

/// Scratch memory for attention; it grows to the largest size used and is then kept.
private final class Scratch {
    private var base = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
    private var size = 64

    deinit { base.deallocate() }

    func room(for bytes: Int) -> UnsafeMutableRawPointer {
        if bytes > size {
            base.deallocate()
            base = .allocate(byteCount: bytes, alignment: 64)
            size = bytes
        }
        return base
    }
}
