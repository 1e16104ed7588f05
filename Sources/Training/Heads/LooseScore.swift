import Foundation
import Tensors

// N = texts, V = videos, T = frames, D = width

/// Cosines of texts and pooled videos, times the learnt scale: what the heads mean, lstm and transformer end in.
///
/// Every frame is made unit, the valid ones are averaged, the mean is made unit. Source: CLIP4CLIP section 6.
struct LooseScore: Sendable {
    private let logScale: Int

    init(_ layout: inout ParameterLayout) { logScale = layout.claim("clip.logit_scale", []) }

    struct Saved<Real: ProductScalar> {
        fileprivate let frames: (unit: [Real], lengths: [Real])
        fileprivate let videos: (unit: [Real], lengths: [Real])
        fileprivate let texts: (unit: [Real], lengths: [Real])
        fileprivate let scores: [Real]
    }

    /// Scores `[N, V]` of texts `[N, D]` and what a head made of frames, `[V, T, D]`.
    func forward<Real: ProductScalar>(
        _ texts: [Real], _ windows: Windows<Real>, _ p: [Real]
    ) -> (scores: [Real], saved: Saved<Real>) {
        let (D, T, V) = (windows.width, windows.length, windows.valid.count)
        let frames = Normalisation.forward(windows.frames, width: D)
        var means = [Real](repeating: 0, count: V * D)
        for (video, valid) in windows.valid.enumerated() {
            for frame in 0..<valid {
                let start = (video * T + frame) * D
                for column in 0..<D { means[video * D + column] += frames.unit[start + column] / Real(max(valid, 1)) }
            }
        }
        let videos = Normalisation.forward(means, width: D)
        let unit = Normalisation.forward(texts, width: D)
        let N = texts.count / D
        var scores = [Real](repeating: 0, count: N * V)
        GeneralProduct.multiply(
            unit.unit, MatrixPlace(stride: D), videos.unit, MatrixPlace(stride: D, transposed: true), into: &scores,
            MatrixPlace(stride: V), m: N, n: V, k: D, alpha: .exponential(p[logScale]))
        return (scores, Saved(frames: frames, videos: videos, texts: unit, scores: scores))
    }

    /// The gradients of the texts and of the head's frames.
    func backward<Real: ProductScalar>(
        _ dScores: [Real], _ windows: Windows<Real>, _ saved: Saved<Real>, _ p: [Real], _ g: inout [Real]
    ) -> (texts: [Real], frames: [Real]) {
        let (D, T, V) = (windows.width, windows.length, windows.valid.count)
        let N = dScores.count / V
        for (d, score) in zip(dScores, saved.scores) { g[logScale] += d * score }
        let scale = Real.exponential(p[logScale])
        var dTexts = [Real](repeating: 0, count: N * D)
        var dVideos = [Real](repeating: 0, count: V * D)
        GeneralProduct.multiply(
            dScores, MatrixPlace(stride: V), saved.videos.unit, MatrixPlace(stride: D), into: &dTexts,
            MatrixPlace(stride: D), m: N, n: D, k: V, alpha: scale)
        GeneralProduct.multiply(
            dScores, MatrixPlace(stride: V, transposed: true), saved.texts.unit, MatrixPlace(stride: D),
            into: &dVideos, MatrixPlace(stride: D), m: V, n: D, k: N, alpha: scale)
        dTexts = Normalisation.backward(dTexts, saved.texts.unit, saved.texts.lengths, width: D)
        let dMeans = Normalisation.backward(dVideos, saved.videos.unit, saved.videos.lengths, width: D)
        var dUnit = [Real](repeating: 0, count: windows.frames.count)
        for (video, valid) in windows.valid.enumerated() {
            for frame in 0..<valid {
                let start = (video * T + frame) * D
                for column in 0..<D { dUnit[start + column] = dMeans[video * D + column] / Real(max(valid, 1)) }
            }
        }
        var dFrames = Normalisation.backward(dUnit, saved.frames.unit, saved.frames.lengths, width: D)
        // Padding may be all zeros, which no length divides; nothing is learnt from it.
        for (video, valid) in windows.valid.enumerated() {
            for index in (video * T + min(valid, T)) * D..<(video + 1) * T * D { dFrames[index] = 0 }
        }
        return (dTexts, dFrames)
    }
}
