import CKernels

/// Texts made ready for a scan: as whole numbers, and rotated for exact scores.
struct TextBatch: Sendable {
    let count: Int
    let padded: Int
    /// count, rounded up to what kernels work on at once.
    let stride: Int
    /// `[count, padded]`.
    let whole: [Int16]
    let steps: [Float]
    /// `[count, padded]`.
    let rotated: [Double]

    /// `texts`: unit vectors `[width]`.
    init(_ texts: [[Float]], width: Int, isQuick: Bool) {
        self.isQuick = isQuick
        precondition(!texts.isEmpty && texts.allSatisfy { $0.count == width })
        count = texts.count
        let padded = ww_score_padded(width)
        self.padded = padded
        stride = (texts.count + 7) / 8 * 8
        var whole = [Int16](repeating: 0, count: count * padded)
        var steps = [Float](repeating: 0, count: count)
        var rotated = [Double](repeating: 0, count: count * padded)
        for (place, text) in texts.enumerated() {
            whole.withUnsafeMutableBufferPointer { whole in
                rotated.withUnsafeMutableBufferPointer { rotated in
                    guard let q = whole.baseAddress, let exact = rotated.baseAddress else { return }
                    ww_history_text(q + place * padded, &steps[place], exact + place * padded, text, width)
                }
            }
        }
        (self.whole, self.steps, self.rotated) = (whole, steps, rotated)
    }

    /// Whether sums of two or four entries are scanned, and with them every second or fourth window alone.
    ///
    /// The best half minutes are then scored window by window, as ever.
    let isQuick: Bool

    /// How far a score by the high planes may be from the exact one: six times its root mean square.
    ///
    /// A row's step is its largest number / 127, about 3.3 and hardly ever 5 times the root mean square of its numbers.
    ///
    /// A quick scan does not look at each window: the best one of a half minute may be better than what it saw.
    var error: Float { (isQuick ? 0.004 : 0) + 6 * 5 / (Float(padded).squareRoot() * 127) / Float(12).squareRoot() }

    /// The exact dot product of a text and a row.
    func exact(_ text: Int, high: UnsafePointer<Int8>, low: UnsafePointer<Int8>, scale: Float) -> Double {
        rotated.withUnsafeBufferPointer {
            ww_history_exact(high, low, scale, $0.baseAddress.map { $0 + text * padded }, padded)
        }
    }
}
