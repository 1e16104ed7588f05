import CLIP
import Foundation
import Matching
import Pixels
import Tensors

/// The answer to "why does this query have an event, or none?" for one lane (a stream or region), from its newest
/// window.
package struct Explanation: Codable, Sendable, Equatable {
    package struct Media: Codable, Sendable, Equatable {
        package let start: Double
        package let end: Double
    }
    package struct Contrast: Codable, Sendable, Equatable {
        package let text: String
        package let score: Double
        package let probability: Double
    }
    package struct BestFrame: Codable, Sendable, Equatable {
        /// The frame's media time, in seconds.
        package let at: Double
        package let score: Double
    }
    /// The reason why the query has no event now: a code and a message.
    package struct Hold: Codable, Sendable, Equatable {
        package let code: String
        package let message: String
    }

    package let query: String
    package let stream: String
    package let head: String
    /// The query's condition, by its configuration key: "threshold", "against" or "false_alerts_per_day".
    package let rule: String
    /// True if the query, or the group of queries that it belongs to, has an open event on this stream or region.
    package var open = false
    /// The media times, in seconds, of the first and last frame of the window that was examined.
    package var media: Media?
    /// The window's score for the query: a cosine, or a logit if the query's head (scoring model) gives logits.
    package var score: Double?
    /// The query's probability among its contrasting texts, which is compared with the threshold.
    ///
    /// Without such texts it is the sigmoid of the score, if the model was trained with a sigmoid; otherwise nil.
    package var probability: Double?
    /// The query's threshold on this stream or region; nil while it is being learnt.
    package var threshold: Double?
    /// The score's position among the usual scores of this stream or region; nil if the threshold was configured, not
    /// learnt.
    package var overBackground: Background?
    /// The window's rank by score among the last hour's windows, 1 for the highest; `windows` is their number.
    package var rank: Int?
    package var windows: Int?
    package var contrasts: [Contrast] = []
    /// The window's best three frames, each scored alone by its cosine, best first.
    package var frames: [BestFrame] = []
    package var heldBack: Hold?

    /// The state of a learnt threshold, and the score's distance from the usual scores of this stream or region.
    package struct Background: Codable, Sendable, Equatable {
        /// The threshold's state: "learning", "pinned" (in use) or "drifted" (no longer fits); `progress` of learning
        /// is 0 to 1.
        package let state: String
        package let progress: Double
        /// The version of the threshold, which grows with each change; 0 while there is none.
        package let version: Int
        /// The number of alerts, right or wrong, since the threshold was last set.
        package let alerts: Int
        /// The score's distance from the mean of the usual scores of this stream or region, in standard deviations.
        package let deviations: Double?
        /// The mean number of days between two scores that are as high as this one by chance; nil while that is
        /// unknown.
        package let returnDays: Double?
        /// The threshold that would fit the scores now, and `why`, the reason; nil while the threshold in use fits, or
        /// is being learnt.
        package let suggested: Double?
        package let why: String?
    }
}

extension Explanation {
    /// The number that is compared with the threshold: the probability of a query with contrasting texts, or the score.
    package var compared: Double? { rule == "against" ? probability : score }
}

/// Explains why queries have events or none, by scoring the newest window of a lane (a stream or region) again.
struct Explainer {
    let scoring: Scoring
    let rerank: Int
    let width: Int
    let time: Date

    /// Explains why a query has an event or none on a lane (a stream or region); `group` computes its scores.
    func explain(_ standing: RegisteredQuery, _ group: QueryGroup, _ lane: Lane) throws -> Explanation {
        let query = standing.query
        var explanation = Explanation(query: query.id, stream: lane.name, head: query.head, rule: query.rule.key)
        explanation.threshold = query.rule.fixedThreshold.map { Double($0) }
        var batch = WindowBatch(standing.key)
        guard let window = batch.add(lane) else {
            explanation.heldBack =
                hold(standing, lane) ?? .init(code: "no-frames", message: "no frame of it has been seen")
            return explanation
        }
        let span = window.span
        // If the window was decided in float32, it is explained in float32.
        if let exact = HeldPicture.embeddings(of: window.pictures) {
            batch = WindowBatch(window, exact, width: width)
        }
        explanation.media = .init(start: span.mediaStart, end: span.mediaEnd)
        guard span.frames == query.frames else {
            explanation.heldBack =
                hold(standing, lane)
                ?? .init(code: "no-window", message: "its window has \(span.frames) of \(query.frames) frames")
            return explanation
        }
        // A pairing head scores the explained query even if the mean head would not choose it.
        let output = try group.runHead(on: batch, rerank: rerank, also: standing).first
        let here =
            output.flatMap { group.score(standing, $0.clip) } ?? output?.found.first { $0.standing === standing }
        explanation.frames = try bestFrames(standing, group, lane)
        guard let here else {
            explanation.heldBack =
                hold(standing, lane) ?? .init(code: "not-scored", message: "its head did not score it")
            return explanation
        }
        explanation.score = Double(here.score)
        fill(&explanation, standing, here, group, lane)
        explanation.open = isOpen(standing, lane)
        explanation.heldBack = explanation.open ? nil : hold(standing, lane) ?? hold(explanation, standing, group, lane)
        return explanation
    }

