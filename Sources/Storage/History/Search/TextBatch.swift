import CKernels
import Segments

/// The embeddings of a search's texts: rounded to bytes for the fast scan of a history, and unrounded for exact scores.
struct TextBatch: Sendable {
    /// The number of vectors that recorded embeddings are multiplied with: one for each text, or two with `withRests`.
    let count: Int
    let padded: Int
    /// The count rounded up to a multiple of 8, which kernels process at once; the additional vectors are zero.
    let stride: Int
    /// The texts' vectors rounded to bytes `[stride, padded]`.
    private let bytes: [Int8]
    private let steps: [Float]
    private let offsets: [Int32]
    /// The texts' vectors in float64, rotated like the stored embeddings `[texts, padded]`.
    private let rotated: [Double]

    /// Prepares the embeddings of texts, which are vectors of length 1 `[width]`.
    ///
    /// With `withRests`, each is followed by its rounding error as a second vector; the sum of both scores then has
    /// only the error of the stored embeddings.
    init(_ texts: [[Float]], width: Int, isQuick: Bool, withRests: Bool = false) {
        self.isQuick = isQuick
        self.withRests = withRests
        let each = withRests ? 2 : 1
        precondition(!texts.isEmpty && texts.allSatisfy { $0.count == width })
        count = each * texts.count
        let padded = ww_score_padded(width)
        self.padded = padded
        stride = (count + 7) / 8 * 8
        var bytes = [Int8](repeating: 0, count: stride * padded)
        var steps = [Float](repeating: 0, count: stride)
        var offsets = [Int32](repeating: 0, count: stride)
        var rotated = [Double](repeating: 0, count: texts.count * padded)
        var work = [Double](repeating: 0, count: padded)
        for (place, text) in texts.enumerated() {
            bytes.withUnsafeMutableBufferPointer { bytes in
                rotated.withUnsafeMutableBufferPointer { rotated in
                    guard let q = bytes.baseAddress, let exact = rotated.baseAddress else { return }
                    let (row, own) = (each * place, exact + place * padded)
                    ww_history_text(q + row * padded, &steps[row], &offsets[row], own, text, width)
                    guard withRests else { return }
                    ww_history_rest(
                        q + (row + 1) * padded, &steps[row + 1], &offsets[row + 1], own, q + row * padded, steps[row],
                        padded, &work)
                }
            }
        }
        (self.bytes, self.steps, self.offsets, self.rotated) = (bytes, steps, offsets, rotated)
    }

    /// True for a quick search, which adds up two or four successive frames and so skips windows of frames.
    ///
    /// It scores only every second or fourth window. The windows of the best half minutes are then scored one by one,
    /// as in any search.
    let isQuick: Bool
    private let withRests: Bool

    /// The greatest error of a score from the fast scan of a history: six times its RMS error.
    ///
    /// Stored embeddings are rounded to steps of 1/127 of their largest number, texts to 1/63 of theirs. The largest
    /// number is about 3.3 times the root mean square, and hardly ever 5 times. Both were rotated at random, so that
    /// the rounding errors look like independent noise. A quick search adds a margin, since it may not see the best
    /// window of a half minute.
    var error: Float { (isQuick ? 0.004 : 0) + Self.error(padded: padded, withRests: withRests) }

    static func error(padded: Int, withRests: Bool) -> Float {
        let (row, text) = (Float(1) / 127, withRests ? 1 / Float(127 * WW_HISTORY_TEXT) : 1 / Float(WW_HISTORY_TEXT))
        let step = 5 / Float(padded).squareRoot() * Float(row * row + text * text).squareRoot()
        return 6 * step / Float(12).squareRoot()
    }

    /// Writes the dot products of stored embeddings with all texts, laid out as by `ww_history_dots`.
    ///
    /// It uses the upper bytes of the embeddings, and returns their checksum; nil if they are mapped from a file and
    /// cannot be read.
    @discardableResult
    func dots(
        _ out: UnsafeMutablePointer<Float>, high: UnsafePointer<Int8>, count rows: Int, scales: UnsafePointer<Float>
    ) -> UInt64? {
        bytes.withUnsafeBufferPointer { bytes in
            steps.withUnsafeBufferPointer { steps in
                offsets.withUnsafeBufferPointer { offsets in
                    var texts = ww_history_texts(
                        count: count, bytes: bytes.baseAddress, steps: steps.baseAddress, offsets: offsets.baseAddress)
                    var sum: UInt64 = 0
                    let isRead = ww_history_mapped_dots(&sum, out, high, rows, padded, scales, &texts) == 1
                    return isRead ? sum : nil
                }
            }
        }
    }

    /// Returns the dot product of a text and a stored embedding, computed from all 16 bits of its numbers.
    func exact(_ text: Int, high: UnsafePointer<Int8>, low: UnsafePointer<Int8>, scale: Float) -> Double {
        rotated.withUnsafeBufferPointer {
            ww_history_exact(high, low, scale, $0.baseAddress.map { $0 + text * padded }, padded)
        }
    }
}
