package import Checkpoints
package import Tensors
import Transformer

/// A model's text tower: a transformer that turns token ids into a text embedding.
///
/// Not Sendable: all calls must run on the compute executor, the one thread for all models and plugins. Source:
/// docs/MATHEMATICS.md, sections 4 and 12.
package final class TextEncoder {
    package let architecture: Architecture
    /// Reads one row of the token embedding table, by token id.
    ///
    /// Rows are read only when a text needs them, because the whole table is a third of the text tower.
    private let tokenEmbedding: (Int) throws -> [Float]
    private let positions: [Float]
    private let stack: TransformerStack
    private let finalNorm: LayerNorm
    private let projection: Linear?
    private let tokens: Matrix
    private let output: Matrix
    private let packed: PackedWeights?

    /// Reads the text tower from tensors named as in OpenAI's models.
    ///
    /// Weights that the cache file `packed` holds are not read again.
    package init(
        _ source: some TensorSource, architecture: Architecture, precision: Precision, packed: PackedWeights? = nil
    ) throws {
        let text = architecture.text
        let (w, d) = (text.width, architecture.embedding)
        self.architecture = architecture
        self.packed = packed
        try source.check("token_embedding.weight", shape: [text.vocabulary, w])
        tokenEmbedding = { try source.floats("token_embedding.weight", elements: $0 * w..<($0 + 1) * w) }
        positions = try source.floats("positional_embedding", shape: [text.context, w])
        stack = try TransformerStack(
            source, prefix: "transformer.resblocks",
            shape: TransformerShape(
                width: w, heads: text.heads, layers: text.layers, epsilon: text.epsilon, activation: text.activation),
            precision: precision, packed: packed)
        finalNorm = LayerNorm(
            weight: try source.floats("ln_final.weight", shape: [w]),
            bias: try source.floats("ln_final.bias", shape: [w]), epsilon: text.epsilon)
        projection =
            text.form.hasProjection
            ? try Linear(
                weight: transposed(source.floats("text_projection", shape: [w, d]), rows: w, columns: d),
                bias: text.form.hasProjectionBias ? source.floats("text_projection_bias", shape: [d]) : nil,
                inputs: w, outputs: d) : nil
        tokens = Matrix(rows: 0, columns: w)
        output = Matrix(rows: 0, columns: d)
    }

    /// Embeds one text: returns `[d]`, not normalised.
    ///
    /// `ids` are the start token, the text's tokens and the end token. A tower without a causal mask needs exactly as
    /// many ids as its context, padded by the tokenizer. Throws `TextError` if the number of ids does not fit, or if an
    /// id is not in the vocabulary.
    package func encode(_ ids: [Int], trace: ((Matrix) -> Void)? = nil) throws -> [Float] {
        try encode(together: [ids], trace: trace)[0]
    }

    /// Embeds several texts: returns `[texts][d]`, not normalised.
    ///
    /// Texts of about the same length go through the tower together, since reading the weights takes as long as the
    /// products with some 60 tokens.
    package func encode(_ texts: [[Int]]) throws -> [[Float]] {
        var embeddings = [[Float]](repeating: [], count: texts.count)
        let order = texts.indices.sorted { texts[$0].count < texts[$1].count }
        var start = 0
        while start < order.count {
            // Texts are sorted by length, so the last one is the longest, and every text is padded to its length.
            var end = start + 1
            while end < order.count, (end - start + 1) * texts[order[end]].count <= Self.mostTokens { end += 1 }
            let some = order[start..<end]
            for (place, embedding) in zip(some, try encode(together: some.map { texts[$0] }, trace: nil)) {
                embeddings[place] = embedding
            }
            start = end
        }
        return embeddings
    }

    /// The greatest number of tokens that go through the text tower in one batch.
    private static let mostTokens = 256

    private func encode(together texts: [[Int]], trace: ((Matrix) -> Void)?) throws -> [[Float]] {
        for ids in texts { try check(ids) }
        let (form, length) = (architecture.text.form, texts.map(\.count).max() ?? 0)
        tokens.resize(rows: texts.count * length)
        let padding = [Float](repeating: 0, count: architecture.text.width)
        for (place, ids) in texts.enumerated() {
            for row in 0..<length {
                tokens.write(row < ids.count ? try tokenEmbedding(ids[row]) : padding, atRow: place * length + row)
            }
        }
        tokens.add(repeating: Array(positions.prefix(length * architecture.text.width)))
        let pooled = texts.map { Int32(poolingPlace($0)) }
        try stack(tokens, tokens: length, mask: form.isCausal ? .causal : .none, rows: pooled, trace: trace)
        finalNorm(tokens, into: tokens)
        guard let projection else { return texts.indices.map { tokens.row($0) } }
        output.resize(rows: texts.count)
        try projection(tokens, into: output)
        return texts.indices.map { output.row($0) }
    }

    private func check(_ ids: [Int]) throws(TextError) {
        let text = architecture.text
        guard !ids.isEmpty, ids.count <= text.context, text.form.isCausal || ids.count == text.context else {
            throw .length(ids.count, context: text.context)
        }
        if let stray = ids.first(where: { !(0..<text.vocabulary).contains($0) }) {
            throw .unknownToken(stray, vocabulary: text.vocabulary)
        }
    }

    /// Releases the memory of cached weights between texts; the next text takes some milliseconds longer.
    package func releaseMemory() { packed?.releaseMemory() }

    /// Returns the position at which the text embedding is read: the first one with the end token.
    ///
    /// Without a configured end token, it is the first position of the largest token id, which is CLIP's end token.
    /// Towers with `poolsLast` use the last position.
    private func poolingPlace(_ ids: [Int]) -> Int {
        if architecture.text.form.poolsLast { return ids.count - 1 }
        if let end = architecture.text.endToken, let place = ids.firstIndex(of: end) { return place }
        let largest = ids.max() ?? 0
        return ids.firstIndex(of: largest) ?? 0
    }
}

/// Token ids that do not fit the text tower.
package enum TextError: Error, Equatable, CustomStringConvertible {
    case length(Int, context: Int)
    case unknownToken(Int, vocabulary: Int)

    package var description: String {
        switch self {
        case .length(let count, let context):
            "a text of \(count) tokens does not fit the model's context of \(context)"
        case .unknownToken(let id, let vocabulary):
            "token \(id) is not in the model's vocabulary of \(vocabulary); vocabulary and weights do not belong "
                + "together"
        }
    }
}
