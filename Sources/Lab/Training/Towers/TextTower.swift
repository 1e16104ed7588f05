import Tensors

// N = texts, L = tokens, W = width, D = joint width

/// The sizes of CLIP's text tower.
package struct TextShape: Sendable, Equatable {
    package var stack: StackShape
    package var context: Int
    package var vocabulary: Int
    package var embedding: Int

    package init(stack: StackShape, context: Int, vocabulary: Int, embedding: Int) {
        (self.stack, self.context, self.vocabulary) = (stack, context, vocabulary)
        self.embedding = embedding
    }
}

/// The token ids of several texts, padded to the same length, and the position of each text's end token.
package struct TokenBatch: Sendable {
    /// The token ids `[N, L]`; ids after a text's end token have no effect.
    package let ids: [Int]
    package let length: Int
    package let ends: [Int]
    var count: Int { ends.count }

    /// Pads the texts with zeros and finds each text's end token: the first `endToken`, else the first largest id.
    package init(_ texts: [[Int]], endToken: Int? = nil) {
        let length = texts.map(\.count).max() ?? 0
        self.length = length
        ids = texts.flatMap { $0 + [Int](repeating: 0, count: length - $0.count) }
        ends = texts.map { text in
            if let endToken, let place = text.firstIndex(of: endToken) { return place }
            return text.max().flatMap(text.firstIndex(of:)) ?? 0
        }
    }
}

/// CLIP's causal text transformer; a text's embedding is computed from its end token.
struct TextTower: Sendable {
    private let shape: TextShape
    private let embedding: Int
    private let positions: Int
    private let stack: TransformerStack
    private let finalNorm: LayerNorm
    private let projection: Projection

    init(_ layout: inout ParameterLayout, _ shape: TextShape) {
        self.shape = shape
        let W = shape.stack.width
        embedding = layout.claim("clip.token_embedding.weight", [shape.vocabulary, W])
        positions = layout.claim("clip.positional_embedding", [shape.context, W])
        stack = TransformerStack(&layout, "clip.transformer.resblocks", shape.stack)
        finalNorm = LayerNorm(&layout, "clip.ln_final", width: W, epsilon: shape.stack.epsilon)
        projection = Projection(&layout, "clip.text_projection", inputs: W, outputs: shape.embedding)
    }

    struct Saved<Real: ProductScalar> {
        fileprivate let blocks: [ResidualAttentionBlock.Saved<Real>]
        fileprivate let final: LayerNorm.Saved<Real>
        fileprivate let normalised: [Real]
    }

    /// Computes the texts' embeddings `[N, D]`, which are not normalised.
    func forward<Real: ProductScalar>(_ tokens: TokenBatch, _ p: [Real]) -> (embeddings: [Real], saved: Saved<Real>) {
        let (W, L, N) = (shape.stack.width, tokens.length, tokens.count)
        var x = [Real](repeating: 0, count: N * L * W)
        for (place, id) in tokens.ids.enumerated() {
            precondition(L <= shape.context && (0..<shape.vocabulary).contains(id))
            for column in 0..<W {
                x[place * W + column] = p[embedding + id * W + column] + p[positions + place % L * W + column]
            }
        }
        let blocks = stack.forward(&x, B: N, T: L, mask: .causal, p)
        let pooled = tokens.ends.enumerated().flatMap { text, end in
            x[(text * L + end) * W..<(text * L + end + 1) * W]
        }
        let (normalised, final) = finalNorm.forward(pooled, rows: N, p)
        let saved = Saved(blocks: blocks, final: final, normalised: normalised)
        return (projection.forward(normalised, rows: N, p), saved)
    }

    /// Adds the gradients of the tower's parameters, from block `lowest` upwards, to `g`; of all parameters if `lowest`
    /// is nil.
    ///
    /// `dy` is the gradient of the embeddings.
    func backward<Real: ProductScalar>(
        _ dy: [Real], _ tokens: TokenBatch, _ saved: Saved<Real>, downTo lowest: Int?, _ p: [Real],
        _ g: inout [Real]
    ) {
        let (W, L, N) = (shape.stack.width, tokens.length, tokens.count)
        let dNormalised = projection.backward(dy, saved.normalised, rows: N, p, &g)
        let dPooled = finalNorm.backward(dNormalised, saved.final, rows: N, p, &g)
        var dx = [Real](repeating: 0, count: N * L * W)
        for (text, end) in tokens.ends.enumerated() {
            for column in 0..<W { dx[(text * L + end) * W + column] = dPooled[text * W + column] }
        }
        stack.backward(&dx, saved.blocks, B: N, T: L, downTo: lowest ?? 0, p, &g)
        guard lowest == nil else { return }
        for (place, id) in tokens.ids.enumerated() {
            for column in 0..<W {
                g[embedding + id * W + column] += dx[place * W + column]
                g[positions + place % L * W + column] += dx[place * W + column]
            }
        }
    }
}
