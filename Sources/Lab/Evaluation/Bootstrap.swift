import SystemSupport

/// The lower and upper ends of the 95 % intervals of retrieval metrics, estimated by bootstrap over videos.
package struct MetricIntervals: Sendable, Equatable {
    package let low: RetrievalMetrics
    package let high: RetrievalMetrics
}

package enum Bootstrap {
    /// Returns the 95 % percentile intervals of a ranking's metrics; nil if no query has a rank.
    ///
    /// Videos are drawn with replacement, together with their queries, since captions of one video are not independent.
    /// `cluster` gives the video of each query. The seed determines the result.
    package static func intervals(
        _ ranking: Ranking, cluster: [Int], rounds: Int = 1000, seed: UInt64 = 42
    ) -> MetricIntervals? {
        precondition(cluster.count == ranking.ranks.count && rounds > 0)
        var members: [Int: [Int]] = [:]
        for (query, video) in cluster.enumerated() { members[video, default: []] += ranking.ranks[query] }
        let clusters = members.sorted { $0.key < $1.key }.map(\.value)
        guard clusters.contains(where: { !$0.isEmpty }) else { return nil }
        var random = SeededRandom(seed: seed)
        var drawn: [[Double]] = []
        while drawn.count < rounds {
            var ranks: [Int] = []
            for _ in clusters { ranks += clusters[random.below(clusters.count)] }
            if let metrics = RetrievalMetrics(ranks, ranking.convention) { drawn.append(metrics.named.map(\.value)) }
        }
        guard var low = RetrievalMetrics(ranking) else { return nil }
        var high = low
        let paths: [WritableKeyPath<RetrievalMetrics, Double>] = [
            \.recallAt1, \.recallAt5, \.recallAt10, \.medianRank, \.meanRank,
        ]
        for (index, path) in paths.enumerated() {
            let sorted = drawn.map { $0[index] }.sorted()
            low[keyPath: path] = quantile(sorted, 0.025)
            high[keyPath: path] = quantile(sorted, 0.975)
        }
        return MetricIntervals(low: low, high: high)
    }

    /// Returns the quantile at `share` (0...1) of sorted values, interpolated between the two nearest values.
    private static func quantile(_ sorted: [Double], _ share: Double) -> Double {
        let place = share * Double(sorted.count - 1)
        let below = Int(place)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
    }
}
