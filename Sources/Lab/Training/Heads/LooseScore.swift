import Foundation
import Tensors

/// Cosines times the learnt scale: what the heads mean, lstm and transformer end in.
struct LooseScore: Sendable {
    private let logScale: Int

    init(_ layout: inout ParameterLayout) { logScale = layout.claim("clip.logit_scale", []) }

    struct Saved<Real: ProductScalar> {
        fileprivate let cosines: [Real]
        fileprivate let parts: Cosines.Saved<Real>
    }

    /// Scores `[N, V]` of texts `[N, D]` and what a head made of frames, `[V, T, D]`.
    func forward<Real: ProductScalar>(
        _ texts: [Real], _ windows: Windows<Real>, _ p: [Real]
    ) -> (scores: [Real], saved: Saved<Real>) {
        let (cosines, parts) = Cosines.forward(texts, windows)
        let scale = Real.exponential(p[logScale])
        return (cosines.map { $0 * scale }, Saved(cosines: cosines, parts: parts))
    }

    /// The gradients of the texts and of the head's frames.
    func backward<Real: ProductScalar>(
        _ dScores: [Real], _ windows: Windows<Real>, _ saved: Saved<Real>, _ p: [Real], _ g: inout [Real]
    ) -> (texts: [Real], frames: [Real]) {
        let scale = Real.exponential(p[logScale])
        for (d, cosine) in zip(dScores, saved.cosines) { g[logScale] += d * cosine * scale }
        return Cosines.backward(dScores.map { $0 * scale }, windows, saved.parts)
    }
}
