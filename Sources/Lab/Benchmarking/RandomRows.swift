import Tensors

/// Random embeddings of length 1, which are generated on each use and not stored.
struct RandomRows {
    let width: Int
    let seed: UInt64

    /// The number of embeddings that are generated together, as a chunk.
    static let chunk = 4096

    /// Returns the number of chunks that contain `count` embeddings.
    func chunks(_ count: Int) -> Int { (count + Self.chunk - 1) / Self.chunk }

    /// Generates the embeddings of chunk number `chunk`, if there are `count` embeddings in all.
    func chunk(_ chunk: Int, _ count: Int) -> [[Float]] {
        var random = SeededNumbers(seed: seed &+ UInt64(chunk) &* 0x5851_F42D_4C95_7F2D)
        return (0..<min(Self.chunk, count - chunk * Self.chunk)).map { _ in
            Products.unit(random.numbers(width, deviation: 1))
        }
    }

    /// Returns the (embedding, window) pairs whose score reaches the threshold, computed exactly.
    ///
    /// The score is a dot product in float64, rounded to float32.
    func reached(_ count: Int, by windows: [[Float]], _ threshold: Float) -> [ScoreIndex.Hit] {
        let wide = windows.map { $0.map(Double.init) }
        var hits: [ScoreIndex.Hit] = []
        for chunk in 0..<chunks(count) {
            for (place, row) in self.chunk(chunk, count).enumerated() {
                let row = row.map(Double.init)
                for (window, v) in wide.enumerated() {
                    let score = Float(Self.dot(row, v))
                    guard score >= threshold else { continue }
                    let tag = Int32(chunk * Self.chunk + place)
                    hits.append(ScoreIndex.Hit(window: window, tag: tag, score: score))
                }
            }
        }
        return hits
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double {
        var sums = SIMD8<Double>()
        var rest = 0.0
        let whole = a.count / 8 * 8
        a.withUnsafeBytes { a in
            b.withUnsafeBytes { b in
                for i in stride(from: 0, to: whole * 8, by: 64) {
                    let left = a.loadUnaligned(fromByteOffset: i, as: SIMD8<Double>.self)
                    sums += left * b.loadUnaligned(fromByteOffset: i, as: SIMD8<Double>.self)
                }
            }
        }
        for i in whole..<a.count { rest += a[i] * b[i] }
        return sums.sum() + rest
    }
}
