/// The settings for learning a threshold that gives a set number of false alerts per day.
package struct CalibrationSettings: Sendable, Codable, Equatable {
    /// The way in which a learnt threshold is changed when it no longer fits the scores.
    package enum Policy: String, Sendable, Codable {
        /// The threshold changes only by the control request `recalibrate`.
        case manual
        /// The threshold changes by itself: when the time watched has doubled, up to a day, then at most once a day.
        case automatic
    }

    /// The seconds that must be watched before a learnt threshold is used.
    package var warmUp = 3600.0
    /// The number of clusters (runs of high scores) that must be seen before a threshold is used.
    ///
    /// After twice the time `warmUp`, fewer are enough (`CalibrationPin.Basis.record`).
    package var warmUpClusters = 40
    /// The seconds at the start that only measure usual scores; clusters (runs of high scores) are counted afterwards.
    package var levelling = 300.0
    /// The share of windows (0 to 1) whose score is too low to belong to a cluster (a run of high scores).
    package var levelQuantile = 0.8
    /// The seconds of low scores that separate two clusters (runs of high scores).
    package var gap = 1.0
    /// The longest time between two windows, in seconds, that counts as watched; longer ones are outages.
    package var longestStep = 10.0
    /// The seconds between two checks whether a learnt threshold still fits.
    package var review = 3600.0
    /// The seconds for which high scores are collected before a new collection begins; they are forgotten after twice
    /// as long.
    package var generation = 172_800.0
    /// The seconds over which the recent mean of scores is taken.
    package var meanHorizon = 3600.0
    /// The greatest change of the recent mean score, in standard deviations, for which the threshold still fits.
    package var shift = 0.75
    /// The ratio of expected to allowed false alerts from which on the threshold no longer fits.
    package var misfit = 2.0
    /// The ratio of expected to allowed false alerts from which on the threshold is moved automatically.
    package var refinement = 1.25
    /// The probability below which the highest scores at the start count as true events, not as chance.
    package var contamination = 1e-3
    package var policy = Policy.automatic

    package init() {}
}
