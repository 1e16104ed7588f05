/// Several sentences that mean one thing as one text embedding.
///
/// Source: CLIP's prompt ensembling (Radford et al. 2021, section 3.1.4; openai/CLIP
/// `Prompt_Engineering_for_ImageNet`).
package enum TextEnsemble {
    /// The mean of the embeddings `[n][d]`, each made unit first; as long as they are on average.
    ///
    /// The length matters to heads that take text embeddings unnormalised, as `tight` does. One embedding stays as it
    /// is.
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
