package import Checkpoints
package import WatchwordHeadABI

/// A head that pools windows: what a plugin written in Swift implements.
package protocol PoolingHead: AnyObject {
    /// d, the largest window, the model's head weights.
    init(width: Int, maxFrames: Int, weights: any TensorSource) throws
    /// Writes the clip embedding of each window into `out`; every window has at least one frame.
    func pool(_ windows: Windows, into out: UnsafeMutableBufferPointer<Float>) throws
}

/// Windows lent by the host for one call: frames `[count, frames, width]`, the first `valid[b]` of each count.
package struct Windows {
    package let frames: UnsafeBufferPointer<Float>
    package let valid: [Int]
    package let frameCount: Int
    package let width: Int
    package var count: Int { valid.count }

    /// The frame embedding of window `b`, frame `t`.
    package func frame(_ b: Int, _ t: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(rebasing: frames[((b * frameCount + t) * width)..<((b * frameCount + t + 1) * width)])
    }
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
