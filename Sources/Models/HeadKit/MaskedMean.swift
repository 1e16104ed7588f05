import CKernels

/// The pooling of CLIP4Clip's `meanP`: normalises each frame, averages the valid frames, normalises the average.
///
/// There is no epsilon, as in CLIP4Clip: a frame of zeros gives NaN. Source: docs/MATHEMATICS.md, section 6.
package enum MaskedMean {
    /// Pools every window into one clip embedding of length 1, and writes them to `out` `[windows.count, width]`.
    package static func pool(_ windows: FrameWindows, into out: UnsafeMutableBufferPointer<Float>) {
        precondition(out.count == windows.count * windows.width)
        guard let to = out.baseAddress, let frames = windows.frames.baseAddress else { return }
        ww_masked_mean(to, frames, nil, windows.valid, windows.count, windows.frameCount, windows.width)
    }
}
