import CKernels

/// A histogram of windows by score, which stores only the bins from the lowest to the highest that is not empty.
struct ScoreCounts: Sendable {
    private var first = 0
    private var counts: [UInt32] = []

    /// Makes a histogram from the counts of all bins, and stores only the used part.
    init(_ bins: ArraySlice<UInt32>) {
        guard let low = bins.firstIndex(where: { $0 > 0 }), let high = bins.lastIndex(where: { $0 > 0 }) else { return }
        first = low - bins.startIndex
        counts = Array(bins[low...high])
    }

    /// The number of all windows of frames in the histogram.
    var total: Int { counts.reduce(0) { $0 + Int($1) } }

    mutating func add(_ other: ScoreCounts) {
        guard !other.counts.isEmpty else { return }
        guard !counts.isEmpty else { return self = other }
        let low = min(first, other.first)
        let high = max(first + counts.count, other.first + other.counts.count)
        var sum = [UInt32](repeating: 0, count: high - low)
        for part in [self, other] {
            for (place, count) in part.counts.enumerated() { sum[part.first - low + place] &+= count }
        }
        (first, counts) = (low, sum)
    }

    /// Returns the number of windows in the bins below the bin of this score.
    func below(_ score: Float) -> Int {
        let bin = ww_history_bin(score)
        return counts.prefix(max(0, bin - first)).reduce(0) { $0 + Int($1) }
    }

    /// The median score, exact to the width of a bin; -1 if the histogram is empty.
    var median: Float {
        let half = total / 2
        var below = 0
        for (place, count) in counts.enumerated() {
            below += Int(count)
            if below > half { return (Float(first + place) + 0.5) / Float(WW_HISTORY_BINS / 2) - 1 }
        }
        return -1
    }
}
