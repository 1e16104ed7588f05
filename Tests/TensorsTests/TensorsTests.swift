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

    @Test(
        "a layer of low precision is near its definition, and adds to a residual",
        arguments: [Precision.bf16, .int8], [Activation.none, .quickGELU, .gelu])
    func lowPrecision(_ precision: Precision, _ activation: Activation) throws {
        // Sizes for oneDNN, and sizes that fill panels, in more than one cut.
        for (rows, k, n) in [(9, 72, 40), (50, 832, 96)] { try lowPrecision(precision, activation, rows, k, n) }
    }

    private func lowPrecision(
        _ precision: Precision, _ activation: Activation, _ rows: Int, _ k: Int, _ n: Int
    ) throws {
        let (weight, bias, x) = (numbers(n * k, 1), numbers(n, 2), numbers(rows * k, 3))
        let (input, scratch, inner) = (Activations(columns: k), Activations(columns: n), Activations(columns: n))
        input.convert(Matrix(x, columns: k), as: .plain(precision))
        func layer(_ output: LinearOutput) throws -> Linear {
            try Linear(
                name: "", weight: { weight }, bias: bias, inputs: k, outputs: n,
                activation: output == .residual ? .none : activation, output: output, precision: precision, packed: nil)
        }
        var (sums, expected): ([Float], [Float]) = ([], [])
        for r in 0..<rows {
            for o in 0..<n {
                let sum = (0..<k).reduce(Double(bias[o])) { $0 + Double(x[r * k + $1]) * Double(weight[o * k + $1]) }
                sums.append(Float(sum + 1))
                expected.append(
                    Float(
                        activation == .none
                            ? sum
                            : activation == .gelu
                                ? sum * 0.5 * (1 + erf(sum / 2.0.squareRoot())) : sum / (1 + exp(-1.702 * sum))))
            }
        }
        let residual = Matrix([Float](repeating: 1, count: rows * n), columns: n)
        try layer(.residual)(input, into: residual, scratch: scratch)
        #expect(cosine(residual.values, sums) > 0.9998)
        let values = Matrix(rows: rows, columns: n)
        try layer(.values)(input, into: values, scratch: scratch)
        #expect(cosine(values.values, expected) > 0.9998)
        try layer(.activations)(input, into: inner, scratch: scratch)
        #expect(cosine(inner.values, expected) > 0.9997)
    }

    /// The sizes suit panels if the CPU has a unit for them.
    ///
    /// They give one and several cuts of K, row blocks of every size, and more than one chunk.
    @Test(
        "layers in panels equal their definition, whatever the rows",
        arguments: [(16, 32), (208, 96), (640, 64), (1600, 32)], [1, 2, 13, 14, 15, 29, 50, 800])
    func panels(_ sizes: (inputs: Int, outputs: Int), _ rows: Int) throws {
        let (k, n) = sizes
        // Whole numbers whose sums float32 holds exactly: nothing may differ, in whichever order they are taken.
        let weight = (0..<n * k).map { Float(($0 * 7919 + 3) % 7 - 3) }
        let x = (0..<rows * k).map { Float(($0 * 104_729 + 1) % 9 - 4) }
        let bias = (0..<n).map { Float($0 % 5) }
        var sums = [Float](repeating: 0, count: rows * n)
        for r in 0..<rows {
            for o in 0..<n {
                var sum = bias[o]
                for i in 0..<k { sum += x[r * k + i] * weight[o * k + i] }
                sums[r * n + o] = sum
            }
        }
        let input = Matrix(x, columns: k)
        func layer(_ activation: Activation, accumulate: Bool = false) throws -> Linear {
            try Linear(
                weight: weight, bias: bias, inputs: k, outputs: n, activation: activation, accumulate: accumulate)
        }
        let out = Matrix(rows: rows, columns: n)
        try layer(.none)(input, into: out)
        #expect(out.values == sums)
        try layer(.none, accumulate: true)(input, into: out)
        #expect(out.values == sums.map { $0 * 2 })
        // bfloat16 holds these numbers, too.
        let (halves, scratch) = (Activations(columns: k), Activations(columns: n))
        halves.convert(input, as: .plain(.bf16))
        let ofHalves = try Linear(
            name: "", weight: { weight }, bias: bias, inputs: k, outputs: n, precision: .bf16, packed: nil)
        try ofHalves(halves, into: out, scratch: scratch)
        #expect(out.values == sums)
        try layer(.quickGELU)(input, into: out)
        #expect(worstExcess(out.values, sums.map { $0 / (1 + exp(-1.702 * $0)) }, rtol: 3e-5) < 1e-4)
        try layer(.gelu)(input, into: out)
        #expect(worstExcess(out.values, sums.map { $0 * 0.5 * erfc(-$0 / Float(2).squareRoot()) }, rtol: 3e-5) < 1e-4)
    }

    @Test(
        "a row's product does not depend on the rows beside it", arguments: [Precision.f32, .bf16, .int8])
    func alone(_ precision: Precision) throws {
        let (rows, k, n) = (33, 768, 64)
        let (weight, x) = (numbers(n * k, 1), numbers(rows * k, 3))
        let layer = try Linear(
            name: "", weight: { weight }, bias: nil, inputs: k, outputs: n, output: .values, precision: precision,
            packed: nil)
        func product(_ rows: Range<Int>) throws -> [Float] {
            let (input, scratch) = (Activations(columns: k), Activations(columns: n))
            input.convert(
                Matrix(Array(x[rows.lowerBound * k..<rows.upperBound * k]), columns: k), as: .plain(precision))
            let out = Matrix(rows: rows.count, columns: n)
            try layer(input, into: out, scratch: scratch)
            return out.values
        }
        let whole = try product(0..<rows)
        for row in [0, 7, 32] {
            let found = try product(row..<row + 1)
            let expected = Array(whole[row * n..<(row + 1) * n])
            if ComputeLibrary.units.contains("\(precision.rawValue) by oneDNN") {
                // It may sum in another order for other numbers of rows.
                #expect(worstExcess(found, expected, rtol: 1e-5) < 1e-3)
            } else {
                #expect(found == expected)
            }
        }
    }

    /// On CPUs whose products read plain rows, both forms are the same.
    @Test(
        "rows made as the next product takes them are the plain rows, however the work on them is cut",
        arguments: [Precision.f32, .bf16, .int8], [1, 14, 15, 50, 150, 333])
    func asTaken(_ precision: Precision, _ rows: Int) throws {
        let (k, inner, heads) = (128, 256, 2)
        func layer(_ inputs: Int, _ outputs: Int, _ output: LinearOutput) throws -> Linear {
            let weight = numbers(outputs * inputs, 1)
            return try Linear(
                name: "", weight: { weight }, bias: numbers(outputs, 2), inputs: inputs, outputs: outputs,
                activation: output == .activations ? .quickGELU : .none, output: output, precision: precision,
                packed: nil)
        }
        let (expand, contract) = (try layer(k, inner, .activations), try layer(inner, k, .values))
        let x = Matrix(numbers(rows * k, 3), columns: k)
        let norm = LayerNorm(weight: numbers(k, 4), bias: numbers(k, 5), epsilon: 1e-5)
        let attention = Attention(heads: heads, width: k)
        let tokens = rows % 50 == 0 ? 50 : rows
        let qkv = Activations(columns: 3 * k)
        qkv.convert(Matrix(numbers(rows * 3 * k, 6), columns: 3 * k), as: .plain(.f32))

        func results(_ taken: Bool) throws -> [[Float]] {
            let (first, second) = taken ? (expand.takes, contract.takes) : (.plain(precision), .plain(precision))
            let (made, scratch, hidden) = (
                Activations(columns: k), Activations(columns: inner), Activations(columns: inner)
            )
            let out = Matrix(rows: rows, columns: k)
            var found: [[Float]] = []
            attention(qkv, tokens: tokens, into: made, as: first)
            found.append(made.values)
            attention(
                qkv, tokens: tokens, rows: (0..<rows / tokens).map { Int32($0 % tokens) }, into: made, as: first)
            found.append(made.values)
            made.convert(x, as: first)
            found.append(made.values)
            norm(x, into: made, as: first)
            found.append(made.values)
            try expand(made, into: hidden, as: second, scratch: scratch)
            found.append(hidden.values)
            try contract(hidden, into: out, scratch: scratch)
            found.append(out.values)
            return found
        }
        let (plain, taken) = (try results(false), try results(true))
        for (name, pair) in zip(
            ["attention", "chosen rows", "converted", "normed", "expanded", "contracted"], zip(plain, taken))
        {
            #expect(pair.0 == pair.1, "\(name)")
        }
    }

    @Test("quantised rows are within half a step of what they were", arguments: [1, 16, 37, 768])
    func quantised(_ width: Int) {
        let x = Matrix(numbers(7 * width, 11).map { $0 * 3 + 1 }, columns: width)
        let bytes = Activations(columns: width)
        bytes.convert(x, as: .plain(.int8))
        for row in 0..<7 {
            let (was, now) = (x.row(row), bytes.values[row * width..<(row + 1) * width])
            let range = max(was.max() ?? 0, 0) - min(was.min() ?? 0, 0)
            // Without VNNI there are 127 steps; and zero is a whole step, which moves the others by up to half of one.
            #expect(worstExcess(now, was) <= Double(range / 127))
        }
    }

    /// A token's result by attention's definition, over the first `seen` keys of its sequence `[tokens, 3 · width]`.
    private func attended(_ sequence: [Float], token t: Int, seen: Int, width: Int, heads: Int) -> [Float] {
        let c = width / heads
        return (0..<heads).flatMap { h in
            func at(_ token: Int, _ part: Int, _ i: Int) -> Double {
                Double(sequence[(token * 3 + part) * width + h * c + i])
            }
            let scores = (0..<seen).map { key in
                exp((0..<c).reduce(0.0) { $0 + at(t, 0, $1) * at(key, 1, $1) } / Double(c).squareRoot())
            }
            let total = scores.reduce(0, +)
            return (0..<c).map { i in Float((0..<seen).reduce(0.0) { $0 + scores[$1] * at($1, 2, i) } / total) }
        }
    }

    /// There are few and many tokens, and heads of CLIP's and other widths; wide ones use tiles if the CPU has them.
    @Test(
        "attention equals its definition", arguments: [(5, 8, 2), (50, 128, 2), (77, 24, 1), (197, 64, 1)],
        [Precision.f32, .bf16])
    func attentionDefinition(_ sizes: (tokens: Int, width: Int, heads: Int), _ precision: Precision) {
        let (tokens, width, heads) = sizes
        let sequences = 3
        let values = numbers(sequences * tokens * 3 * width, 5)
        let qkv = Activations(columns: 3 * width)
        qkv.convert(Matrix(values, columns: 3 * width), as: .plain(precision))
        let out = Activations(columns: width)
        let attention = Attention(heads: heads, width: width)
        for causal in [false, true] {
            let lengths: [Int32]? = causal ? nil : [Int32(tokens), Int32(tokens / 2), 1]
            attention(qkv, tokens: tokens, causal: causal, lengths: lengths, into: out, as: .plain(precision))
            let expected = (0..<sequences).flatMap { s in
                let sequence = Array(values[s * tokens * 3 * width..<(s + 1) * tokens * 3 * width])
                return (0..<tokens).flatMap { t in
                    let seen = causal ? t + 1 : Int(lengths?[s] ?? 0)
                    return attended(sequence, token: t, seen: seen, width: width, heads: heads)
                }
            }
            #expect(worstExcess(out.values, expected) < (precision == .f32 ? 1e-5 : 0.02))
        }
    }

    @Test("attention sees a prefix of keys, whatever the padding holds, and its chosen rows equal the whole")
    func attention() {
        let (tokens, width) = (5, 8)
        let attention = Attention(heads: 2, width: width)
        var values = numbers(2 * tokens * 3 * width, 5)
        let (qkv, whole, picked) = (
            Activations(columns: 3 * width), Activations(columns: width), Activations(columns: width)
        )
        qkv.convert(Matrix(values, columns: 3 * width), as: .plain(.f32))
        attention(qkv, tokens: tokens, lengths: [3, 5], into: whole, as: .plain(.f32))
        for i in (3 * 3 * width)..<(5 * 3 * width) { values[i] = .nan }
        qkv.convert(Matrix(values, columns: 3 * width), as: .plain(.f32))
        attention(qkv, tokens: tokens, lengths: [3, 5], rows: [2, 4], into: picked, as: .plain(.f32))
        let rows = whole.values
        #expect(picked.values == Array(rows[2 * width..<3 * width] + rows[9 * width..<10 * width]))
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
