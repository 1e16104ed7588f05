/// The settings by which a threshold is learnt from a budget.
package struct CalibrationSettings: Sendable, Codable, Equatable {
    /// The way in which a pinned threshold is changed when it no longer fits the scores.
    package enum Policy: String, Sendable, Codable {
        /// The threshold changes only by the request `recalibrate`.
        case manual
        /// Automatically and recorded: when the time watched has doubled, up to a day; then at most once a day.
        case automatic
    }

    /// Seconds that must be watched before a threshold is pinned.
    package var warmUp = 3600.0
    /// Clusters that must be seen before a threshold is pinned.
    ///
    /// After twice the warm-up fewer are enough (`CalibrationPin.Basis.record`).
    package var warmUpClusters = 40
    /// Seconds at the start that only measure ordinary scores; clusters are counted afterwards.
    package var levelling = 300.0
    /// The share of windows that score too little to belong to a cluster.
    package var levelQuantile = 0.8
    /// The seconds below the level that separate two clusters.
    package var gap = 1.0
    /// The longest time between two windows that counts as watched, in seconds; a longer one is an outage.
    package var longestStep = 10.0
    /// Seconds between reviews of a pinned threshold.
    package var review = 3600.0
    /// Seconds after which a generation of peaks ends; it is forgotten after twice as many.
    package var generation = 172_800.0
    /// The seconds over which the local mean is taken.
    package var meanHorizon = 3600.0
    /// How far the local mean may move, in standard deviations of the null's windows.
    package var shift = 0.75
    /// The ratio of expected false alerts to the budget from which on the threshold no longer fits.
    package var misfit = 2.0
    /// The ratio of expected false alerts to the budget from which on an automatic recalibration is worth it.
    package var refinement = 1.25
    /// The probability below which the highest peaks of the warm-up count as true events, if the others are the null.
    package var contamination = 1e-3
    package var policy = Policy.automatic

    package init() {}
}
