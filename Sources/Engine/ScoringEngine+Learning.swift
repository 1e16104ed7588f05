package import Matching

/// Learnt thresholds and cooldowns, kept from one process to the next.
extension ScoringEngine {
    /// Gives back what was learnt before this process: each is taken up when its lane and its query are there.
    package func restore(_ calibration: Calibration, query: String, lane: String) {
        shelf.put(calibration, query: query, lane: lane)
    }

    /// Takes up what a history tells of a query's background on a lane, unless a threshold is pinned there already, or
    /// the query has become another one.
    ///
    /// Returns the change, to be recorded; nil if it is not taken.
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

    /// The thresholds that are pinned for queries, by lane and query.
    package func pins(of ids: [String]) -> [String: [String: Float]] {
        var pins: [String: [String: Float]] = [:]
        for id in ids {
            guard let slot = book[id]?.slot else { continue }
            for lane in lanes.values { pins[lane.name, default: [:]][id] = lane.calibrations[slot]?.threshold }
        }
        return pins
    }

    /// A lane has gone for good.
    package func forgetLearnt(lane: String) {
        shelf.forget(lane: lane)
        lastEnds[lane] = nil
    }

    /// Gives back when the last events before this process ended, so that their cooldowns go on; queries come before.
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

    /// How far the learning of all queries on all lanes is.
    package var learntThresholds: LearntThresholds {
        var counts = LearntThresholds()
        for calibration in lanes.values.flatMap(\.calibrations.values) { counts.count(calibration) }
        return counts
    }

    /// Calibrations that changed since the last call.
    package func changedCalibrations() -> [LearntCalibration] {
        shelf.takeUnsaved() + lanes.values.flatMap { $0.takeChanges(book) }
    }

    /// Moves a query's learnt thresholds, on all lanes or one, to what the background asks for by now.
    ///
    /// Nil if there is no such query.
    package func recalibrate(_ id: String, lane: String? = nil) -> [ThresholdChange]? {
        guard let standing = book[id] else { return nil }
        return lanes.values.filter { lane == nil || $0.name == lane }.sorted { $0.name < $1.name }
            .compactMap { $0.recalibrate(standing) }
    }
}
