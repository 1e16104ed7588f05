import CKernels

/// Multi-head attention over packed queries, keys and values, without materialised transposes.
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

    /// Computes `softmax(q · kᵀ / sqrt(width / heads)) · v`.
    ///
    /// qkv is `[sequences · tokens, 3 · width]`. `lengths`: the number of keys that count in each sequence, from its
    /// beginning. With `rows`, one query token of each sequence is computed and out is `[sequences, width]`; else out
    /// is `[sequences · tokens, width]`.
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

/// Scratch memory that grows to its largest use, then stays.
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
