import CKernels

/// The whole of meanP: each frame made unit, the valid ones averaged, the average made unit again.
///
/// Source: CLIP4CLIP section 6. No epsilon, as the reference: a zero frame becomes NaN.
package enum MaskedMean {
    /// out `[count, width]` from the frames of `windows`.
    package static func pool(_ windows: FrameWindows, into out: UnsafeMutableBufferPointer<Float>) {
        precondition(out.count == windows.count * windows.width)
        guard let to = out.baseAddress, let frames = windows.frames.baseAddress else { return }
        ww_masked_mean(to, frames, nil, windows.valid, windows.count, windows.frameCount, windows.width)
    }
}
