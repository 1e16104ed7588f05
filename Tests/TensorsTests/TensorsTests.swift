import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Tensors")
struct TensorsTests {
    private func numbers(_ count: Int, _ seed: Int) -> [Float] {
        (0..<count).map { Float(($0 * 7919 + seed) % 101 - 50) / 50 }
    }

    @Test("a linear layer equals its definition, for rows it has not met before too", arguments: [1, 3, 50])
    func linear(_ rows: Int) throws {
        let (k, n) = (24, 40)
        let (weight, bias, x) = (numbers(n * k, 1), numbers(n, 2), numbers(rows * k, 3))
        let layer = try Linear(weight: weight, bias: bias, inputs: k, outputs: n, activation: .quickGELU)
        let out = Matrix(rows: rows, columns: n)
        try layer(Matrix(x, columns: k), into: out)
        var expected: [Float] = []
        for r in 0..<rows {
            for o in 0..<n {
                let sum = (0..<k).reduce(Double(bias[o])) { $0 + Double(x[r * k + $1]) * Double(weight[o * k + $1]) }
                expected.append(Float(sum / (1 + exp(-1.702 * sum))))
            }
        }
        #expect(worstExcess(out.values, expected) < 1e-4)
    }

    @Test("attention sees a prefix of keys, whatever the padding holds, and its chosen rows equal the whole")
    func attention() {
        let (tokens, width) = (5, 8)
        let attention = Attention(heads: 2, width: width)
        var values = numbers(2 * tokens * 3 * width, 5)
        let whole = Matrix(rows: 2 * tokens, columns: width)
        attention(Matrix(values, columns: 3 * width), tokens: tokens, lengths: [3, 5], into: whole)
        for i in (3 * 3 * width)..<(5 * 3 * width) { values[i] = .nan }
        let picked = Matrix(rows: 2, columns: width)
        attention(Matrix(values, columns: 3 * width), tokens: tokens, lengths: [3, 5], rows: [2, 4], into: picked)
        #expect(picked.values == whole.row(2) + whole.row(tokens + 4))
        #expect(picked.values.allSatisfy { $0.isFinite })
    }

    @Test("products of scores equal their definition")
    func products() {
        let (a, b) = (numbers(6, 1), numbers(9, 2))
        let found = Products.timesTransposed(a, b, width: 3)
        let expected = (0..<2).flatMap { m in
            (0..<3).map { n in (0..<3).reduce(Float(0)) { $0 + a[m * 3 + $1] * b[n * 3 + $1] } }
        }
        #expect(worstExcess(found, expected) < 1e-6)
    }
}
