import CKernels
import Segments

/// The last rows (stored embeddings) of a stream, and the norm of their sum, by which their mean is made a unit vector.
///
/// Rows are summed as they are stored, not as they were before rounding, so that a reader computes the same norms.
struct WindowNorms {
    let length: Int
    private let padded: Int
    private var sum: [Double]
    private var kept: [Float]
    private var next = 0
    /// The number of rows (stored embeddings) since the last gap, at most `length`.
    private(set) var count = 0

    init(length: Int, padded: Int) {
        (self.length, self.padded) = (length, padded)
        sum = [Double](repeating: 0, count: padded)
        kept = [Float](repeating: 0, count: length * padded)
    }

    /// Records a gap: the next frame does not continue the last one.
    mutating func clear() {
        guard count > 0 else { return }
        for place in sum.indices { sum[place] = 0 }
        for place in kept.indices { kept[place] = 0 }
        (next, count) = (0, 0)
    }

    /// Moves the window of frames by one row (stored embedding).
    ///
    /// It returns 1 / the norm of the sum of the window's rows, or 0 while the window is not full.
    mutating func push(high: UnsafePointer<Int8>, low: UnsafePointer<Int8>, scale: Float) -> Float {
        let place = next * padded
        let norm = kept.withUnsafeMutableBufferPointer {
            ww_history_push(&sum, $0.baseAddress.map { $0 + place }, high, low, scale, padded)
        }
        next = (next + 1) % length
        count = min(count + 1, length)
        return count == length && norm > 1e-6 ? Float(1 / norm) : 0
    }

    /// Moves the window of frames by all frames of a block, and writes a value for each frame into `values`.
    ///
    /// The value is 1 / the norm of the sum of the window that ends with the frame, or 0 if the window is not full. It
    /// is 0 for copies of the previous file's last frames, because windows that end with them belong to that file. The
    /// block must have its low plane (the lower bytes of the embeddings).
    mutating func push(_ block: SegmentReader.Block, into values: inout [Float]) {
        var row = -1
        for entry in 0..<block.header.entries {
            let flags = block.flags(entry)
            if flags.hasRow { row += 1 }
            if flags.isDiscontinuity || flags.isBlind { clear() }
            let start = row * padded
            values[entry] =
                flags.isBlind
                ? 0 : push(high: block.high + start, low: block.low + start, scale: block.scales[row])
            if flags.isCarried { values[entry] = 0 }
        }
    }
}
