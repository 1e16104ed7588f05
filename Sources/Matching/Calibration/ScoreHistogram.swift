/// A histogram of scores with 128 bins of equal width, which doubles when a score lies outside.
///
/// Memory is fixed, and adding a score takes O(1). `halve` reduces the weight of old scores.
struct ScoreHistogram: Sendable, Codable, Equatable {
    private static let bins = 128
    private var counts: [Double] = []
    private var origin = 0.0
    private var width = 1.0 / 256
    private(set) var total = 0.0

    init() {}

    /// Decodes a saved histogram; throws on values that no histogram can have, such as negative counts.
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        counts = try values.decode([Double].self, forKey: .counts)
        origin = try values.decode(Double.self, forKey: .origin)
        width = try values.decode(Double.self, forKey: .width)
        total = try values.decode(Double.self, forKey: .total)
        guard counts.isEmpty || counts.count == Self.bins, counts.allSatisfy({ $0 >= 0 && $0.isFinite }), width > 0,
            width.isFinite, origin.isFinite, total >= 0, total.isFinite, total == 0 || !counts.isEmpty
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .counts, in: values,
                debugDescription: "expected \(Self.bins) counts of bins, a width and an origin")
        }
    }

    mutating func add(_ score: Double) {
        if counts.isEmpty {
            counts = [Double](repeating: 0, count: Self.bins)
            origin = score - width * Double(Self.bins / 2)
        }
        while score < origin || score >= origin + width * Double(Self.bins) { widen(towards: score) }
        // A saved histogram may have any origin and width, so the place may be no number.
        counts[Int(max(0, min((score - origin) / width, Double(Self.bins - 1))))] += 1
        total += 1
    }

    /// Halves all counts, so that old scores lose weight.
    mutating func halve() {
        for bin in counts.indices { counts[bin] /= 2 }
        total /= 2
    }

    /// Returns the score below which the share `p` of all scores lies; nil if the histogram is empty.
    func quantile(_ p: Double) -> Double? {
        guard total > 0 else { return nil }
        var left = min(max(p, 0), 1) * total
        for (bin, count) in counts.enumerated() where count > 0 {
            if left <= count { return origin + width * (Double(bin) + left / count) }
            left -= count
        }
        return counts.lastIndex { $0 > 0 }.map { origin + width * Double($0 + 1) }
    }

    /// Returns the share of all scores that are lower than `score`; nil if the histogram is empty.
    func share(below score: Double) -> Double? {
        guard total > 0 else { return nil }
        let place = (score - origin) / width
        guard place > 0 else { return 0 }
        guard place < Double(Self.bins) else { return 1 }
        let bin = Int(place)
        return (counts[..<bin].reduce(0, +) + counts[bin] * (place - Double(bin))) / total
    }

    private mutating func widen(towards score: Double) {
        var wide = [Double](repeating: 0, count: Self.bins)
        let shift = score < origin ? Self.bins / 2 : 0
        for (bin, count) in counts.enumerated() { wide[bin / 2 + shift] += count }
        counts = wide
        if shift > 0 { origin -= width * Double(Self.bins) }
        width *= 2
    }
}
