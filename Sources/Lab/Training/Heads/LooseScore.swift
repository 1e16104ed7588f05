import Foundation
import Tensors

/// The score of CLIP4Clip's mean, LSTM and transformer heads: cosine of text and video, times CLIP's logit scale.
struct LooseScore: Sendable {
    private let logScale: Int

    init(_ layout: inout ParameterLayout) { logScale = layout.claim("clip.logit_scale", []) }

    struct Saved<Real: ProductScalar> {
        fileprivate let cosines: [Real]
        fileprivate let parts: Cosines.Saved<Real>
    }

    /// Computes scores `[N, V]` of texts `[N, D]` with videos, given as frame vectors `[V, T, D]` in `windows`.
    func forward<Real: ProductScalar>(
        _ texts: [Real], _ windows: Windows<Real>, _ p: [Real]
    ) -> (scores: [Real], saved: Saved<Real>) {
        let (cosines, parts) = Cosines.forward(texts, windows)
        let scale = Real.exponential(p[logScale])
        return (cosines.map { $0 * scale }, Saved(cosines: cosines, parts: parts))
    }

    /// Returns the gradients of the text and frame vectors; adds the logit scale's gradient to `g`.
    func backward<Real: ProductScalar>(
        _ dScores: [Real], _ windows: Windows<Real>, _ saved: Saved<Real>, _ p: [Real], _ g: inout [Real]
    ) -> (texts: [Real], frames: [Real]) {
        let scale = Real.exponential(p[logScale])
        for (d, cosine) in zip(dScores, saved.cosines) { g[logScale] += d * cosine * scale }
        return Cosines.backward(dScores.map { $0 * scale }, windows, saved.parts)
    }
}
