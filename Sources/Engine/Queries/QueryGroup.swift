import CLIP
import Foundation
import Heads
import Matching
import Tensors

/// The queries with the same head (the model that scores windows) and window length; scores windows for them.
///
/// A pooling head computes one embedding per window. A search index then finds the queries whose fixed threshold the
/// window reaches. There is one index for each combination of selected streams and active hours. Queries with
/// contrasting texts or a learnt threshold cannot be searched for, so they are scored in each window. A pairing head
/// scores a text with a window: it scores the queries that the mean head ranks best, and those with an event in
/// progress.
final class QueryGroup {
    private struct PartitionKey: Hashable {
        let selector: StreamSelector
        let hours: ActiveHours
    }

    /// The queries that select the same streams and have the same active hours, in one search index.
    private final class Partition {
        let index: ScoreIndex
        var watched = 0
        private let selector: StreamSelector
        private var selected: [String: Bool] = [:]

        init(_ selector: StreamSelector, width: Int) {
            self.selector = selector
            index = ScoreIndex(width: width)
        }

        func selects(_ lane: Lane) -> Bool {
            if let known = selected[lane.name] { return known }
            let selects = selector.matches(lane.name, labels: lane.labels)
            selected[lane.name] = selects
            return selects
        }

        func forget(_ lane: String) { selected[lane] = nil }
    }

    private let head: Head
    /// The mean head, which chooses the queries that a pairing head (slower, scores each text) scores; nil for other
    /// heads.
    private let candidates: Head?
    private let key: GroupKey
    /// The kind of scores that the group's head (scoring model) gives: cosines or logits.
    let scores: ScoreKind

    /// Returns the scale and bias that turn the group's scores into probabilities: for cosines, those of `model`.
    func scoring(_ model: Scoring) -> Scoring { scores == .logits ? .logits : model }

    private let width: Int
    private var partitions: [PartitionKey: Partition] = [:]
    /// The unit text embeddings of queries whose score is computed in every window; `listed` has the queries by number.
    private let everyWindow: ScoreIndex
    private var listed: [Slot: RegisteredQuery] = [:]
    private var standings: [Slot: RegisteredQuery] = [:]
    /// The text embeddings by the query's number, not normalised; only for heads that score each text with a window.
    private var raw: [Slot: [Float]] = [:]
    // Buffers for the results of heads and index, reused by the next call.
    private var pooled: [Float] = []
    private var logits: [Float] = []
    private var hits: [ScoreIndex.Hit] = []
    /// The estimated error of scores compared with float32; nil if windows are never scored again in float32.
    private(set) var error: ScoreError?
    /// The distance below a threshold at which a search still finds a query, since its float32 score may be higher.
    private var slack: Float = 0
    /// The queries whose scores are used to measure the error: the first ones that were added.
    private var probes: [RegisteredQuery] = []
    private static let mostProbes = 32

    /// Loads the head (the plugin that scores windows); throws if it does not exist or does not fit the CLIP model.
    ///
    /// `error` is the assumed error of scores, if windows may be scored again in float32; otherwise nil.
    init(
        _ key: GroupKey, model: ModelDirectory, finder: HeadFinder,
        assuming error: (cosines: Float, logits: Float)? = nil
    ) throws {
        guard key.frames > 1 || model.architecture.vision.linearPatch == .planar else {
            throw ModelError(model.url.path, "its 3D patches see neighbouring frames: windows need 2 frames or more")
        }
        self.key = key
        width = model.architecture.embedding
        let library = try finder.load(key.head)
        head = try Head(
            library, width: width, maxFrames: key.frames, weights: model.headTensors(key.head),
            config: model.defaults.configuration(ofHead: key.head))
        let scores: ScoreKind = library.givesCosines ? .cosines : .logits
        self.scores = scores
        candidates =
            library.pools ? nil : try Head(finder.load("mean"), width: width, maxFrames: key.frames, weights: [:])
        everyWindow = ScoreIndex(width: width)
        self.error = error.map { ScoreError(assumed: scores == .cosines ? $0.cosines : $0.logits) }
        slack = Self.slack(for: self.error)
    }

    /// All queries of the group, ordered by their number.
    var members: [RegisteredQuery] { standings.values.sorted { $0.slot < $1.slot } }
    /// Returns the queries whose number is below the given one, unordered.
    func members(below slot: Slot) -> some Sequence<RegisteredQuery> { standings.values.lazy.filter { $0.slot < slot } }
    /// The queries whose threshold is learnt.
    var learners: [RegisteredQuery] { listed.values.filter { $0.query.rule.fixedThreshold == nil } }
    var isEmpty: Bool { standings.isEmpty }
    var pairs: Bool { candidates != nil }

