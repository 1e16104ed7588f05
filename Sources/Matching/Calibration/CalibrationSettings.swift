/// How a threshold is learnt from a budget.
package struct CalibrationSettings: Sendable, Codable, Equatable {
    /// Who moves a pinned threshold that no longer fits.
    package enum Policy: String, Sendable, Codable {
        /// Only `recalibrate`.
        case manual
        /// By itself, recorded: when the time watched has doubled, up to a day; then at most once a day.
        case automatic
    }

    /// Seconds that must be watched before there is a threshold.
    package var warmUp = 3600.0
    /// Clusters that must have been seen as well; after twice the warm-up, it does with fewer
    /// (`CalibrationPin.Basis.record`).
    package var warmUpClusters = 40
    /// Seconds at the start that only tell what is an ordinary score: clusters are counted from then on.
    package var levelling = 300.0
    /// The share of windows that are too ordinary to belong to a cluster.
    package var levelQuantile = 0.8
    /// Seconds below the level that part two clusters.
    package var gap = 1.0
    /// Longest time between two windows that counts as watched: what is longer is an outage.
    package var longestStep = 10.0
    /// Seconds between reviews of a pinned threshold.
    package var review = 3600.0
    /// Seconds after which what was learnt is put aside, and twice after which it is forgotten.
    package var generation = 172_800.0
    /// Seconds over which the local mean is taken.
    package var meanHorizon = 3600.0
    /// How many of the null's standard deviations the local mean may move.
    package var shift = 0.75
    /// Expected false alerts over the budget's, at which the threshold no longer fits.
    package var misfit = 2.0
    /// The same at which an automatic recalibration is worth it.
    package var refinement = 1.25
    /// How improbable the highest peaks of the warm-up must be, if the others are the null, to be taken for true
    /// events.
    package var contamination = 1e-3
    package var policy = Policy.automatic

    package init() {}
}
