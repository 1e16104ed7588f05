import CKernels

/// CLIP4Clip's meanP: normalises each frame, averages the valid ones, normalises the average.
///
/// There is no epsilon, as in CLIP4Clip: a frame of zeros gives NaN. Source: docs/MATHEMATICS.md, section 6.
package enum MaskedMean {
    /// Writes out `[count, width]` from the frames of `windows`.
    package static func pool(_ windows: FrameWindows, into out: UnsafeMutableBufferPointer<Float>) {
        precondition(out.count == windows.count * windows.width)
        guard let to = out.baseAddress, let frames = windows.frames.baseAddress else { return }
        ww_masked_mean(to, frames, nil, windows.valid, windows.count, windows.frameCount, windows.width)
    }
}
