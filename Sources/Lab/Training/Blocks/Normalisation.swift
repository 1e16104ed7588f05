import Tensors

/// Divides vectors by their Euclidean length, without an epsilon, as in CLIP4Clip.
enum Normalisation {
    /// Returns the rows of `x`, `[rows, W]`, scaled to length 1, and their original lengths.
    static func forward<Real: ProductScalar>(_ x: [Real], width W: Int) -> (unit: [Real], lengths: [Real]) {
        var unit = x
        var lengths: [Real] = []
        for start in stride(from: 0, to: x.count, by: W) {
            var sum: Real = 0
            for index in start..<start + W { sum += x[index] * x[index] }
            let length = sum.squareRoot()
            lengths.append(length)
            for index in start..<start + W { unit[index] /= length }
        }
        return (unit, lengths)
    }

    /// Returns the gradient of the rows, given the gradient of the normalised rows.
    static func backward<Real: ProductScalar>(
        _ dUnit: [Real], _ unit: [Real], _ lengths: [Real], width W: Int
    ) -> [Real] {
        var dx = dUnit
        for (row, length) in lengths.enumerated() {
            var dot: Real = 0
            for index in row * W..<(row + 1) * W { dot += dUnit[index] * unit[index] }
            for index in row * W..<(row + 1) * W { dx[index] = (dUnit[index] - unit[index] * dot) / length }
        }
        return dx
    }
}
