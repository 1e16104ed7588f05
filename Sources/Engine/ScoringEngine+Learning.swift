package import Matching

/// Learnt thresholds and cooldowns that outlive the process.
extension ScoringEngine {
    /// Restores a saved calibration; it is used when its lane and its query are present.
    package func restore(_ calibration: Calibration, query: String, lane: String) {
        shelf.put(calibration, query: query, lane: lane)
    }

    /// Adopts a calibration that was learnt from the history, for a query on a lane.
    ///
    /// Returns the change, to be recorded; nil if a threshold is pinned there already, or the query has changed since.
    package func learn(_ learnt: LearntCalibration, of query: StandingQuery) -> ThresholdChange? {
        guard let standing = book[learnt.query], standing.query.isLearntLike(query), let pin = learnt.calibration.pin
        else { return nil }
        if let lane = lanes[learnt.lane] {
            guard lane.calibrations[standing.slot]?.pin == nil else { return nil }
            lane.calibrations[standing.slot] = learnt.calibration
            lane.changedCalibrations.insert(standing.slot)
        } else if !shelf.isPinned(learnt.query, on: learnt.lane) {
            shelf.put(learnt.calibration, query: learnt.query, lane: learnt.lane)
        } else {
            return nil
        }
        let change = Recalibration(
            version: pin.version, at: pin.at, why: "learnt from the history", old: nil, new: pin.threshold)
        return ThresholdChange(query: learnt.query, lane: learnt.lane, change: change)
    }

    /// Whether a query has a budget, and no threshold is pinned for it on any lane.
    package func isUnlearnt(_ query: StandingQuery) -> Bool {
        guard let standing = book[query.id], standing.query.isLearntLike(query), query.rule.fixedThreshold == nil else {
            return false
        }
        return !shelf.isPinned(query.id) && !lanes.values.contains { $0.calibrations[standing.slot]?.pin != nil }
    }

    /// The pinned thresholds of queries, by lane and query.
    package func pins(of ids: [String]) -> [String: [String: Float]] {
        var pins: [String: [String: Float]] = [:]
        for id in ids {
            guard let slot = book[id]?.slot else { continue }
            for lane in lanes.values { pins[lane.name, default: [:]][id] = lane.calibrations[slot]?.threshold }
        }
        return pins
    }

    /// Forgets everything learnt of a lane that was removed for good.
    package func forgetLearnt(lane: String) {
        shelf.forget(lane: lane)
        lastEnds[lane] = nil
    }

    /// Restores the ends of events before this process, so that their cooldowns continue; queries are added before.
    ///
    /// A group's cooldown is the longest of its members'.
    package func restore(_ ended: [EndedEvent]) {
        guard !ended.isEmpty else { return }
        var cooldowns: [String: Double] = [:]
        for query in book.all {
            guard let group = query.settings.group else { continue }
            cooldowns[group] = max(cooldowns[group] ?? 0, query.settings.policy.cooldown)
        }
        for event in ended {
            if let group = event.group, let cooldown = cooldowns[group], cooldown > 0 {
                lastEnds[event.lane, default: LastEnds()].note(group: group, event.end, cooldown: cooldown)
            } else if event.group == nil, book[event.query]?.policy.cooldown ?? 0 > 0 {
                lastEnds[event.lane, default: LastEnds()].note(query: event.query, event.end)
            }
        }
    }

    /// The number of calibrations of all queries on all lanes, by state.
    package var learntThresholds: LearntThresholds {
        var counts = LearntThresholds()
        for calibration in lanes.values.flatMap(\.calibrations.values) { counts.count(calibration) }
        return counts
    }

    /// The calibrations that changed since the last call.
    package func changedCalibrations() -> [LearntCalibration] {
        shelf.takeUnsaved() + lanes.values.flatMap { $0.takeChanges(book) }
    }

    /// Moves a query's learnt thresholds, on all lanes or one, to the values that the background gives now.
    ///
    /// Returns nil if there is no such query.
    package func recalibrate(_ id: String, lane: String? = nil) -> [ThresholdChange]? {
        guard let standing = book[id] else { return nil }
        return lanes.values.filter { lane == nil || $0.name == lane }.sorted { $0.name < $1.name }
            .compactMap { $0.recalibrate(standing) }
    }
}