    // MARK: Members

    func add(_ standing: RegisteredQuery, _ embedding: QueryEmbedding) {
        standings[standing.slot] = standing
        if probes.count < Self.mostProbes { probes.append(standing) }
        let unit = Products.unit(embedding.query)
        if pairs { raw[standing.slot] = embedding.query }
        guard standing.floor != nil, !pairs else {
            listed[standing.slot] = standing
            everyWindow.put(standing.slot, unit, floor: .nan)
            return
        }
        let key = Self.partition(of: standing)
        let partition = partitions[key] ?? Partition(key.selector, width: width)
        partitions[key] = partition
        partition.index.put(standing.slot, unit, floor: floor(of: standing))
        if standing.isWatched { partition.watched += 1 }
    }

    func remove(_ standing: RegisteredQuery) {
        standings[standing.slot] = nil
        probes.removeAll { $0 === standing }
        raw[standing.slot] = nil
        if listed.removeValue(forKey: standing.slot) != nil { everyWindow.remove(standing.slot) }
        let key = Self.partition(of: standing)
        guard let partition = partitions[key], partition.index.remove(standing.slot) else { return }
        if standing.isWatched { partition.watched -= 1 }
        if partition.index.count == 0 { partitions[key] = nil }
    }

    /// Lets searches find a query, or no longer find it, when its active hours begin or end.
    func setWatched(_ standing: RegisteredQuery, _ isWatched: Bool) {
        guard standing.floor != nil, let partition = partitions[Self.partition(of: standing)] else { return }
        partition.index.setFloor(standing.slot, floor(of: standing))
        partition.watched += isWatched ? 1 : -1
    }

    /// Returns the least score for which a search finds the query; NaN, which nothing reaches, if it is inactive.
    private func floor(of standing: RegisteredQuery) -> Float {
        guard let floor = standing.floor, standing.isWatched else { return .nan }
        return floor - slack
    }

    /// Forgets which queries select a lane (a stream or region), because its labels may change.
    func forget(_ lane: String) { for partition in partitions.values { partition.forget(lane) } }

    private static func partition(of standing: RegisteredQuery) -> PartitionKey {
        PartitionKey(selector: standing.query.settings.selector, hours: standing.query.settings.activeHours)
    }

    /// Returns the unit embedding of one of the group's queries.
    func embedding(of standing: RegisteredQuery) -> [Float]? { index(of: standing)?.row(standing.slot) }

    private func index(of standing: RegisteredQuery) -> ScoreIndex? {
        listed[standing.slot] == nil ? partitions[Self.partition(of: standing)]?.index : everyWindow
    }

    // MARK: Scores

    /// Scores a batch of windows, and returns one output per window, in order.
    ///
    /// If the head (scoring model) embeds windows, an output has the queries at, or slightly below, their threshold,
    /// and the queries that are scored in each window. If it scores each text with a window, an output has the `rerank`
    /// best queries by the mean head, and `also`.
    func runHead(on batch: WindowBatch, rerank: Int, also: RegisteredQuery? = nil) throws -> [HeadOutput] {
        let windows = batch.windows
        try (candidates ?? head).pool(
            batch.frames, valid: windows.map(\.span.frames), frames: key.frames, into: &pooled)
        let clips = windows.indices.map { Array(pooled[$0 * width..<($0 + 1) * width]) }
        let found = pairs ? try pair(batch, rerank: rerank, also: also) : search(windows.map(\.lane), clips)
        return zip(found, clips).map { HeadOutput(found: $0, clip: $1) }
    }

    /// Returns the scores of a query and its contrasting texts for a window's embedding; nil if the head gives only
    /// scores.
    func score(_ standing: RegisteredQuery, _ clip: [Float]) -> Found? {
        guard !pairs, let score = index(of: standing)?.score(clip, 0, standing.slot) else { return nil }
        let contrasts =
            standing.contrasts.isEmpty ? [] : Products.timesTransposed(clip, standing.contrasts, width: width)
        return Found(standing: standing, score: score, contrasts: contrasts)
    }

    // MARK: Scores in float32

    /// Counts a window, and returns true if it should be scored in both precisions to measure the error.
    func isSample() -> Bool { error?.isSample() ?? false }

