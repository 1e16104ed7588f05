package import Matching

/// A change of a learnt threshold; it must be recorded before the threshold is used.
package struct ThresholdChange: Sendable, Equatable {
    package let query: String
    package let lane: String
    package let change: Recalibration
}

/// The learnt state of a query's threshold on one lane (a stream or region).
package struct LearntCalibration: Sendable {
    package let query: String
    package let lane: String
    package let calibration: Calibration

    package init(query: String, lane: String, calibration: Calibration) {
        (self.query, self.lane, self.calibration) = (query, lane, calibration)
    }
}

/// The number of learnt thresholds by state: being learnt, in use, or no longer fitting.
///
/// There is one for each stream or region and each query whose threshold is learnt.
package struct LearntThresholds: Sendable, Codable, Equatable {
    package var learning = 0
    package var pinned = 0
    /// The number of thresholds in use that no longer fit the scores.
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
    /// Compares a window's score with the learnt threshold, then uses the score to learn.
    ///
    /// `alerts` is the query's number of false alerts a day. Scores of true events must be passed, too; they are
    /// separated from the usual scores.
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

    /// Moves a query's learnt threshold to the value that fits the scores now, and returns the change.
    ///
    /// Returns nil if there is no threshold yet, or if the scores seen so far allow no fit and no drift was found.
    func recalibrate(_ standing: RegisteredQuery) -> ThresholdChange? {
        guard let change = calibrations[standing.slot]?.recalibrate(at: clock) else { return nil }
        changedCalibrations.insert(standing.slot)
        return ThresholdChange(query: standing.query.id, lane: name, change: change)
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
