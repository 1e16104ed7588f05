import CKernels

/// Texts prepared for a scan: as whole numbers, and rotated for exact scores.
struct TextBatch: Sendable {
    /// The number of texts as the scan sees them: two for each text with a remainder.
    let count: Int
    let padded: Int
    /// The count rounded up to what kernels process at once; entries beyond the count are zero.
    let stride: Int
    /// The texts as bytes `[stride, padded]`.
    private let bytes: [Int8]
    private let steps: [Float]
    private let offsets: [Int32]
    /// The rotated texts `[texts, padded]`.
    private let rotated: [Double]

    /// Prepares texts, which are vectors of length 1 `[width]`.
    ///
    /// `withRests`: each is followed by the remainder that its bytes do not represent; the sum of both scores has only
    /// the rows' error.
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

    /// Whether sums of two or four entries are scanned, so that only every second or fourth window is seen.
    ///
    /// The best half minutes are then scored window by window in any case.
    let isQuick: Bool
    private let withRests: Bool

    /// How far a score by the high planes may be from the exact one: six times its RMS error.
    ///
    /// A row's step is its largest number / 127, a text's is / 63. The largest number is about 3.3 times the root mean
    /// square, and hardly ever 5 times. The rotation makes the two rounding errors look like independent noise. A quick
    /// scan adds a margin, since the best window of a half minute may be one that it did not see.
    var error: Float { (isQuick ? 0.004 : 0) + Self.error(padded: padded, withRests: withRests) }

    static func error(padded: Int, withRests: Bool) -> Float {
        let (row, text) = (Float(1) / 127, withRests ? 1 / Float(127 * WW_HISTORY_TEXT) : 1 / Float(WW_HISTORY_TEXT))
        let step = 5 / Float(padded).squareRoot() * Float(row * row + text * text).squareRoot()
        return 6 * step / Float(12).squareRoot()
    }

    /// Writes the dot products of rows' high planes with all texts, laid out as by `ww_history_dots`.
    ///
    /// Returns the rows' checksum; nil where the rows are mapped and cannot be read.
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

    /// The exact dot product of a text and a row.
    func exact(_ text: Int, high: UnsafePointer<Int8>, low: UnsafePointer<Int8>, scale: Float) -> Double {
        rotated.withUnsafeBufferPointer {
            ww_history_exact(high, low, scale, $0.baseAddress.map { $0 + text * padded }, padded)
        }
    }
}
