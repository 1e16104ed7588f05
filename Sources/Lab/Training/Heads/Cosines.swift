import Tensors

// N = texts, V = videos, T = frames, D = width

/// Cosine similarities between texts and videos, where a video's vector is the mean of its frames.
///
/// Every frame is normalised, the valid frames are averaged, and the mean is normalised. Source: docs/MATHEMATICS.md,
/// section 6.
enum Cosines {
    struct Saved<Real: ProductScalar> {
        fileprivate let frames: (unit: [Real], lengths: [Real])
        fileprivate let texts: (unit: [Real], lengths: [Real])
        let videos: (unit: [Real], lengths: [Real])
    }

    /// Computes cosines `[N, V]` between texts `[N, D]` and videos, given as frame vectors `[V, T, D]` in `windows`.
    static func forward<Real: ProductScalar>(
        _ texts: [Real], _ windows: Windows<Real>
    ) -> (cosines: [Real], saved: Saved<Real>) {
        let (D, T, V) = (windows.width, windows.length, windows.valid.count)
        let frames = Normalisation.forward(windows.frames, width: D)
        var means = [Real](repeating: 0, count: V * D)
        for (video, valid) in windows.valid.enumerated() {
            let share = 1 / Real(max(valid, 1))
            for frame in 0..<valid {
                let start = (video * T + frame) * D
                for column in 0..<D { means[video * D + column] += frames.unit[start + column] * share }
            }
        }
        let videos = Normalisation.forward(means, width: D)
        let unit = Normalisation.forward(texts, width: D)
        let N = texts.count / D
        var cosines = [Real](repeating: 0, count: N * V)
        GeneralProduct.multiply(
            unit.unit, MatrixPlace(stride: D), videos.unit, MatrixPlace(stride: D, transposed: true), into: &cosines,
            MatrixPlace(stride: V), m: N, n: V, k: D)
        return (cosines, Saved(frames: frames, texts: unit, videos: videos))
    }

    /// Returns the gradients of the text vectors and of the frame vectors.
    ///
    /// `dCosines` is the gradient of the cosines; `dVideos` is an additional gradient of the videos' mean vectors `[V,
    /// D]`.
    static func backward<Real: ProductScalar>(
        _ dCosines: [Real], _ windows: Windows<Real>, _ saved: Saved<Real>, dVideos more: [Real]? = nil
    ) -> (texts: [Real], frames: [Real]) {
        let (D, T, V) = (windows.width, windows.length, windows.valid.count)
        let N = dCosines.count / V
        var dTexts = [Real](repeating: 0, count: N * D)
        var dVideos = more ?? [Real](repeating: 0, count: V * D)
        GeneralProduct.multiply(
            dCosines, MatrixPlace(stride: V), saved.videos.unit, MatrixPlace(stride: D), into: &dTexts,
            MatrixPlace(stride: D), m: N, n: D, k: V)
        GeneralProduct.multiply(
            dCosines, MatrixPlace(stride: V, transposed: true), saved.texts.unit, MatrixPlace(stride: D),
            into: &dVideos, MatrixPlace(stride: D), m: V, n: D, k: N, beta: 1)
        dTexts = Normalisation.backward(dTexts, saved.texts.unit, saved.texts.lengths, width: D)
        let dMeans = Normalisation.backward(dVideos, saved.videos.unit, saved.videos.lengths, width: D)
        var dUnit = [Real](repeating: 0, count: windows.frames.count)
        for (video, valid) in windows.valid.enumerated() {
            let share = 1 / Real(max(valid, 1))
            for frame in 0..<valid {
                let start = (video * T + frame) * D
                for column in 0..<D { dUnit[start + column] = dMeans[video * D + column] * share }
            }
        }
        var dFrames = Normalisation.backward(dUnit, saved.frames.unit, saved.frames.lengths, width: D)
        // Padding frames may be all zeros, where the division by the length gives NaN; their gradient is 0.
        for (video, valid) in windows.valid.enumerated() {
            for index in (video * T + min(valid, T)) * D..<(video + 1) * T * D { dFrames[index] = 0 }
        }
        return (dTexts, dFrames)
    }
}
