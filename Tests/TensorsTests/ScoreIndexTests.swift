import CAllocations
import Tensors
import Testing

/// Compares the index with its definition: the float64 sum of products, rounded once.
@Suite("The score index")
struct ScoreIndexTests {
    private static let scans = ScoreScan.allCases.filter(\.isAvailable)

    @Test(
        "finds the same pairs and scores as float64 brute force, by every scan", arguments: Vectors.allCases,
        [(1, 40), (3, 100), (64, 260), (100, 300), (512, 290), (768, 100)])
    func exact(_ kind: Vectors, _ size: (width: Int, rows: Int)) {
        var random = Random(seed: UInt64(size.width) &* 31 &+ UInt64(size.rows))
        let rows = (0..<size.rows).map { kind.vector($0, size.width, &random) }
        for count in [1, 2, 5, 16, 17, 33, 70] {
            let windows = (0..<count).map { kind.vector($0 + 7, size.width, &random) }
            let floors = rows.enumerated().map { place, row in
                floor(place, reference(row, windows[place % count]), &random)
            }
            let index = ScoreIndex(width: size.width)
            for place in rows.indices { index.put(Int32(1000 - place), rows[place], floor: floors[place]) }
            var expected: [ScoreIndex.Hit] = []
            for (window, v) in windows.enumerated() where isFinite(v) {
                for place in rows.indices where isFinite(rows[place]) {
                    let score = reference(rows[place], v)
                    guard score >= floors[place] else { continue }
                    expected.append(ScoreIndex.Hit(window: window, tag: Int32(1000 - place), score: score))
                }
            }
            for scan in Self.scans {
                let found = index.hits(windows.flatMap { $0 }, scan: scan)
                #expect(found == expected, "\(scan), \(count) windows")
            }
        }
    }

    /// A floor at the score, just above it, just below it, at random, or NaN.
    private func floor(_ place: Int, _ score: Float, _ random: inout Random) -> Float {
        switch place % 8 {
        case 0, 1: score
        case 2: score.nextUp
        case 3: score.nextDown
        case 4: random.next()
        case 5: -.infinity
        case 6: place % 16 == 6 ? .infinity : .nan
        default: score * 0.99
        }
    }

    @Test("a pair's score is the rounded sum, and the same number alone as in a batch", arguments: [5, 64, 512])
    func alone(_ width: Int) {
        var random = Random(seed: 3)
        let index = ScoreIndex(width: width)
        let rows = (0..<200).map { Vectors.plain.vector($0, width, &random) }
        for (tag, row) in rows.enumerated() { index.put(Int32(tag), row, floor: -.infinity) }
        let windows = (0..<9).map { Vectors.plain.vector($0, width, &random) }
        let hits = index.hits(windows.flatMap { $0 })
        #expect(hits.count == 1800)
        for hit in hits {
            #expect(index.score(windows.flatMap { $0 }, hit.window, hit.tag) == hit.score)
            let error = Double(hit.score) - plain(rows[Int(hit.tag)], windows[hit.window])
            #expect(abs(error) <= Double(hit.score.ulp) * 0.500001)
        }
        #expect(index.score(windows[0], 0, 200) == nil)
    }

    @Test("rows that come, change and go leave what a dictionary would", arguments: [(24, 700), (8, 9000)])
    func dictionary(_ width: Int, _ most: Int) {
        var random = Random(seed: 11)
        let index = ScoreIndex(width: width)
        var model: [Int32: (row: [Float], floor: Float)] = [:]
        let windows = (0..<3).map { Vectors.plain.vector($0, width, &random) }
        func check() {
            #expect(index.count == model.count && Set(index.tags) == Set(model.keys))
            var expected: Set<Pair> = []
            for (window, v) in windows.enumerated() {
                for (tag, entry) in model {
                    let score = reference(entry.row, v)
                    if score >= entry.floor { expected.insert(Pair(window: window, tag: tag, score: score)) }
                }
            }
            let found = index.hits(windows.flatMap { $0 })
            #expect(found.count == expected.count)
            #expect(Set(found.map { Pair(window: $0.window, tag: $0.tag, score: $0.score) }) == expected)
        }
        // Up to `most` rows, then down to none: blocks are made and given back on the way.
        for phase in 0..<2 {
            var step = 0
            while phase == 0 ? model.count < most : !model.isEmpty {
                step += 1
                if step % (most / 3) == 0 { check() }
                let tag = Int32(truncatingIfNeeded: Int(random.bits() % UInt64(2 * most)) - most)
                let adds = phase == 0 ? random.bits() % 8 != 0 : random.bits() % 8 == 0
                if adds {
                    let row = Vectors.plain.vector(0, width, &random)
                    let floor = random.next() * 0.6
                    index.put(tag, row, floor: floor)
                    model[tag] = (row, floor)
                } else if random.bits() % 4 == 0 {
                    let floor = random.next()
                    index.setFloor(tag, floor)
                    model[tag]?.floor = floor
                } else {
                    let tag = phase == 0 ? tag : index.tags[Int(random.bits() % UInt64(index.count))]
                    #expect((index.row(tag) != nil) == (model[tag] != nil))
                    #expect(index.remove(tag) == (model.removeValue(forKey: tag) != nil))
                }
            }
            check()
        }
        #expect(index.count == 0)
    }

