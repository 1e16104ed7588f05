package import Checkpoints
package import WatchwordHeadABI

/// The base protocol of head plugins written in Swift, for pooling heads and pairing heads.
///
/// A head keeps its scratch memory at the largest size used, so that it allocates nothing after its first calls.
package protocol TemporalHead: AnyObject {
    /// The width d of the embeddings; `maxFrames` is the greatest number of frames in a window.
    var width: Int { get }
    var maxFrames: Int { get }
    /// The greatest number of windows or pairs that are passed to the head in one call; it bounds the scratch memory.
    static var batch: Int { get }
    init(width: Int, maxFrames: Int, weights: any TensorSource, config: HeadConfig) throws
}

extension TemporalHead {
    /// The default for the greatest number of windows or pairs in one call.
    ///
    /// Matrix products are near their full speed at 32 windows, and a linear layer prepares at most 32 sizes.
    package static var batch: Int { 32 }
}

/// A head that pools: it turns a window of frame embeddings into one clip embedding.
package protocol PoolingHead: TemporalHead {
    /// Writes the clip embedding of each window to `out` `[windows.count, width]`; gets at most `batch` windows.
    func pool(_ windows: FrameWindows, into out: UnsafeMutableBufferPointer<Float>) throws
}

/// A head that gives a score to a pair of a text embedding and a window of frame embeddings.
package protocol PairingHead: TemporalHead {
    /// Writes the score of each pair to `out`; gets at most `batch` pairs.
    ///
    /// The plugin's descriptor states whether the scores are logits or cosines.
    func score(_ pairs: Pairs, into out: UnsafeMutableBufferPointer<Float>) throws
}

/// Windows of frame embeddings that the host lends for one call: `[count, frameCount, width]`.
///
/// Only the first `valid[b]` frames of window `b` count; the rest is padding.
package struct FrameWindows {
    package let frames: UnsafeBufferPointer<Float>
    /// The number of valid frames of each window, at least 1; frames after these are padding.
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

    /// Returns the valid frame embeddings of window `b`, `[valid[b], width]`.
    package subscript(b: Int) -> UnsafeBufferPointer<Float> {
        let start = b * frameCount * width
        return UnsafeBufferPointer(rebasing: frames[start..<start + Int(valid[b]) * width])
    }
}

/// The pairs of text and window that a head scores in one call; the host lends their memory for the call.
package struct Pairs {
    /// Text embeddings `[texts, width]`, not normalised.
    package let texts: UnsafeBufferPointer<Float>
    package let windows: FrameWindows
    /// The index in `texts` of each pair's text embedding; `window` has the index of each pair's window.
    package let text: UnsafeBufferPointer<Int32>
    package let window: UnsafeBufferPointer<Int32>
    package var count: Int { text.count }

    /// Returns the text embedding of pair `p`.
    package func text(_ p: Int) -> UnsafeBufferPointer<Float> {
        let start = Int(text[p]) * windows.width
        return UnsafeBufferPointer(rebasing: texts[start..<start + windows.width])
    }
}

/// An error of a call to a head plugin: a status of the plugin contract, and an error message.
package struct HeadCallError: Error {
    package let status: ww_status
    package let why: String

    package init(_ status: ww_status, _ why: String) {
        self.status = status
        self.why = why
    }
}
