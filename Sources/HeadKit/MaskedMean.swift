/// What every loose head ends with: each frame made unit, the valid ones averaged, the average made unit again.
///
/// Source: CLIP4CLIP section 6. No epsilon, as the reference: a zero frame becomes NaN.
package enum MaskedMean {
    /// out `[count, width]` from the frames of `windows`.
    package static func pool(_ windows: Windows, into out: UnsafeMutableBufferPointer<Float>) {
        let width = windows.width
        for b in 0..<windows.count {
            let clip = UnsafeMutableBufferPointer(rebasing: out[(b * width)..<((b + 1) * width)])
            clip.update(repeating: 0)
            for t in 0..<windows.valid[b] {
                let frame = windows.frame(b, t)
                let scale = 1 / (length(frame) * Float(windows.valid[b]))
                for i in 0..<width { clip[i] += frame[i] * scale }
            }
            let norm = length(UnsafeBufferPointer(clip))
            for i in 0..<width { clip[i] /= norm }
        }
    }

    private static func length(_ vector: UnsafeBufferPointer<Float>) -> Float {
        vector.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
    }
}
