package import Matching

/// A change of a learnt threshold, to be recorded before it is used.
package struct ThresholdChange: Sendable, Equatable {
    package let query: String
    package let lane: String
    package let change: Recalibration
}

/// The calibration of a query on a lane.
package struct LearntCalibration: Sendable {
    package let query: String
    package let lane: String
    package let calibration: Calibration

    package init(query: String, lane: String, calibration: Calibration) {
        (self.query, self.lane, self.calibration) = (query, lane, calibration)
    }
}

/// The number of learnt thresholds, by state; there is one for each budget query and lane.
package struct LearntThresholds: Sendable, Codable, Equatable {
    package var learning = 0
    package var pinned = 0
    /// The pinned thresholds that no longer fit.
    package var drifted = 0

    mutating func count(_ calibration: Calibration) {
        switch calibration.state {
        case .learning: learning += 1
        case .pinned: pinned += 1
        case .drifted: drifted += 1
        }
    }
}

extension Lane {
    /// Adds a window's score to a budget's calibration, and judges the window by the threshold before that.
    ///
    /// Scores of true events are added, too: the calibration separates them from the background.
    func learn(
        _ standing: RegisteredQuery, _ score: Float, _ alerts: Double, _ settings: CalibrationSettings
    ) -> (judgement: Judgement, change: ThresholdChange?) {
        var calibration =
            calibrations[standing.slot] ?? Calibration(falseAlertsPerDay: alerts, settings: settings)
        let judgement = Judgement(value: score, threshold: calibration.threshold ?? .infinity)
        let change = calibration.observe(score, at: clock)
        calibrations[standing.slot] = calibration
        changedCalibrations.insert(standing.slot)
        return (judgement, change.map { ThresholdChange(query: standing.query.id, lane: name, change: $0) })
    }

    /// Moves a learnt threshold to the value that the background gives now; nil if there is nothing to move.
    func recalibrate(_ standing: RegisteredQuery) -> ThresholdChange? {
        guard let change = calibrations[standing.slot]?.recalibrate(at: clock) else { return nil }
        changedCalibrations.insert(standing.slot)
        return ThresholdChange(query: standing.query.id, lane: name, change: change)
    }
}

extension StandingQuery {
    /// Whether another query has the same scores and budget, so that this one's calibration holds for it.
    func isLearntLike(_ other: StandingQuery) -> Bool {
        text == other.text && phrasings == other.phrasings && images == other.images && head == other.head
            && frames == other.frames && rule == other.rule && settings.prompts == other.settings.prompts
    }
}

extension Explanation.Background {
    init(_ calibration: Calibration, score: Float) {
        let margin = calibration.margin(of: score)
        deviations = margin?.deviations
        returnDays = margin?.days
        version = calibration.pin?.version ?? 0
        alerts = calibration.alerts
        switch calibration.state {
        case .learning(let share): (state, progress, suggested, why) = ("learning", share, nil, nil)
        case .pinned: (state, progress, suggested, why) = ("pinned", 1, nil, nil)
        case .drifted(let score, let reason): (state, progress, suggested, why) = ("drifted", 1, Double(score), reason)
        }
    }
}
