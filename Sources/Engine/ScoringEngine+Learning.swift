import CLIP
package import Matching

/// Learnt thresholds and cooldowns that outlive the process.
extension ScoringEngine {
    /// Restores the saved state of a learnt threshold; it is used once its query and its lane (stream or region) exist.
    package func restore(_ calibration: Calibration, query: String, lane: String) {
        calibrationCache.put(calibration, query: query, lane: lane)
        if let query = book[query]?.query { calibrationCache.discardUnfit(query, model: model.historyIdentity) }
    }

    /// Returns which restored thresholds (query and lane) were discarded since the last call, as they do not fit now.
    package func takeDiscarded() -> [String] {
        defer { calibrationCache.discarded = [] }
        return calibrationCache.discarded
    }

    /// Uses a threshold that was learnt from the history, for a query on a lane (a stream or region).
    ///
    /// Returns the change, to be recorded. Returns nil if this query already has a learnt threshold on this lane, or
    /// has changed.
    package func learn(_ learnt: LearntCalibration, of query: StandingQuery) -> ThresholdChange? {
        guard let standing = book[learnt.query], standing.query.isLearntLike(query), let pin = learnt.calibration.pin
        else { return nil }
        if let lane = lanes[learnt.lane] {
            guard lane.calibrations[standing.slot]?.pin == nil else { return nil }
            lane.calibrations[standing.slot] = learnt.calibration
            lane.changedCalibrations.insert(standing.slot)
        } else if !calibrationCache.isPinned(learnt.query, on: learnt.lane) {
            calibrationCache.put(learnt.calibration, query: learnt.query, lane: learnt.lane)
        } else {
            return nil
        }
        let change = Recalibration(
            version: pin.version, at: pin.at, why: "learnt from the history", old: nil, new: pin.threshold)
        return ThresholdChange(query: learnt.query, lane: learnt.lane, change: change)
    }

    /// Returns true if a query's threshold must be learnt, and none is learnt yet on any stream or region.
    package func isUnlearnt(_ query: StandingQuery) -> Bool {
        guard let standing = book[query.id], standing.query.isLearntLike(query), query.rule.fixedThreshold == nil else {
            return false
        }
        return !calibrationCache.isPinned(query.id)
            && !lanes.values.contains { $0.calibrations[standing.slot]?.pin != nil }
    }

    /// Returns the learnt thresholds of queries, first by lane (stream or region), then by query id.
    package func pins(of ids: [String]) -> [String: [String: Float]] {
        var pins: [String: [String: Float]] = [:]
        for id in ids {
            guard let slot = book[id]?.slot else { continue }
            for lane in lanes.values { pins[lane.name, default: [:]][id] = lane.calibrations[slot]?.threshold }
        }
        return pins
    }

    /// Deletes all that was learnt on a lane (a stream or region) that was removed for good.
    package func forgetLearnt(lane: String) {
        calibrationCache.forget(lane: lane)
        lastEnds[lane] = nil
    }

    /// Restores the ends of events of an earlier process, so that cooldowns (pauses after events) continue.
    ///
    /// Queries must be added before. The cooldown of a group of queries is the longest of its members'.
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

    /// The number of learnt thresholds of all queries on all streams and regions, by state.
    package var learntThresholds: LearntThresholds {
        var counts = LearntThresholds()
        for calibration in lanes.values.flatMap(\.calibrations.values) { counts.count(calibration) }
        return counts
    }

    /// Returns the learnt thresholds' states that changed since the last call, to be saved.
    package func changedCalibrations() -> [LearntCalibration] {
        let model = model.historyIdentity
        return calibrationCache.takeUnsaved() + lanes.values.flatMap { $0.takeChanges(book, model: model) }
    }

    /// Moves a query's learnt thresholds to the values that fit the scores now; on all streams and regions if `lane` is
    /// nil.
    ///
    /// Returns the changes; a threshold without a fit is left out. Returns nil if there is no such query.
    package func recalibrate(_ id: String, lane: String? = nil) -> [ThresholdChange]? {
        guard let standing = book[id] else { return nil }
        return lanes.values.filter { lane == nil || $0.name == lane }.sorted { $0.name < $1.name }
            .compactMap { $0.recalibrate(standing) }
    }
}
