import Checkpoints
import Foundation
package import WatchwordHeadABI

/// Implements the C functions of the head plugin contract (`watchword_head.h`) for heads written in Swift.
///
/// A head is the part above CLIP that pools windows of frames or scores pairs of text and window. A call passes them to
/// the head in batches. A call of one batch writes directly into the host's `out`. A call of several batches collects
/// the results first, so that `out` stays unchanged if a batch fails.
package enum HeadCalls {
    /// Implements `watchword_head.create`: makes a head of the type `H` from the host's weights and configuration.
    package static func create<H: TemporalHead>(
        _: H.Type, _ width: Int32, _ maxFrames: Int32, _ tensors: UnsafePointer<ww_tensor>?, _ count: Int,
        _ config: UnsafePointer<CChar>?, _ instance: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
        _ why: UnsafeMutablePointer<CChar>?, _ size: Int
    ) -> ww_status {
        report(why, size) {
            guard width > 0, maxFrames > 0 else {
                throw HeadCallError(WW_BAD_SHAPE, "width \(width) and max_frames \(maxFrames) must be positive")
            }
            guard let instance else { throw HeadCallError(WW_FAILED, "no room for the instance") }
            let head = try H(
                width: Int(width), maxFrames: Int(maxFrames),
                weights: MemoryTensors(try BorrowedWeights.copy(tensors, count), origin: "the head's weights"),
                config: HeadConfig(json: config.map { String(cString: $0) } ?? "{}"))
            instance.pointee = Unmanaged.passRetained(HeadInstance(head)).toOpaque()
        }
    }

    /// Implements `watchword_head.destroy`: frees a head that `create` made.
    static func destroy(_ instance: UnsafeMutableRawPointer?) {
        if let instance { Unmanaged<HeadInstance>.fromOpaque(instance).release() }
    }

    /// Implements `watchword_head.pool`: turns each window of frame embeddings into one clip embedding.
    static func pool(
        _ instance: UnsafeMutableRawPointer?, _ frames: UnsafePointer<Float>?,
        _ mask: UnsafePointer<UInt8>?, _ B: Int32, _ T: Int32, _ out: UnsafeMutablePointer<Float>?,
        _ why: UnsafeMutablePointer<CChar>?, _ size: Int
    ) -> ww_status {
        report(why, size) {
            guard let instance, let out else {
                throw HeadCallError(WW_FAILED, "no instance, or no room for the result")
            }
            let held = Unmanaged<HeadInstance>.fromOpaque(instance).takeUnretainedValue()
            guard let head = held.pooling else { throw HeadCallError(WW_FAILED, "the head does not pool windows") }
            let borrowed = try BorrowedWindows(frames, mask, B, T, for: head)
            let d = head.width
            try held.run(borrowed.count, columns: d, into: out) { range, out in
                let windows = held.windows(borrowed, range)
                try head.pool(windows, into: UnsafeMutableBufferPointer(start: out, count: range.count * d))
            }
        }
    }

    /// Implements `ww_pairing.score`: scores pairs of a text embedding and a window of frame embeddings.
    static func score(
        _ instance: UnsafeMutableRawPointer?, _ texts: UnsafePointer<Float>?, _ Q: Int32,
        _ frames: UnsafePointer<Float>?, _ mask: UnsafePointer<UInt8>?, _ B: Int32, _ T: Int32,
        _ pairText: UnsafePointer<Int32>?, _ pairWindow: UnsafePointer<Int32>?, _ P: Int,
        _ out: UnsafeMutablePointer<Float>?, _ why: UnsafeMutablePointer<CChar>?, _ size: Int
    ) -> ww_status {
        report(why, size) {
            guard P > 0 else { return }
            guard let instance, let out else {
                throw HeadCallError(WW_FAILED, "no instance, or no room for the result")
            }
            guard let texts, let pairText, let pairWindow, Q > 0 else {
                throw HeadCallError(WW_BAD_SHAPE, "\(P) pairs of \(Q) texts")
            }
            let held = Unmanaged<HeadInstance>.fromOpaque(instance).takeUnretainedValue()
            guard let head = held.pairing else { throw HeadCallError(WW_FAILED, "the head does not score pairs") }
            let borrowed = try BorrowedWindows(frames, mask, B, T, for: head)
            let lentTexts = UnsafeBufferPointer(
                start: texts, count: try BorrowedWindows.size(Int(Q), head.width, of: "texts"))
            for p in 0..<P where !(0..<Q ~= pairText[p] && 0..<B ~= pairWindow[p]) {
                throw HeadCallError(WW_BAD_SHAPE, "a pair names a text or a window that is not there")
            }
            let windows = held.windows(borrowed, 0..<borrowed.count)
            try held.run(P, columns: 1, into: out) { range, out in
                let first = range.lowerBound
                let pairs = Pairs(
                    texts: lentTexts, windows: windows,
                    text: UnsafeBufferPointer(start: pairText + first, count: range.count),
                    window: UnsafeBufferPointer(start: pairWindow + first, count: range.count))
                try head.score(pairs, into: UnsafeMutableBufferPointer(start: out, count: range.count))
            }
        }
    }

    /// Runs `body` and returns a status of the plugin contract; if `body` throws, writes the error message into `why`.
    ///
    /// The message is cut to `size` bytes with its terminating NUL.
    package static func report(
        _ why: UnsafeMutablePointer<CChar>?, _ size: Int, _ body: () throws -> Void
    ) -> ww_status {
        do {
            try body()
            return WW_OK
        } catch {
            let (status, text): (ww_status, String) =
                switch error {
                case let failure as HeadCallError: (failure.status, failure.why)
                case let checkpoint as CheckpointError: (WW_BAD_WEIGHTS, "\(checkpoint)")
                default: (WW_FAILED, "\(error)")
                }
            if let why, size > 0 {
                let bytes = Array(text.utf8.prefix(size - 1))
                for (index, byte) in bytes.enumerated() { why[index] = CChar(bitPattern: byte) }
                why[bytes.count] = 0
            }
            return status
        }
    }
}
