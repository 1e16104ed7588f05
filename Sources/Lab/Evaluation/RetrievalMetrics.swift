/// Retrieval metrics: recalls in percent, and ranks counted from 1.
package struct RetrievalMetrics: Sendable, Equatable, Codable {
    package var recallAt1: Double
    package var recallAt5: Double
    package var recallAt10: Double
    package var medianRank: Double
    package var meanRank: Double

    private enum CodingKeys: String, CodingKey {
        case recallAt1 = "R1"
        case recallAt5 = "R5"
        case recallAt10 = "R10"
        case medianRank = "MdR"
        case meanRank = "MnR"
    }

    /// All metrics with the names that reports use: R1, R5, R10, MdR, MnR.
    package var named: [(name: String, value: Double)] {
        [("R1", recallAt1), ("R5", recallAt5), ("R10", recallAt10), ("MdR", medianRank), ("MnR", meanRank)]
    }

    /// Computes the metrics of a ranking; nil if no query of the ranking has a rank.
    package init?(_ ranking: Ranking) { self.init(ranking.ranks.joined(), ranking.convention) }

    /// Computes the metrics of ranks that count from 0; nil if there are none.
    ///
    /// With `.sentences`, it rounds like CLIP4Clip: recalls in single precision, and the lower of two middle ranks as
    /// median.
    init?(_ ranks: some Sequence<Int>, _ convention: Ranking.Convention) {
        let sorted = ranks.sorted()
        guard !sorted.isEmpty else { return nil }
        let count = sorted.count
        func recall(_ k: Int) -> Double {
            let hits = sorted.prefix { $0 < k }.count
            return switch convention {
            case .plain: Double(hits) * 100 / Double(count)
            case .sentences: Double(Float(hits * 100) / Float(count))
            }
        }
        (recallAt1, recallAt5, recallAt10) = (recall(1), recall(5), recall(10))
        let lower = Double(sorted[(count - 1) / 2])
        medianRank = (convention == .sentences ? lower : (lower + Double(sorted[count / 2])) / 2) + 1
        let sum = sorted.reduce(0, +)
        meanRank =
            convention == .sentences ? Double(sum + count) / Double(count) : Double(sum) / Double(count) + 1
    }
}