    private func fill(
        _ explanation: inout Explanation, _ standing: RegisteredQuery, _ here: Found, _ group: QueryGroup, _ lane: Lane
    ) {
        let scoring = group.scoring(scoring)
        explanation.probability = scoring.probability(here.score).map { Double($0) }
        switch standing.query.rule {
        case .score: break
        case .contrast(let texts, _):
            explanation.probability = Double(standing.value(of: here, scoring: scoring))
            explanation.contrasts = texts.indices.map { place in
                var others = here.contrasts
                others[place] = here.score
                let score = here.contrasts[place]
                return .init(
                    text: texts[place], score: Double(score),
                    probability: Double(
                        ThresholdRule.probability(score, against: others, scale: scoring.scale, bias: scoring.bias)))
            }
        case .budget:
            guard let calibration = lane.calibrations[standing.slot] else { break }
            explanation.threshold = calibration.threshold.map { Double($0) }
            explanation.overBackground = .init(calibration, score: here.score)
        }
        if !group.pairs, let history = lane.histories[standing.key], let embedding = group.embedding(of: standing) {
            explanation.windows = history.count
            explanation.rank = history.above(here.score, of: embedding) + 1
        }
    }

    /// Scores each frame of the newest window alone by its cosine with the query's text, and returns the best three.
    private func bestFrames(
        _ standing: RegisteredQuery, _ group: QueryGroup, _ lane: Lane
    ) throws -> [Explanation.BestFrame] {
        guard let embedding = group.embedding(of: standing) else { return [] }
        var frames: [Explanation.BestFrame] = []
        for (frame, at) in lane.window.last(standing.query.frames) {
            let cosine = Products.timesTransposed(Products.unit(frame), embedding, width: width).first ?? 0
            frames.append(.init(at: at, score: Double(cosine)))
        }
        return Array(frames.sorted { $0.score > $1.score }.prefix(3))
    }

    private func isOpen(_ standing: RegisteredQuery, _ lane: Lane) -> Bool {
        if let group = standing.query.settings.group { return lane.alert(of: group)?.isOpen ?? false }
        return lane.tracker(of: standing)?.isOpen ?? false
    }

    /// Returns a reason that prevents an event at any score, such as a disabled query; nil if there is none.
    private func hold(_ standing: RegisteredQuery, _ lane: Lane) -> Explanation.Hold? {
        let (query, now) = (standing.query, time.timeIntervalSince1970)
        if !query.settings.enabled { return .init(code: "disabled", message: "the query is disabled") }
        if query.isExpired(at: now) { return .init(code: "expired", message: "the query has expired") }
        if !query.isWatched(at: now) {
            return .init(code: "schedule", message: "this is outside of the query's active hours")
        }
        if !standing.selects(lane) {
            return .init(code: "not-selected", message: "the query's streams do not include this one")
        }
        if lane.health != .good {
            return .init(code: "no-picture", message: "its pictures are \(lane.health): they match nothing")
        }
        return nil
    }

    /// Returns the reason why the newest window's score started no event; nil if there is none.
    private func hold(
        _ explanation: Explanation, _ standing: RegisteredQuery, _ group: QueryGroup, _ lane: Lane
    ) -> Explanation.Hold? {
        guard let threshold = explanation.threshold else {
            let progress = Int((explanation.overBackground?.progress ?? 0) * 100)
            return .init(
                code: "learning", message: "the threshold is being learnt: \(progress) % of the warm-up is over")
        }
        let value = explanation.compared ?? -.infinity
        switch lane.tracker(of: standing)?.hold {
        case .confirming(let matched, let needed):
            return .init(code: "confirming", message: "\(matched) of the last windows matched, \(needed) must")
        case .tooShort(let lasted, let needed):
            return .init(
                code: "minimum-duration",
                message: "it has matched for \(Self.short(lasted)) s of \(Self.short(needed)) s")
        case .coolingDown(let until):
            return .init(code: "cooldown", message: "its cooldown lasts until media time \(Self.short(until)) s")
        case .belowThreshold, nil: break
        }
        if let group = standing.query.settings.group, let until = lane.alert(of: group)?.coolingDown {
            return .init(
                code: "cooldown", message: "its group's cooldown lasts until media time \(Self.short(until)) s")
        }
        guard value >= threshold else {
            return .init(
                code: "below-threshold",
                message: "\(Self.short(value)) is below the threshold of \(Self.short(threshold))")
        }
        if group.pairs || lane.tracker(of: standing) == nil {
            return .init(
                code: "not-reranked", message: "the mean head did not choose it as one of \(rerank) to be looked at")
        }
        return nil
    }

    private static func short(_ number: Double) -> String { String(format: "%.4g", number) }
}
