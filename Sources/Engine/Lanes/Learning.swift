package import Matching

/// A learnt threshold that was pinned or moved: to be recorded.
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

/// How many learnt thresholds there are, one for each query and lane.
package struct LearntThresholds: Sendable, Codable, Equatable {
    package var learning = 0
    package var pinned = 0
    /// Pinned, and known not to fit any more.
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
    /// Shows a window to what is learnt for a budget, and judges it by what was learnt before.
    ///
    /// The scores of true events are in it too: the calibration tells them from the background.
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

    /// Moves a learnt threshold to what the background asks for by now; nil if there is nothing to move.
    func recalibrate(_ standing: RegisteredQuery) -> ThresholdChange? {
        guard let change = calibrations[standing.slot]?.recalibrate(at: clock) else { return nil }
        changedCalibrations.insert(standing.slot)
        return ThresholdChange(query: standing.query.id, lane: name, change: change)
    }
}

extension StandingQuery {
    /// Whether what is learnt of this query's scores holds for another.
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
