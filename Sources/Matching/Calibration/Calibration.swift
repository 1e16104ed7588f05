/// Learns the threshold of one query on one lane (a stream or region) so that it gives a set number of false alerts a
/// day.
///
/// The method is streaming peaks over threshold (SPOT and DSPOT: Siffer et al., "Anomaly Detection in Streams with
/// Extreme Value Theory", KDD 2017), with these differences:
/// - Overlapping windows with high scores count as one cluster, because the budget counts alerts, not windows.
/// - The tail is a posterior distribution, not one estimate (`TailFit`).
/// - Once learnt, the threshold is pinned: it changes only by a recorded recalibration.
/// - True events are kept out of the null distribution (the scores that occur by chance). Scores that reach the
///   threshold are left out, which the fit accounts for. The first hour's highest peaks are left out if they do not
///   continue the tail.
/// - If most scores reach the threshold for two reviews, the scene is taken to be another one: then all scores are
///   learnt anew beside what was learnt, until they fall below the threshold again or the threshold is moved.
///
/// It takes a few KB of memory. Adding a window takes O(1); a fit, made once an hour, takes milliseconds.
package struct Calibration: Sendable, Codable, Equatable {
    package enum State: Sendable, Equatable {
        /// There is no threshold yet; `progress` is the completed share (below 1) of the time and scores needed to
        /// learn it.
        case learning(progress: Double)
        case pinned
        /// The threshold no longer fits the scores; `suggested` would fit now, and `why` is the reason.
        case drifted(suggested: Float, why: String)
    }

    package let falseAlertsPerDay: Double
    package let settings: CalibrationSettings
    package private(set) var pin: CalibrationPin?
    /// The last changes of the threshold, oldest first, at most `historyLimit`.
    package private(set) var history: [Recalibration] = []
    /// The number of scores that were ignored because they were NaN or infinite.
    package private(set) var ignored = 0
    /// The number of seconds in which windows were scored.
    package private(set) var seconds = 0.0
    /// The number of alerts, true and false ones, since the threshold was last set.
    ///
    /// An alert is a cluster of high scores whose peak reached the threshold.
    package private(set) var alerts = 0
    /// The digest of the query and the model whose scores were seen (`StandingQuery.scoresDigest`).
    ///
    /// Nil before the first save, and if an older version saved it.
    package var learntFrom: String?

    package static let historyLimit = 8

    private var scores = Spread()
    private var local: Double?
    private var older: NullPeaks?
    private var newer: NullPeaks?
    private var lastTime: Double?
    private var drift: Drift?
    private var shifted = 0
    private var nextReview = 0.0
    private var nextAutomatic = 0.0
    // Optional, because states that older versions saved lack them.
    /// The share of the recent time (`meanHorizon`) in which scores reached the threshold; `level` is the mean of all
    /// scores in it.
    private var above: Double?
    private var level: Double?
    /// The number of reviews in a row that found that most scores reach the threshold.
    private var crowded: Int?
    /// The calibration that learns anew from all scores, while most reach the threshold; at most one.
    ///
    /// It is in an array, since a structure cannot contain another of its own type.
    private var anew: [Calibration]?
    /// True if this value is the element of `anew`, which has none of its own.
    private var isAnew: Bool?

    private struct Drift: Sendable, Codable, Equatable {
        let suggested: Float
        let why: String
    }

    package init(falseAlertsPerDay: Double, settings: CalibrationSettings = CalibrationSettings()) {
        precondition(falseAlertsPerDay > 0 && falseAlertsPerDay.isFinite)
        self.falseAlertsPerDay = falseAlertsPerDay
        self.settings = settings
    }

    /// The threshold that a score must reach for an alert; nil while it is being learnt.
    package private(set) var threshold: Float?

    package var state: State {
        guard pin != nil else {
            let time = seconds / settings.warmUp
            let seen = Double(clusters) / Double(settings.warmUpClusters)
            return .learning(progress: min(time, max(seen, time / 2), 0.999))
        }
        return drift.map { .drifted(suggested: $0.suggested, why: $0.why) } ?? .pinned
    }

    /// Adds the score of the next window, whose last frame was at `time`, in seconds of a clock that never goes back.
    ///
    /// Returns a change if a threshold was set or moved; the caller must record the change before using the threshold.
    package mutating func observe(_ score: Float, at time: Double) -> Recalibration? {
        guard score.isFinite, time.isFinite else {
            ignored += 1
            return nil
        }
        let step = lastTime.map { min(max(time - $0, 0), settings.longestStep) } ?? 0
        lastTime = time
        seconds += step
        let isAlert = threshold.map { score >= $0 } ?? false
        let part = min(1, step / settings.meanHorizon)
        if !isAlert {
            scores.add(Double(score))
            local = local.map { $0 + (Double(score) - $0) * part } ?? Double(score)
        }
        if threshold != nil {
            let share = above ?? 0
            above = share + ((isAlert ? 1 : 0) - share) * part
            level = level.map { $0 + (Double(score) - $0) * part } ?? Double(score)
        }
        learnAnew(score, at: time)
        follow(score, at: time, after: step)
        guard threshold != nil else { return pinIfLearnt(at: time) }
        guard seconds >= nextReview else { return nil }
        nextReview = seconds + settings.review
        review()
        guard settings.policy == .automatic, seconds >= nextAutomatic else { return nil }
        return refine(at: time)
    }

    /// Moves the threshold to the value that fits the scores seen until now, and returns the change.
    ///
    /// The change records `time` and `why`. Returns nil if there is no threshold yet, or if the peaks seen so far allow
    /// no fit and no drift was found.
    package mutating func recalibrate(at time: Double, why: String = "asked for") -> Recalibration? {
        guard let pin else { return nil }
        if let new = anew?.first { return take(new, at: time, why: why) }
        if let fit = fit(below: pin.threshold) {
            return set(Float(fit.score(perDay: falseAlertsPerDay)), fit, .tail, at: time, why: why)
        }
        guard let drift else { return nil }
        return set(drift.suggested, nil, .record, at: time, why: why)
    }

    /// Returns how far a score is above the scores that occur by chance; nil before any score.
    package func margin(of score: Float) -> CalibrationMargin? {
        guard score.isFinite, let rank = scores.histogram.share(below: Double(score)) else { return nil }
        let deviation = max(scores.deviation, Spread.least)
        return CalibrationMargin(
            deviations: (Double(score) - scores.mean) / deviation, rank: rank,
            days: pin?.perDay(above: Double(score)).map { 1 / $0 })
    }

    /// Returns the score below which the share `p` (0 to 1) of the windows without events lies; nil before any score.
    package func quantile(_ p: Double) -> Float? { scores.histogram.quantile(p).map { Float($0) } }

    private var clusters: Int { (older?.clusters ?? 0) + (newer?.clusters ?? 0) }

    // MARK: The null

    private mutating func follow(_ score: Float, at time: Double, after step: Double) {
        guard var peaks = newer else {
            // A period's peaks are collected only after the level of usual scores is known.
            if seconds >= settings.levelling, scores.histogram.total >= 32 {
                newer = quantile(settings.levelQuantile).map { NullPeaks(level: $0) }
            }
            return
        }
        if let peak = peaks.observe(score, at: time, after: step, gap: settings.gap) {
            if let threshold, peak >= threshold { alerts += 1 } else { peaks.keep(peak) }
        }
        newer = peaks
        if peaks.seconds >= settings.generation {
            scores.halve()
            older = peaks
            newer = quantile(settings.levelQuantile).map { NullPeaks(level: $0) }
        }
    }

    /// The highest score peaks of the newer and the older period, in descending order, and the seconds of both periods.
    ///
    /// It has only peaks above the score down to which both periods have kept all peaks (`NullPeaks.floor`).
    private var peaks: (sorted: [Float], seconds: Double) {
        let both = [older, newer].compactMap { $0 }
        let floor = both.flatMap { [$0.level, $0.floor ?? $0.level] }.max() ?? 0
        let sorted = both.flatMap(\.peaks).filter { $0 > floor }.sorted(by: >)
        return (sorted, both.reduce(0) { $0 + $1.seconds })
    }

    private func fit(below cut: Float?) -> TailFit? {
        let (sorted, seconds) = peaks
        guard seconds >= settings.warmUp - settings.levelling - settings.longestStep else { return nil }
        return TailFit(peaks: sorted, seconds: seconds, k: Self.tail(clusters), below: cut)
    }

    /// Returns how many of the highest score peaks the tail is fitted to, given the number of all peaks.
    private static func tail(_ clusters: Int) -> Int {
        min(max(Int(3 * Double(clusters).squareRoot()), 32), NullPeaks.capacity - 1)
    }

    // MARK: Pinning

    private mutating func pinIfLearnt(at time: Double) -> Recalibration? {
        guard seconds >= settings.warmUp, clusters >= settings.warmUpClusters || seconds >= 2 * settings.warmUp else {
            return nil
        }
        guard clusters >= settings.warmUpClusters, let fit = fit(below: contamination()) else {
            guard seconds >= 2 * settings.warmUp else { return nil }
            let width = max(scores.deviation, Spread.least)
            let cycles = 86_400 / seconds / falseAlertsPerDay
            let threshold = scores.highest + width * max(Math.log(cycles), 1)
            return set(Float(threshold), nil, .record, at: time, why: "the warm-up is over; it had few clusters")
        }
        let threshold = Float(fit.score(perDay: falseAlertsPerDay))
        return set(threshold, fit, .tail, at: time, why: "the warm-up is over")
    }

    /// Returns the lowest score peak so far that counts as a true event, as all higher peaks then do; nil if none does.
    ///
    /// Such peaks do not continue the tail of the lower ones. The search tries cuts at the widest gaps among the
    /// highest peaks, and takes the cut whose higher peaks are the least probable by chance.
    private func contamination() -> Float? {
        let (sorted, seconds) = peaks
        let most = min(24, sorted.count / 4)
        guard most > 0 else { return nil }
        let gaps = (1...most).map { count in (count: count, width: sorted[count - 1] - sorted[count]) }
        var found: (chance: Double, peak: Float)?
        for (count, _) in gaps.sorted(by: { $0.width > $1.width }).prefix(4) {
            let peak = sorted[count - 1]
            guard let fit = TailFit(peaks: sorted, seconds: seconds, k: Self.tail(clusters), below: peak) else {
                continue
            }
            let expected = fit.perDay(above: Double(peak)) * seconds / 86_400
            let chance = Math.chance(atLeast: count, expected: expected)
            if chance < settings.contamination, chance < found?.chance ?? 1 { found = (chance, peak) }
        }
        return found?.peak
    }

    private mutating func set(
        _ threshold: Float, _ fit: TailFit?, _ basis: CalibrationPin.Basis, deviation: Double? = nil, at time: Double,
        why: String
    ) -> Recalibration {
        let curve = fit.map { fit in
            (0..<CalibrationPin.curveSteps).map { fit.score(perDay: CalibrationPin.rate(Double($0))) }
        }
        let change = Recalibration(
            version: (pin?.version ?? 0) + 1, at: time, why: why, old: pin?.threshold, new: threshold)
        pin = CalibrationPin(
            threshold: threshold, version: change.version, at: time, basis: basis, mean: local ?? scores.mean,
            deviation: max(deviation ?? scores.deviation, Spread.least), curve: curve ?? [])
        history = history.suffix(Self.historyLimit - 1) + [change]
        self.threshold = threshold
        drift = nil
        (above, level, crowded, anew) = (nil, nil, nil, nil)
        shifted = 0
        alerts = 0
        nextReview = seconds + settings.review
        nextAutomatic = timeOfNextRefinement
        return change
    }

    /// The value of `seconds` from which the policy `automatic` may move the threshold again.
    ///
    /// An hour says little about what occurs once a day, so a young threshold is checked again when the time watched
    /// has doubled, and later once a day. The factor is slightly below 1, because the checks come with the hourly
    /// reviews: the review that falls on the doubled time must not miss it by a fraction of a window.
    private var timeOfNextRefinement: Double { seconds + min(seconds, 86_400) * 0.999 }

    // MARK: Drift

    /// Checks whether the threshold still fits the scores, and sets or clears `drift`.
    private mutating func review() {
        guard let pin else { return }
        if reviewCrowd(pin) { return }
        if let local, abs(local - pin.mean) > settings.shift * pin.deviation {
            shifted += 1
            if shifted == 2 {  // not a busy hour that passes: what was learnt belongs to another scene
                older = nil
                newer = nil
                scores = Spread()
            }
            if shifted >= 2, fit(below: pin.threshold) == nil {
                let suggested = pin.threshold + Float(local - pin.mean)
                drift = Drift(suggested: suggested, why: "the mean score has moved from \(pin.mean) to \(local)")
                return
            }
        } else {
            shifted = 0
        }
        guard let fit = fit(below: pin.threshold) else { return }
        let expected = fit.perDay(above: Double(pin.threshold))
        let excess = expected / falseAlertsPerDay
        guard excess > settings.misfit || excess < 1 / settings.misfit else {
            drift = nil
            return
        }
        drift = Drift(
            suggested: Float(fit.score(perDay: falseAlertsPerDay)),
            why: "\(expected) false alerts a day are expected by now, where \(falseAlertsPerDay) are allowed")
    }

    private mutating func refine(at time: Double) -> Recalibration? {
        if let new = anew?.first {
            return new.pin == nil ? nil : take(new, at: time, why: "most scores have reached the threshold")
        }
        guard (crowded ?? 0) == 0, let pin, let fit = fit(below: pin.threshold) else { return nil }
        let excess = fit.perDay(above: Double(pin.threshold)) / falseAlertsPerDay
        guard excess > settings.refinement || excess < 1 / settings.refinement else {
            nextAutomatic = timeOfNextRefinement
            return nil
        }
        let why = "more is known: \(excess) times the budget was expected"
        return set(Float(fit.score(perDay: falseAlertsPerDay)), fit, .tail, at: time, why: why)
    }

    // MARK: A scene above the threshold

    /// The share of time above the threshold from which on the scene is another one, far more than the budget's.
    ///
    /// A false alert counts for ten seconds, which only matters for the largest budgets.
    private var crowdedShare: Double { max(0.5, min(0.9, falseAlertsPerDay * 10 / 86_400)) }

    /// Returns true while most scores reach the threshold; at the second review, sets `drift` and begins to learn anew.
    ///
    /// Such scores are no part of the null, so that nothing else would show that the threshold no longer fits: the few
    /// scores below it would even seem to allow a lower one.
    private mutating func reviewCrowd(_ pin: CalibrationPin) -> Bool {
        guard let above, let level else { return false }
        crowded = above > crowdedShare ? (crowded ?? 0) + 1 : 0
        if above < crowdedShare / 2, anew != nil { (anew, drift) = (nil, nil) }  // it was a long event
        guard isAnew != true, anew != nil || (crowded ?? 0) >= 2 else { return (crowded ?? 0) > 0 }
        let known = anew?.first
        // The scene may have risen above what was learnt anew, too.
        if known == nil || (known?.crowded ?? 0) >= 2 {
            var new = Calibration(falseAlertsPerDay: falseAlertsPerDay, settings: settings)
            new.isAnew = true
            anew = [new]
        }
        let percent = Int((min(max(above, 0), 1) * 100).rounded())
        drift = Drift(
            suggested: anew?.first?.threshold ?? pin.threshold + Float(level - pin.mean),
            why: "\(percent) % of the scores reach the threshold")
        return true
    }

    /// Adds a score to what is learnt anew, if anything is.
    private mutating func learnAnew(_ score: Float, at time: Double) {
        guard anew?.isEmpty == false else { return }
        _ = anew?[0].observe(score, at: time)
    }

    /// Replaces what was learnt by what was learnt anew, and moves the threshold to the value that fits it.
    ///
    /// Before enough was seen for a fit, the threshold becomes the suggested one. Returns nil if there is none.
    private mutating func take(_ new: Calibration, at time: Double, why: String) -> Recalibration? {
        guard let suggested = new.threshold ?? drift?.suggested else { return nil }
        let deviation = new.pin == nil ? scores.deviation : nil
        (scores, local, older, newer) = (new.scores, new.local ?? level, new.older, new.newer)
        guard let cut = new.threshold, let fit = fit(below: cut) else {
            return set(suggested, nil, .record, deviation: deviation, at: time, why: why)
        }
        return set(Float(fit.score(perDay: falseAlertsPerDay)), fit, .tail, at: time, why: why)
    }
}
