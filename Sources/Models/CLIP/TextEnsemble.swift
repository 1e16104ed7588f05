/// Combines the embeddings of several sentences with the same meaning into one text embedding.
///
/// Source: CLIP's prompt ensembling (Radford et al. 2021, section 3.1.4; openai/CLIP
/// `Prompt_Engineering_for_ImageNet`).
package enum TextEnsemble {
    /// Returns the mean of the normalised embeddings `[n][d]`, scaled to the average length of the embeddings.
    ///
    /// The length matters to heads (models that score a window) that do not normalise text embeddings, such as `tight`.
    /// A single embedding is returned unchanged.
    package static func average(_ embeddings: [[Float]]) -> [Float] {
        guard embeddings.count > 1, let first = embeddings.first else { return embeddings.first ?? [] }
        var sum = [Float](repeating: 0, count: first.count)
        var lengths: Float = 0
        for embedding in embeddings {
            let length = norm(embedding)
            guard length > 0 else { continue }
            for i in sum.indices { sum[i] += embedding[i] / length }
            lengths += length
        }
        let length = norm(sum)
        return length > 0 ? sum.map { $0 / length * lengths / Float(embeddings.count) } : sum
    }

    private static func norm(_ vector: [Float]) -> Float { vector.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}
