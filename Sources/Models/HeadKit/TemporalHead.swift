package import Checkpoints
package import WatchwordHeadABI

/// A head written in Swift: what every plugin implements, whether it pools or pairs.
///
/// Once warm, a call must not allocate: keep scratch in the head, at its largest.
package protocol TemporalHead: AnyObject {
    /// d, and the longest window it was made for.
    var width: Int { get }
    var maxFrames: Int { get }
    /// FrameWindows, or pairs, that it takes at once: what bounds its scratch.
    static var batch: Int { get }
    init(width: Int, maxFrames: Int, weights: any TensorSource, config: HeadConfig) throws
}

extension TemporalHead {
    /// Products are near their full rate there, and a linear layer keeps what it prepared for as many sizes.
    package static var batch: Int { 32 }
}

/// A head that pools windows.
package protocol PoolingHead: TemporalHead {
    /// Writes the clip embeddings `[windows.count, width]` of at most `batch` windows.
    func pool(_ windows: FrameWindows, into out: UnsafeMutableBufferPointer<Float>) throws
}

/// A head that scores texts and windows together.
package protocol PairingHead: TemporalHead {
    /// Writes the logits of at most `batch` pairs.
    func score(_ pairs: Pairs, into out: UnsafeMutableBufferPointer<Float>) throws
}

/// Windows that the host lends for one call: frames `[count, frames, width]`, the first `valid[b]` of each count.
package struct FrameWindows {
    package let frames: UnsafeBufferPointer<Float>
    /// At least 1 each.
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

/// Texts, windows and which of them to join, lent by the host for one call.
package struct Pairs {
    /// Text embeddings `[texts, width]`, not normalised.
    package let texts: UnsafeBufferPointer<Float>
    package let windows: FrameWindows
    /// Pair p joins text `text[p]` with window `window[p]`; both are in range.
    package let text: UnsafeBufferPointer<Int32>
    package let window: UnsafeBufferPointer<Int32>
    package var count: Int { text.count }

    /// The text embedding of pair `p`.
    package func text(_ p: Int) -> UnsafeBufferPointer<Float> {
        let start = Int(text[p]) * windows.width
        return UnsafeBufferPointer(rebasing: texts[start..<start + windows.width])
    }
}

/// Why a plugin's call failed: a status of the contract and a sentence.
package struct HeadCallError: Error {
    package let status: ww_status
    package let why: String

    package init(_ status: ww_status, _ why: String) {
        self.status = status
        self.why = why
    }
}