    /// Updates the estimated error of scores from two results for one window; `exact` comes from float32 embeddings.
    func measure(_ before: HeadOutput, _ exact: HeadOutput) {
        if pairs {
            let scores = Dictionary(before.found.map { ($0.standing.slot, $0.score) }, uniquingKeysWith: { $1 })
            error?.note(exact.found.compactMap { here in scores[here.standing.slot].map { here.score - $0 } })
        } else {
            // The first queries may have been removed.
            let probes = probes.isEmpty ? Array(standings.values.prefix(Self.mostProbes)) : probes
            error?.note(
                probes.compactMap { probe in
                    score(probe, exact.clip).flatMap { here in score(probe, before.clip).map { here.score - $0.score } }
                })
        }
        followError()
    }

    /// Adjusts the score from which on the search finds a query, after a large change of the error estimate; this is
    /// rare.
    private func followError() {
        guard let most = error?.most, most > slack || most < slack / 2 else { return }
        slack = Self.slack(for: error)
        for standing in standings.values {
            partitions[Self.partition(of: standing)]?.index.setFloor(standing.slot, floor(of: standing))
        }
    }

    private static func slack(for error: ScoreError?) -> Float { (error?.most ?? 0) * 1.25 }

    private func search(_ lanes: [Lane], _ clips: [[Float]]) -> [[Found]] {
        var found = [[Found]](repeating: [], count: lanes.count)
        for partition in partitions.values where partition.watched > 0 {
            let wanted = lanes.indices.filter { partition.selects(lanes[$0]) }
            guard !wanted.isEmpty else { continue }
            let windows = wanted.count == lanes.count ? pooled : wanted.flatMap { clips[$0] }
            partition.index.search(windows, into: &hits)
            for hit in hits {
                guard let standing = standings[hit.tag] else { continue }
                found[wanted[hit.window]].append(Found(standing: standing, score: hit.score, contrasts: []))
            }
        }
        for standing in listed.values where standing.isWatched {
            for (window, lane) in lanes.enumerated() where standing.selects(lane) {
                if let here = score(standing, clips[window]) { found[window].append(here) }
            }
        }
        return found
    }

    /// Chooses queries for each window by the mean head, then scores their texts with the slower pairing head.
    private func pair(_ batch: WindowBatch, rerank: Int, also: RegisteredQuery?) throws -> [[Found]] {
        var texts: [Float] = []
        var places: [Slot: Int] = [:]
        var pairs: [(text: Int, window: Int)] = []
        var asked: [(window: Int, standing: RegisteredQuery)] = []
        func place(of standing: RegisteredQuery) -> Int {
            if let known = places[standing.slot] { return known }
            let place = texts.count / width
            places[standing.slot] = place
            texts += raw[standing.slot] ?? []
            for contrast in standing.rawContrasts { texts += contrast }
            return place
        }
        for (window, lane) in batch.windows.map(\.lane).enumerated() {
            for standing in choose(lane, window, rerank: rerank, also: also) {
                let first = place(of: standing)
                for text in first...first + standing.rawContrasts.count { pairs.append((text, window)) }
                asked.append((window, standing))
            }
        }
        try head.score(
            texts: texts, batch.frames, valid: batch.windows.map(\.span.frames), frames: key.frames, pairs: pairs,
            into: &logits)
        var found = [[Found]](repeating: [], count: batch.windows.count)
        var next = 0
        for (window, standing) in asked {
            let count = standing.rawContrasts.count
            found[window].append(
                Found(
                    standing: standing, score: logits[next], contrasts: Array(logits[next + 1..<next + 1 + count])))
            next += 1 + count
        }
        return found
    }

    /// Returns the queries of a stream or region that a pairing head (slow, scores each text) scores in a window.
    ///
    /// They are the best `rerank` by the mean head, all with an event in progress, and all that are scored in each
    /// window.
    private func choose(_ lane: Lane, _ window: Int, rerank: Int, also: RegisteredQuery?) -> [RegisteredQuery] {
        var chosen = also.map { [$0] } ?? []
        var others: [(standing: RegisteredQuery, cosine: Float)] = []
        for standing in listed.values where standing !== also && standing.isWatched && standing.selects(lane) {
            if standing.floor == nil || lane.isInMotion(standing.slot, key) {
                chosen.append(standing)
            } else if let cosine = everyWindow.score(pooled, window, standing.slot) {
                others.append((standing, cosine))
            }
        }
        if others.count > rerank {
            others.sort { ($0.cosine, $1.standing.query.id) > ($1.cosine, $0.standing.query.id) }
        }
        return chosen + others.prefix(rerank).map(\.standing)
    }
}
