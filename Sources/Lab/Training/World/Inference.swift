package import Tensors

extension HeadsModel {
    /// Returns every head's scores of every text with every window of a batch, without dropout.
    ///
    /// Scores are `[texts, V]`: logits of the tight head, cosines of the other heads.
    package func inferred<Real: ProductScalar>(
        _ batch: WindowBatch<Real>, _ p: [Real]
    ) -> [(head: HeadKind, scores: [Real])] {
        let (said, _) = texts.forward(batch.texts, p)
        let V = batch.truth.count / batch.isStanding.count
        let T = batch.frames.count / (V * D)
        let windows = Windows(frames: batch.frames, valid: [Int](repeating: T, count: V), width: D)
        func cosines(_ frames: [Real]) -> [Real] {
            Cosines.forward(said, Windows(frames: frames, valid: windows.valid, width: D)).cosines
        }
        // One window at a time: the pairs of all windows would take gigabytes.
        let N = said.count / D
        var logits = [Real](repeating: 0, count: N * V)
        for video in 0..<V {
            let made = tight.pass((0..<N).map { ($0, video) }, said, windows, dropout: nil, p).scores
            for text in 0..<N { logits[text * V + video] = made[text] }
        }
        return [
            (.mean, cosines(windows.frames)), (.lstm, cosines(lstm.forward(windows, p).0)),
            (.transformer, cosines(transformer.forward(windows, p).0)), (.tight, logits),
        ]
    }
}
