/// Suggests higher thresholds for a query from its events that people marked as right or wrong.
package struct ThresholdSuggestion: Sendable, Equatable {
    /// An event that a person marked as right or wrong, with its highest score or probability.
    package struct Marked: Sendable, Equatable {
        package let peak: Double
        package let isRight: Bool
        package init(peak: Double, isRight: Bool) { (self.peak, self.isRight) = (peak, isRight) }
    }

    /// The unit to which suggestions are rounded, so that they are easy to read.
    private static let step = 0.001

    /// Returns suggested thresholds above the current one, in ascending order; empty if no event was marked as wrong.
    ///
    /// They are: the least one that prevents all wrong events, the highest one that keeps all right events, and the one
    /// that prevents most wrong events in relation to right ones. Of several that are equally good, the lowest is
    /// taken.
    package static func thresholds(_ events: [Marked], above current: Double?) -> [Double] {
        let wrong = events.filter { !$0.isRight }.map(\.peak), right = events.filter(\.isRight).map(\.peak)
        let floor = current ?? -.infinity
        // Candidates are just above each wrong event.
        let candidates = Set(wrong.map { ((($0 / step).rounded(.down) + 1) * step * 1000).rounded() / 1000 })
            .filter { $0 > floor && $0.isFinite }.sorted()
        guard let all = candidates.last else { return [] }
        func good(_ threshold: Double) -> Int { wrong.count { $0 < threshold } - right.count { $0 < threshold } }
        let best = candidates.max { (good($0), $1) < (good($1), $0) } ?? all
        let safe = candidates.last { threshold in right.allSatisfy { $0 >= threshold } }
        return Set([all, best] + (safe.map { [$0] } ?? [])).sorted()
    }
}
