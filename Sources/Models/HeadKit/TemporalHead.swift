package import Checkpoints
package import WatchwordHeadABI

/// A head written in Swift: the base protocol of plugins, whether they pool or pair.
///
/// After its first calls a head must not allocate: it keeps scratch memory at the largest size used.
package protocol TemporalHead: AnyObject {
    /// The embedding width d; `maxFrames` is the longest window that the head was made for.
    var width: Int { get }
    var maxFrames: Int { get }
    /// The greatest number of windows or pairs of one call, which bounds the head's scratch memory.
    static var batch: Int { get }
    init(width: Int, maxFrames: Int, weights: any TensorSource, config: HeadConfig) throws
}

extension TemporalHead {
    /// The default: products are near their full rate at this size, and a linear layer prepares for as many sizes.
    package static var batch: Int { 32 }
}

/// A head that pools windows to clip embeddings.
package protocol PoolingHead: TemporalHead {
    /// Writes the clip embeddings `[windows.count, width]` of at most `batch` windows.
    func pool(_ windows: FrameWindows, into out: UnsafeMutableBufferPointer<Float>) throws
}

/// A head that scores texts and windows together.
package protocol PairingHead: TemporalHead {
    /// Writes the scores of at most `batch` pairs: logits or cosines, as its descriptor says.
    func score(_ pairs: Pairs, into out: UnsafeMutableBufferPointer<Float>) throws
}

/// Windows lent by the host for one call: frames `[count, frames, width]`, of which the first `valid[b]` count.
package struct FrameWindows {
    package let frames: UnsafeBufferPointer<Float>
    /// The number of valid frames of each window, at least 1.
    package let valid: [Int32]
    package let frameCount: Int
    package let width: Int
    package var count: Int { valid.count }

    package init(frames: UnsafeBufferPointer<Float>, valid: [Int32], frameCount: Int, width: Int) {
        precondition(frames.count == valid.count * frameCount * width)
        self.frames = frames
        self.valid = valid
        self.frameCount = frameCount
        self.width = width
    }

    /// The frame embeddings of window `b`, `[valid[b], width]`.
    package subscript(b: Int) -> UnsafeBufferPointer<Float> {
        let start = b * frameCount * width
        return UnsafeBufferPointer(rebasing: frames[start..<start + Int(valid[b]) * width])
    }
}

/// Texts, windows and the pairs of them to score, lent by the host for one call.
package struct Pairs {
    /// Text embeddings `[texts, width]`, not normalised.
    package let texts: UnsafeBufferPointer<Float>
    package let windows: FrameWindows
    /// Pair p joins text `text[p]` with window `window[p]`; all indices are in range.
    package let text: UnsafeBufferPointer<Int32>
    package let window: UnsafeBufferPointer<Int32>
    package var count: Int { text.count }

    /// The text embedding of pair `p`.
    package func text(_ p: Int) -> UnsafeBufferPointer<Float> {
        let start = Int(text[p]) * windows.width
        return UnsafeBufferPointer(rebasing: texts[start..<start + windows.width])
    }
}

/// The failure of a plugin's call: a status of the contract, and a sentence.
package struct HeadCallError: Error {
    package let status: ww_status
    package let why: String

    package init(_ status: ww_status, _ why: String) {
        self.status = status
        self.why = why
    }
}
