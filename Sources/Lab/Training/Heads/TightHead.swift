import SystemSupport
import Tensors

// N = texts, V = videos, T = frames, D = width, S = 1 + T

/// CLIP4Clip's tightTransf head: a transformer over the tokens of one text and one video, which outputs their score.
///
/// The input is the text's embedding followed by the frame embeddings; the score is computed from the first output
/// token. Source: docs/MATHEMATICS.md, section 7.
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

    /// The dropout of the transformer's input in training: some values are set to 0, the others are scaled up.
    struct Dropout: Sendable {
        let probability: Double
        let seed: UInt64

        /// Returns the dropout factors, 0 or `1 / (1 - probability)`, of `count` values.
        ///
        /// They depend only on `seed` and `pass`, so that a repeated forward pass gets the same ones.
        fileprivate func factors<Real: ProductScalar>(pass: Int, count: Int) -> [Real] {
            var random = SeededRandom(seed: seed &+ UInt64(pass) &* 0x9E37_79B9_7F4A_7C15)
            return (0..<count).map { _ in random.chance(probability) ? 0 : Real(1 / (1 - probability)) }
        }
    }

    /// The results of a forward pass over some (text, video) pairs, and the values that the backward pass needs.
    struct Pass<Real: ProductScalar> {
        fileprivate let pairs: [(text: Int, video: Int)]
        fileprivate let factors: [Real]?
        fileprivate let blocks: [ResidualAttentionBlock.Saved<Real>]
        fileprivate let norm: LayerNorm.Saved<Real>
        fileprivate let normalised: [Real]
        fileprivate let wide: [Real]
        fileprivate let pooled: [Real]
        /// The score of each (text, video) pair.
        let scores: [Real]
        /// The transformer's output `[pairs, S, D]`; the first of a pair's S tokens is the text's.
        let hidden: [Real]
    }

    /// Runs the head forward on pairs, and returns the scores and what the backward pass needs.
    ///
    /// A pair has the index of a row of `texts`, `[N, D]`, and of a video in `windows`; `p` holds all parameters of the
    /// model. Without `dropout` nothing is dropped. `number` counts the calls for one batch from 0, so that each drops
    /// other values.
    func pass<Real: ProductScalar>(
        _ pairs: [(text: Int, video: Int)], _ texts: [Real], _ windows: Windows<Real>, dropout: Dropout?,
        number: Int = 0, _ p: [Real]
    ) -> Pass<Real> {
        let (T, D, P) = (windows.length, shape.width, pairs.count)
        let S = T + 1
        var x = [Real](repeating: 0, count: P * S * D)
        for (place, pair) in pairs.enumerated() {
            for column in 0..<D { x[place * S * D + column] = texts[pair.text * D + column] }
            for index in 0..<T * D { x[(place * S + 1) * D + index] = windows.frames[pair.video * T * D + index] }
            for index in 0..<S * D { x[place * S * D + index] += p[positions + index] }
        }
        let factors: [Real]? = dropout?.factors(pass: number, count: x.count)
        if let factors { for index in x.indices { x[index] *= factors[index] } }
        let blocks = stack.forward(&x, B: P, T: S, mask: .keys(pairs.map { windows.valid[$0.video] + 1 }), p)
        let first = (0..<P).flatMap { x[$0 * S * D..<$0 * S * D + D] }
        let (normalised, norm) = norm.forward(first, rows: P, p)
        let wide = dense.forward(normalised, rows: P, p)
        let pooled = QuickGELU.forward(wide)
        return Pass(
            pairs: pairs, factors: factors, blocks: blocks, norm: norm, normalised: normalised, wide: wide,
            pooled: pooled, scores: similarity.forward(pooled, rows: P, p), hidden: x)
    }

    /// Adds the gradients of one forward pass, `made`, to `dTexts`, `dFrames` and the parameters' gradients `g`.
    ///
    /// `dScores` is the gradient of the pairs' scores, and `dHidden` an additional gradient of the transformer's output
    /// tokens. `T` is the number of frames of a video.
    func backward<Real: ProductScalar>(
        _ dScores: [Real], _ made: Pass<Real>, dHidden: [Real]? = nil, T: Int, texts dTexts: inout [Real],
        frames dFrames: inout [Real], _ p: [Real], _ g: inout [Real]
    ) {
        let (D, P) = (shape.width, made.pairs.count)
        let S = T + 1
        let dPooled = similarity.backward(dScores, made.pooled, rows: P, p, &g)
        let dNormalised = dense.backward(QuickGELU.backward(dPooled, made.wide), made.normalised, rows: P, p, &g)
        let dFirst = norm.backward(dNormalised, made.norm, rows: P, p, &g)
        var dx = dHidden ?? [Real](repeating: 0, count: P * S * D)
        for pair in 0..<P {
            for column in 0..<D { dx[pair * S * D + column] += dFirst[pair * D + column] }
        }
        stack.backward(&dx, made.blocks, B: P, T: S, p, &g)
        if let factors = made.factors { for index in dx.indices { dx[index] *= factors[index] } }
        for (place, pair) in made.pairs.enumerated() {
            for column in 0..<D { dTexts[pair.text * D + column] += dx[place * S * D + column] }
            for index in 0..<T * D { dFrames[pair.video * T * D + index] += dx[(place * S + 1) * D + index] }
            for index in 0..<S * D { g[positions + index] += dx[place * S * D + index] }
        }
    }

    /// Computes the logits `[N, V]` of every text in `texts`, `[N, D]`, with every video.
    func forward<Real: ProductScalar>(
        _ texts: [Real], _ windows: Windows<Real>, dropout: Dropout? = nil, _ p: [Real]
    ) -> [Real] {
        (0..<texts.count / shape.width).flatMap { text in
            pass(pairs(of: text, windows), texts, windows, dropout: dropout, number: text, p).scores
        }
    }

    /// Returns the gradients of the text and frame embeddings; adds the parameters' gradients to `g`.
    ///
    /// It repeats each text's forward pass, so that it needs memory for only one text's pairs at a time.
    func backward<Real: ProductScalar>(
        _ dScores: [Real], _ texts: [Real], _ windows: Windows<Real>, dropout: Dropout? = nil, _ p: [Real],
        _ g: inout [Real]
    ) -> (texts: [Real], frames: [Real]) {
        let V = windows.valid.count
        var dTexts = [Real](repeating: 0, count: texts.count)
        var dFrames = [Real](repeating: 0, count: windows.frames.count)
        for text in 0..<texts.count / shape.width {
            let made = pass(pairs(of: text, windows), texts, windows, dropout: dropout, number: text, p)
            backward(
                Array(dScores[text * V..<(text + 1) * V]), made, T: windows.length, texts: &dTexts, frames: &dFrames,
                p, &g)
        }
        return (dTexts, dFrames)
    }

    /// Returns the pairs of one text with every video.
    private func pairs<Real>(of text: Int, _ windows: Windows<Real>) -> [(text: Int, video: Int)] {
        windows.valid.indices.map { (text, $0) }
    }
}
