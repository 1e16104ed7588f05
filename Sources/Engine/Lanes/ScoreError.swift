import Tensors

/// Estimates the error of scores in a lower precision, from windows that were also scored in float32.
///
/// The error depends on the models and the pictures, so it is measured while running.
struct ScoreError {
    /// A score this many RMS errors from a threshold stays on its side in float32.
    static let margin: Float = 6
    /// The weight of the assumed error in the estimate, as a number of windows, before any error is measured.
    static let assumption = 4.0
    /// The number of windows that the estimate remembers, since errors change with the pictures.
    static let memory = 1000.0

    private var squares: Double
    private var weight = Self.assumption
    private var windows = 0

    init(assumed: Float) { squares = Self.assumption * Double(assumed) * Double(assumed) }

    /// The estimated RMS error of a score.
    var usual: Float { Float((squares / weight).squareRoot()) }
    var most: Float { Self.margin * usual }

    /// Adds the differences between some of a window's scores in float32 and in the lower precision.
    mutating func note(_ differences: [Float]) {
        let sum = differences.reduce(0.0) { $0 + Double($1) * Double($1) }
        guard !differences.isEmpty, sum.isFinite else { return }
        if weight >= Self.memory { (squares, weight) = (squares * (1 - 1 / weight), weight - 1) }
        squares += sum / Double(differences.count)
        weight += 1
    }

    /// Counts a window, and returns true if it should be scored in both precisions to measure the error.
    ///
    /// It returns true for the first, second, fourth, eighth window and so on, and for each 1024th.
    mutating func isSample() -> Bool {
        windows += 1
        return windows.nonzeroBitCount == 1 || windows % 1024 == 0
    }
}

extension Precision {
    /// The RMS error of cosines that is assumed until it is measured; nil for float32.
    ///
    /// For logits, it is multiplied by the model's scale. The bundled model `shapes` has half to twice this error.
    var assumedError: Float? {
        switch self {
        case .int8: 0.001
        case .bf16: 0.000_25
        case .f32, .auto: nil
        }
    }
}
