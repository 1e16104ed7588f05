import Matching

/// Calibrations whose lane or query is not present: from before this process, or of a removed stream.
struct CalibrationCache {
    private var learnt: [String: [String: Calibration]] = [:]
    /// Calibrations of removed lanes that were not saved yet.
    private var unsaved: [LearntCalibration] = []

    /// Adds a calibration that was saved before this process.
    mutating func put(_ calibration: Calibration, query: String, lane: String) {
        learnt[lane, default: [:]][query] = calibration
    }

    /// Whether a threshold is pinned for a query, on a lane or on any.
    func isPinned(_ query: String, on lane: String? = nil) -> Bool {
        if let lane { return learnt[lane]?[query]?.pin != nil }
        return learnt.values.contains { $0[query]?.pin != nil }
    }

    /// Keeps the calibrations of a lane that is removed.
    mutating func keep(_ lane: Lane, _ book: QueryBook) {
        unsaved += lane.takeChanges(book)
        for (slot, calibration) in lane.calibrations {
            if let standing = book[slot] { put(calibration, query: standing.query.id, lane: lane.name) }
        }
    }

    /// Returns a kept calibration to a lane and query, if the budget is still the same.
    mutating func give(_ standing: RegisteredQuery, to lane: Lane) {
        guard case .budget(let alerts) = standing.query.rule,
            let calibration = learnt[lane.name]?.removeValue(forKey: standing.query.id),
            calibration.falseAlertsPerDay == alerts
        else { return }
        lane.calibrations[standing.slot] = calibration
    }

    mutating func forget(lane: String) {
        learnt[lane] = nil
        unsaved.removeAll { $0.lane == lane }
    }

    mutating func forget(query: String) {
        for lane in learnt.keys { learnt[lane]?[query] = nil }
        unsaved.removeAll { $0.query == query }
    }

    /// Returns the calibrations of removed lanes that must be saved, once.
    mutating func takeUnsaved() -> [LearntCalibration] {
        defer { unsaved = [] }
        return unsaved
    }
}

extension Lane {
    /// The calibrations of the lane's queries that changed since the last call.
    func takeChanges(_ book: QueryBook) -> [LearntCalibration] {
        defer { changedCalibrations = [] }
        return changedCalibrations.compactMap { slot in
            guard let standing = book[slot], let calibration = calibrations[slot] else { return nil }
            return LearntCalibration(query: standing.query.id, lane: name, calibration: calibration)
        }
    }
}
