import Matching

/// What was learnt of lanes and queries that are not both here now: before this process, or before a stream went.
struct CalibrationCache {
    private var learnt: [String: [String: Calibration]] = [:]
    /// Saved calibrations that no lane has asked for yet.
    private var unsaved: [LearntCalibration] = []

    /// Puts back what was learnt before this process.
    mutating func put(_ calibration: Calibration, query: String, lane: String) {
        learnt[lane, default: [:]][query] = calibration
    }

    /// Whether a threshold is pinned for a query, on a lane or on any.
    func isPinned(_ query: String, on lane: String? = nil) -> Bool {
        if let lane { return learnt[lane]?[query]?.pin != nil }
        return learnt.values.contains { $0[query]?.pin != nil }
    }

    /// Keeps what was learnt of a lane that goes.
    mutating func keep(_ lane: Lane, _ book: QueryBook) {
        unsaved += lane.takeChanges(book)
        for (slot, calibration) in lane.calibrations {
            if let standing = book[slot] { put(calibration, query: standing.query.id, lane: lane.name) }
        }
    }

    /// Gives a lane what was learnt for a query on it, if the budget is still the same.
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

    /// Calibrations of removed lanes, to be saved once.
    mutating func takeUnsaved() -> [LearntCalibration] {
        defer { unsaved = [] }
        return unsaved
    }
}

extension Lane {
    /// Calibrations of the lane that changed since the last call.
    func takeChanges(_ book: QueryBook) -> [LearntCalibration] {
        defer { changedCalibrations = [] }
        return changedCalibrations.compactMap { slot in
            guard let standing = book[slot], let calibration = calibrations[slot] else { return nil }
            return LearntCalibration(query: standing.query.id, lane: name, calibration: calibration)
        }
    }
}
