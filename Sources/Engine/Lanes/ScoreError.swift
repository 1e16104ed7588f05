import Tensors

/// How far the scores of windows are from what float32 gives, by those windows that were scored both ways.
///
/// It depends on the model, the head and the pictures, so it is measured, not assumed. Pure.
struct ScoreError {
    /// A score that is further from a threshold than so many times the usual error is on that side of it in float32,
    /// too.
    static let margin: Float = 6
    /// For how many windows that counts which is assumed before any is measured.
    static let assumption = 4.0
    /// Windows that the estimate remembers: pictures change, and with them the errors.
    static let memory = 1000.0

    private var squares: Double
    private var weight = Self.assumption
    private var windows = 0

    init(assumed: Float) { squares = Self.assumption * Double(assumed) * Double(assumed) }

    /// The usual error: a root mean square.
    var usual: Float { Float((squares / weight).squareRoot()) }
    var most: Float { Self.margin * usual }

    /// Takes the differences of some of a window's scores.
    mutating func note(_ differences: [Float]) {
        let sum = differences.reduce(0.0) { $0 + Double($1) * Double($1) }
        guard !differences.isEmpty, sum.isFinite else { return }
        if weight >= Self.memory { (squares, weight) = (squares * (1 - 1 / weight), weight - 1) }
        squares += sum / Double(differences.count)
        weight += 1
    }

    /// Counts a window, and says whether it is to be scored both ways whatever it scores: the first is, the second, the
    /// fourth, the eighth and so on, later each of 1024.
    mutating func isSample() -> Bool {
        windows += 1
        return windows.nonzeroBitCount == 1 || windows % 1024 == 0
    }
}

extension Precision {
    /// The assumed RMS error of cosines, and of logits over their scale, until it is measured; nil for float32.
    ///
    /// The shapes models have half to twice this error, by head.
    var assumedError: Float? {
        switch self {
        case .int8: 0.001
        case .bf16: 0.000_25
        case .f32, .auto: nil
        }
    }
}
