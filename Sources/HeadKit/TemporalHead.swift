package import Checkpoints
package import WatchwordHeadABI

/// A head written in Swift: what every plugin implements, whether it pools or pairs.
package protocol TemporalHead: AnyObject {
    /// d, and the longest window it was made for.
    var width: Int { get }
    var maxFrames: Int { get }
    init(width: Int, maxFrames: Int, weights: any TensorSource, config: HeadConfig) throws
}

/// A head that pools windows.
package protocol PoolingHead: TemporalHead {
    /// Writes the clip embedding of each window into `out`, all of them or, if it throws, none.
    func pool(_ windows: Windows, into out: UnsafeMutableBufferPointer<Float>) throws
}

/// A head that scores texts and windows together.
package protocol PairingHead: TemporalHead {
    /// Writes the logit of each pair into `out`, all of them or, if it throws, none.
    func score(_ pairs: Pairs, into out: UnsafeMutableBufferPointer<Float>) throws
}

/// Windows lent by the host for one call: frames `[count, frames, width]`, the first `valid[b]` of each count.
package struct Windows {
    package let frames: UnsafeBufferPointer<Float>
    /// At least 1 each.
    package let valid: [Int]
    package let frameCount: Int
    package let width: Int
    package var count: Int { valid.count }

    package init(frames: UnsafeBufferPointer<Float>, valid: [Int], frameCount: Int, width: Int) {
        precondition(frames.count == valid.count * frameCount * width)
        self.frames = frames
        self.valid = valid
        self.frameCount = frameCount
        self.width = width
    }

    /// The frame embedding of window `b`, frame `t`.
    package func frame(_ b: Int, _ t: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(rebasing: frames[((b * frameCount + t) * width)..<((b * frameCount + t + 1) * width)])
    }

    /// Appends the frames of window `b`, `[frameCount, width]`, to `rows`; zeros instead of what the padding holds.
    package func append(_ b: Int, to rows: inout [Float]) {
        let start = b * frameCount * width
        rows.append(contentsOf: frames[start..<start + valid[b] * width])
        rows.append(contentsOf: repeatElement(0, count: (frameCount - valid[b]) * width))
    }
}

/// Texts, windows and which of them to join, lent by the host for one call.
package struct Pairs {
    /// Text embeddings `[texts, width]`, not normalised.
    package let texts: UnsafeBufferPointer<Float>
    package let windows: Windows
    /// Pair p joins text `text[p]` with window `window[p]`; both are in range.
    package let text: UnsafeBufferPointer<Int32>
    package let window: UnsafeBufferPointer<Int32>
    package var count: Int { text.count }
}

/// Why a plugin's call failed: a status of the contract and a sentence.
package struct HeadFailure: Error {
    package let status: ww_status
    package let why: String

    package init(_ status: ww_status, _ why: String) {
        self.status = status
        self.why = why
    }
}