    @Test("without rows or without windows there is nothing to find")
    func nothing() {
        let index = ScoreIndex(width: 16)
        #expect(index.hits([Float](repeating: 1, count: 32)).isEmpty)
        index.reserve(10_000)
        #expect(index.count == 0 && index.hits([Float](repeating: 1, count: 32)).isEmpty)
        index.put(1, [Float](repeating: 0.25, count: 16), floor: 0.5)
        #expect(index.hits([]).isEmpty)
        #expect(index.hits([Float](repeating: 1, count: 16)) == [ScoreIndex.Hit(window: 0, tag: 1, score: 4)])
    }

    @Test(
        "the bound leaves few pairs to be scored, even where a few dimensions hold most of the length",
        arguments: [Vectors.plain, .outliers], [512, 768])
    func excludes(_ kind: Vectors, _ width: Int) {
        var random = Random(seed: 5)
        let index = ScoreIndex(width: width)
        let windows = (0..<32).map { kind.vector($0, width, &random) }
        for tag in 0..<2000 {
            let row = kind.vector(tag, width, &random)
            // 0.05 above the row's best score: nothing is to be found.
            index.put(Int32(tag), row, floor: (windows.map { reference(row, $0) }.max() ?? 0) + 0.05)
        }
        for scan in Self.scans where scan != .none {
            #expect(index.hits(windows.flatMap { $0 }, scan: scan).isEmpty)
            #expect(index.scored < 2000 * 32 / 1000, "\(scan)")
        }
    }

    @Test("a warm search asks for no memory")
    func allocations() {
        var random = Random(seed: 9)
        let index = ScoreIndex(width: 64)
        let windows = (0..<20).flatMap { Vectors.plain.vector($0, 64, &random) }
        for tag in 0..<3000 { index.put(Int32(tag), Vectors.plain.vector(tag, 64, &random), floor: 0.2) }
        var hits: [ScoreIndex.Hit] = []
        // Which core finds what is not always the same: each one's memory grows to its record.
        for _ in 0..<20 { index.search(windows, into: &hits) }
        let few = Array(windows.prefix(64))
        index.search(few, into: &hits)
        let before = ww_allocations()
        index.search(few, into: &hits)
        #expect(ww_allocations() == before)
        #expect(!hits.isEmpty)
    }

    private struct Pair: Hashable {
        let window: Int
        let tag: Int32
        let score: Float
    }

    private func isFinite(_ v: [Float]) -> Bool { v.allSatisfy(\.isFinite) }

    private func plain(_ row: [Float], _ window: [Float]) -> Double {
        zip(row, window).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    /// The score in the kernels' order of summation, which matters if the sum is half-way between two float32.
    private func reference(_ row: [Float], _ window: [Float]) -> Float {
        var sums = [Double](repeating: 0, count: 32)
        for i in row.indices { sums[i % 32] += Double(row[i]) * Double(window[i]) }
        // 0 with 8, 16 with 24, then both; and so on by halves.
        for half in [(8, 2), (16, 1), (4, 1), (2, 1), (1, 1)] {
            for start in stride(from: 0, to: half.0 == 8 ? 32 : half.0, by: 16) {
                for i in start..<start + min(half.0, 8) { sums[i] += sums[i + half.0] }
            }
        }
        return Float(sums[0])
    }
}

/// Rows and windows, ordinary and unusual ones.
enum Vectors: CaseIterable {
    case plain, outliers, wildNorms, allEqual, denormal, oneHot, near, broken

    fileprivate func vector(_ place: Int, _ width: Int, _ random: inout Random) -> [Float] {
        var v = (0..<width).map { _ in random.next() }
        switch self {
        case .plain: break
        case .outliers:
            for i in stride(from: 1, to: width, by: 97) { v[i] = i % 2 == 1 ? 20 : -15 }
        case .wildNorms:
            let scale = Float(sign: .plus, exponent: Int(random.bits() % 240) - 120, significand: 1)
            return v.map { $0 * scale }
        case .allEqual: v = [Float](repeating: 1, count: width)
        case .denormal:
            return v.map { $0 * (place % 3 == 0 ? 700 * .leastNonzeroMagnitude : place % 3 == 1 ? 1e-20 : 1e-12) }
        case .oneHot:
            v = [Float](repeating: 0, count: width)
            v[place * 13 % width] = place % 5 == 0 ? -1 : 1
        // All within rounding of each other.
        case .near: v = v.map { 1 + $0 * 1e-6 }
        case .broken:
            let bad: [Float] = [.nan, .infinity, -.infinity, .greatestFiniteMagnitude, 0]
            if place % 3 == 0 { v[place % width] = bad[place % 5] }
            if place % 7 == 0 { return [Float](repeating: 0, count: width) }
            if place % 3 == 0 { return v }
        }
        let norm = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return v.map { $0 / norm }
    }
}

/// A seeded generator, so that a failure can be repeated.
private struct Random {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func bits() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// Returns a number in [-1, 1).
    mutating func next() -> Float { Float(Int32(truncatingIfNeeded: bits() >> 32)) / 0x1p31 }
}
