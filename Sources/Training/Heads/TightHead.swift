import Randomness
import Tensors

// N = texts, V = videos, T = frames, D = width, S = 1 + T

/// A transformer over each text with each video: the score is what it makes of the text's token.
///
/// Source: CLIP4CLIP section 7, tightTransf.
struct TightHead: Sendable {
    private let shape: StackShape
    private let positions: Int
    private let stack: TransformerStack
    private let norm: LayerNorm
    private let dense: Linear
    private let similarity: Linear

    init(_ layout: inout ParameterLayout, _ shape: StackShape, positions rows: Int) {
        self.shape = shape
        let D = shape.width
        positions = layout.claim("cross.embeddings.position_embeddings.weight", [rows, D])
        stack = TransformerStack(&layout, "cross.transformer.resblocks", shape)
        norm = LayerNorm(&layout, "cross.pooler.ln_pool", width: D, epsilon: shape.epsilon)
        dense = Linear(
            &layout, weight: "cross.pooler.dense.weight", bias: "cross.pooler.dense.bias", inputs: D, outputs: D)
        similarity = Linear(
            &layout, weight: "similarity_dense.weight", bias: "similarity_dense.bias", inputs: D, outputs: 1)
    }

    /// What is dropped of the embeddings in training: each number with a probability, the others scaled up.
    struct Dropout: Sendable {
        let probability: Double
        let seed: UInt64

        /// Factors of one text's pairs, the same whenever they are asked for.
        fileprivate func factors<Real: ProductScalar>(text: Int, count: Int) -> [Real] {
            var random = SeededRandom(seed: seed &+ UInt64(text) &* 0x9E37_79B9_7F4A_7C15)
            return (0..<count).map { _ in random.chance(probability) ? 0 : Real(1 / (1 - probability)) }
        }
    }

    private struct Pass<Real: ProductScalar> {
        let blocks: [ResidualAttentionBlock.Saved<Real>]
        let norm: LayerNorm.Saved<Real>
        let normalised: [Real]
        let wide: [Real]
        let pooled: [Real]
        let scores: [Real]
    }

    /// One text with every video.
    private func pass<Real: ProductScalar>(
        _ texts: [Real], _ text: Int, _ windows: Windows<Real>, _ dropout: Dropout?, _ p: [Real]
    ) -> Pass<Real> {
        let (V, T, D) = (windows.valid.count, windows.length, shape.width)
        let S = T + 1
        var x = [Real](repeating: 0, count: V * S * D)
        for video in 0..<V {
            for column in 0..<D { x[video * S * D + column] = texts[text * D + column] }
            for index in 0..<T * D { x[(video * S + 1) * D + index] = windows.frames[video * T * D + index] }
            for index in 0..<S * D { x[video * S * D + index] += p[positions + index] }
        }
        if let dropout {
            let factors: [Real] = dropout.factors(text: text, count: x.count)
            for index in x.indices { x[index] *= factors[index] }
        }
        let blocks = stack.forward(&x, B: V, T: S, mask: .keys(windows.valid.map { $0 + 1 }), p)
        let first = (0..<V).flatMap { x[$0 * S * D..<$0 * S * D + D] }
        let (normalised, norm) = norm.forward(first, rows: V, p)
        let wide = dense.forward(normalised, rows: V, p)
        let pooled = QuickGELU.forward(wide)
        return Pass(
            blocks: blocks, norm: norm, normalised: normalised, wide: wide, pooled: pooled,
            scores: similarity.forward(pooled, rows: V, p))
    }

    /// Logits `[N, V]` of texts `[N, D]` and videos.
    func forward<Real: ProductScalar>(
        _ texts: [Real], _ windows: Windows<Real>, dropout: Dropout? = nil, _ p: [Real]
    ) -> [Real] {
        (0..<texts.count / shape.width).flatMap { pass(texts, $0, windows, dropout, p).scores }
    }

    /// The gradients of the texts and of the frames.
    ///
    /// Each text's pass is made again, so that memory is bounded by one text's pairs and not by all.
    func backward<Real: ProductScalar>(
        _ dScores: [Real], _ texts: [Real], _ windows: Windows<Real>, dropout: Dropout? = nil, _ p: [Real],
        _ g: inout [Real]
    ) -> (texts: [Real], frames: [Real]) {
        let (V, T, D) = (windows.valid.count, windows.length, shape.width)
        let S = T + 1
        var dTexts = [Real](repeating: 0, count: texts.count)
        var dFrames = [Real](repeating: 0, count: windows.frames.count)
        for text in 0..<texts.count / D {
            let made = pass(texts, text, windows, dropout, p)
            let dPooled = similarity.backward(
                Array(dScores[text * V..<(text + 1) * V]), made.pooled, rows: V, p, &g)
            let dNormalised = dense.backward(
                QuickGELU.backward(dPooled, made.wide), made.normalised, rows: V, p, &g)
            let dFirst = norm.backward(dNormalised, made.norm, rows: V, p, &g)
            var dx = [Real](repeating: 0, count: V * S * D)
            for video in 0..<V {
                for column in 0..<D { dx[video * S * D + column] = dFirst[video * D + column] }
            }
            stack.backward(&dx, made.blocks, B: V, T: S, p, &g)
            if let dropout {
                let factors: [Real] = dropout.factors(text: text, count: dx.count)
                for index in dx.indices { dx[index] *= factors[index] }
            }
            for video in 0..<V {
                for column in 0..<D { dTexts[text * D + column] += dx[video * S * D + column] }
                for index in 0..<T * D { dFrames[video * T * D + index] += dx[(video * S + 1) * D + index] }
                for index in 0..<S * D { g[positions + index] += dx[video * S * D + index] }
            }
        }
        return (dTexts, dFrames)
    }
}
