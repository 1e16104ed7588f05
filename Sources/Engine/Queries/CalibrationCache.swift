import Matching

/// The learnt thresholds' states whose lane or query is absent: saved before a restart, or of a removed stream.
struct CalibrationCache {
    private var learnt: [String: [String: Calibration]] = [:]
    /// Calibrations of removed lanes that must still be saved.
    private var unsaved: [LearntCalibration] = []

    /// Adds a calibration that was saved by an earlier process.
    mutating func put(_ calibration: Calibration, query: String, lane: String) {
        learnt[lane, default: [:]][query] = calibration
    }

    /// Returns true if a query has a learnt threshold here, on the given lane or, if nil, on any.
    func isPinned(_ query: String, on lane: String? = nil) -> Bool {
        if let lane { return learnt[lane]?[query]?.pin != nil }
        return learnt.values.contains { $0[query]?.pin != nil }
    }

    /// Stores the calibrations of a lane that is being removed.
    mutating func keep(_ lane: Lane, _ book: QueryBook) {
        unsaved += lane.takeChanges(book)
        for (slot, calibration) in lane.calibrations {
            if let standing = book[slot] { put(calibration, query: standing.query.id, lane: lane.name) }
        }
    }

    /// Moves a stored calibration back to its lane and query, unless the query's budget of false alerts has changed.
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

    /// Returns the calibrations of removed lanes that must be saved, and forgets that they must.
    mutating func takeUnsaved() -> [LearntCalibration] {
        defer { unsaved = [] }
        return unsaved
    }
}

extension Lane {
    /// Returns the calibrations of the lane that changed since the last call.
    func takeChanges(_ book: QueryBook) -> [LearntCalibration] {
        defer { changedCalibrations = [] }
        return changedCalibrations.compactMap { slot in
            guard let standing = book[slot], let calibration = calibrations[slot] else { return nil }
            return LearntCalibration(query: standing.query.id, lane: name, calibration: calibration)
        }
    }
}
