import CLIP
import Foundation
import Matching
import Pixels
import Tensors

/// The reasons why a query has an event on a lane or not, from the lane's newest window.
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
        /// The frame's media time in seconds.
        package let at: Double
        package let score: Double
    }
    /// The reason why the query has no event.
    package struct Hold: Codable, Sendable, Equatable {
        package let code: String
        package let message: String
    }

    package let query: String
    package let stream: String
    package let head: String
    /// The rule's key: "threshold", "against" or "false_alerts_per_day".
    package let rule: String
    /// Whether an event is open.
    package var open = false
    /// The media times of the window that was examined.
    package var media: Media?
    /// The window's score: a cosine, or a pairing head's logit.
    package var score: Double?
    /// The query's probability among its contrasts, which is compared with the threshold.
    ///
    /// Without contrasts, it is the sigmoid of the score, if the model was trained with one.
    package var probability: Double?
    /// The threshold; nil while it is being learnt.
    package var threshold: Double?
    /// The distance of the score from the lane's learnt background; nil if the query's threshold is given.
    package var overBackground: Background?
    /// The window's rank by score among those of the last hour, 1 for the highest; `windows` is their number.
    package var rank: Int?
    package var windows: Int?
    package var contrasts: [Contrast] = []
    /// The window's frames by their own cosine, best first.
    package var frames: [BestFrame] = []
    package var heldBack: Hold?

    /// The learnt background of the lane, and the score's place in it.
    package struct Background: Codable, Sendable, Equatable {
        /// The state: "learning", "pinned" or "drifted"; `progress` is the share of the warm-up that is done (0...1).
        package let state: String
        package let progress: Double
        /// The threshold's version; 0 while there is none.
        package let version: Int
        /// The number of alerts since the threshold was pinned, right and wrong ones.
        package let alerts: Int
        /// The distance of the score from the background's mean, in its standard deviations.
        package let deviations: Double?
        /// The days between two such scores by chance; nil while that is unknown.
        package let returnDays: Double?
        /// The threshold that would fit now, if the pinned one no longer does; `why` is the reason.
        package let suggested: Double?
        package let why: String?
    }
}

extension Explanation {
    /// The number that the rule compares with the threshold.
    package var compared: Double? { rule == "against" ? probability : score }
}

/// Explains queries by examining a lane's newest window once more.
struct Explainer {
    let scoring: Scoring
    let rerank: Int
    let width: Int
    let time: Date

    /// Explains a query on a lane; `group` is its own group, or one made for it if it is not registered.
    func explain(_ standing: RegisteredQuery, _ group: QueryGroup, _ lane: Lane) throws -> Explanation {
        let query = standing.query
        var told = Explanation(query: query.id, stream: lane.name, head: query.head, rule: query.rule.key)
        told.threshold = query.rule.fixedThreshold.map { Double($0) }
        var batch = WindowBatch(standing.key)
        guard let window = batch.add(lane) else {
            told.heldBack = hold(standing, lane) ?? .init(code: "no-frames", message: "no frame of it has been seen")
            return told
        }
        let span = window.span
        // As it was decided.
        if let exact = HeldPicture.embeddings(of: window.pictures) {
            batch = WindowBatch(window, exact, width: width)
        }
        told.media = .init(start: span.mediaStart, end: span.mediaEnd)
        guard span.frames == query.frames else {
            told.heldBack =
                hold(standing, lane)
                ?? .init(code: "no-window", message: "its window has \(span.frames) of \(query.frames) frames")
            return told
        }
        // What is asked about is looked at, whoever else the head would choose.
        let look = try group.look(at: batch, rerank: rerank, also: standing).first
        let here =
            look.flatMap { group.score(standing, $0.clip) } ?? look?.found.first { $0.standing === standing }
        told.frames = try bestFrames(standing, group, lane)
        guard let here else {
            told.heldBack = hold(standing, lane) ?? .init(code: "not-scored", message: "its head did not score it")
            return told
        }
        told.score = Double(here.score)
        fill(&told, standing, here, group, lane)
        told.open = isOpen(standing, lane)
        told.heldBack = told.open ? nil : hold(standing, lane) ?? hold(told, standing, group, lane)
        return told
    }

    private func fill(
        _ told: inout Explanation, _ standing: RegisteredQuery, _ here: Found, _ group: QueryGroup, _ lane: Lane
    ) {
        let scoring = group.scoring(scoring)
        told.probability = scoring.probability(here.score).map { Double($0) }
        switch standing.query.rule {
        case .score: break
        case .contrast(let texts, _):
            told.probability = Double(standing.value(of: here, scoring: scoring))
            told.contrasts = texts.indices.map { place in
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
            told.threshold = calibration.threshold.map { Double($0) }
            told.overBackground = .init(calibration, score: here.score)
        }
        if !group.pairs, let history = lane.histories[standing.key], let embedding = group.embedding(of: standing) {
            told.windows = history.count
            told.rank = history.above(here.score, of: embedding) + 1
        }
    }

    /// Scores each frame of the window alone against the query, as the mean head would.
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

    /// The reason that holds the query back at any score; nil if there is none.
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

    /// The reason that held the newest window back; nil if there is none.
    private func hold(
        _ told: Explanation, _ standing: RegisteredQuery, _ group: QueryGroup, _ lane: Lane
    ) -> Explanation.Hold? {
        guard let threshold = told.threshold else {
            let progress = Int((told.overBackground?.progress ?? 0) * 100)
            return .init(
                code: "learning", message: "the threshold is being learnt: \(progress) % of the warm-up is over")
        }
        let value = told.compared ?? -.infinity
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
