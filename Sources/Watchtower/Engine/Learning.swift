import Matching

extension Lane {
    /// Shows a window to what is learnt of a budget, and judges it by what was learnt.
    func learn(_ standing: Standing, _ score: Float, _ alerts: Double, _ span: WindowSpan) -> Judgement {
        var calibration = calibrations[standing.slot] ?? Calibration(budget: alerts)
        calibration.observe(score, at: span.mediaEnd)
        calibrations[standing.slot] = calibration
        changedCalibrations.insert(standing.slot)
        return Judgement(value: score, threshold: calibration.threshold ?? .infinity)
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
        self.init(state: "learning", progress: 0, version: 0, returnDays: nil)
    }
}
