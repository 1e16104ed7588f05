import Matching

/// The states of learnt thresholds whose query, stream or region does not exist now, such as after a restart.
struct CalibrationCache {
    private var learnt: [String: [String: Calibration]] = [:]
    /// States of learnt thresholds of removed streams and regions that must still be saved.
    private var unsaved: [LearntCalibration] = []
    /// The stored states that were discarded, as the query's id and the lane's name; to be logged.
    var discarded: [String] = []

    /// Adds the state of a learnt threshold that an earlier process saved.
    mutating func put(_ calibration: Calibration, query: String, lane: String) {
        learnt[lane, default: [:]][query] = calibration
    }

    /// Discards the stored states of a query's threshold that were learnt with other words, another head, budget or
    /// model.
    ///
    /// A state that an older version saved does not say what it was learnt with; it is kept if the budget is the same.
    mutating func discardUnfit(_ query: StandingQuery, model: @autoclosure () -> String) {
        guard case .budget(let alerts) = query.rule, !learnt.isEmpty else { return }
        let digest = query.scoresDigest(model: model())
        for (lane, states) in learnt {
            guard let state = states[query.id],
                state.falseAlertsPerDay != alerts || state.learntFrom ?? digest != digest
            else { continue }
            learnt[lane]?[query.id] = nil
            discarded.append("\(query.id) on \(lane)")
        }
    }

    /// Returns true if this cache has a learnt threshold of a query, on the given stream or region or, if nil, on any.
    func isPinned(_ query: String, on lane: String? = nil) -> Bool {
        if let lane { return learnt[lane]?[query]?.pin != nil }
        return learnt.values.contains { $0[query]?.pin != nil }
    }

    /// Stores the learnt thresholds' states of a lane (a stream or region) that is being removed.
    mutating func keep(_ lane: Lane, _ book: QueryBook, model: String) {
        unsaved += lane.takeChanges(book, model: model)
        for (slot, calibration) in lane.calibrations {
            if let standing = book[slot] { put(calibration, query: standing.query.id, lane: lane.name) }
        }
    }

    /// Moves the stored state of a learnt threshold back to its lane (stream or region); call `discardUnfit` before.
    mutating func give(_ standing: RegisteredQuery, to lane: Lane) {
        guard case .budget = standing.query.rule,
            let calibration = learnt[lane.name]?.removeValue(forKey: standing.query.id)
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

    /// Returns the states of learnt thresholds that must be saved since their stream was removed; each only once.
    mutating func takeUnsaved() -> [LearntCalibration] {
        defer { unsaved = [] }
        return unsaved
    }
}

extension Lane {
    /// Returns the states of learnt thresholds of this stream or region that changed since the last call.
    func takeChanges(_ book: QueryBook, model: String) -> [LearntCalibration] {
        defer { changedCalibrations = [] }
        return changedCalibrations.compactMap { slot in
            guard let standing = book[slot], var calibration = calibrations[slot] else { return nil }
            calibration.learntFrom = calibration.learntFrom ?? standing.query.scoresDigest(model: model)
            calibrations[slot] = calibration
            return LearntCalibration(query: standing.query.id, lane: name, calibration: calibration)
        }
    }
}
