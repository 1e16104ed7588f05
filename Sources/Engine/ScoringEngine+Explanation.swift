import CLIP
import Foundation
package import Matching
package import Sampling
import Tensors

/// Scores and explanations, computed without an effect on events.
extension ScoringEngine {
    /// Explains why a registered query has an event or none, on each of the named lanes (streams or regions), or on
    /// all.
    ///
    /// Returns nil if there is no such query.
    package func explain(_ id: String, lanes names: [String]? = nil) throws -> [Explanation]? {
        guard let standing = book[id], let group = book.groups[standing.key] else { return nil }
        return try explain(standing, group, names)
    }

    /// Explains a query that is not registered, from the newest window of each lane (a stream or region).
    package func test(
        _ query: StandingQuery, _ embedding: QueryEmbedding, lanes names: [String]? = nil
    ) throws -> [Explanation] {
        let standing = RegisteredQuery(query, slot: -1, contrasts: embedding.contrasts, isWatched: true)
        let group = try QueryGroup(standing.key, model: model, finder: finder)
        group.add(standing, embedding)
        return try explain(standing, group, names)
    }

    private func explain(_ standing: RegisteredQuery, _ group: QueryGroup, _ names: [String]?) throws -> [Explanation] {
        let explainer = Explainer(scoring: scoring, rerank: rerank, width: width, time: Date())
        return try (names ?? lanes.keys.sorted()).compactMap { lanes[$0] }
            .filter { names != nil || standing.selects($0) }
            .map { try explainer.explain(standing, group, $0) }
    }

    /// Scores a whole clip as one window for each query; it starts no events.
    ///
    /// The clip must not be longer than the queries' windows.
    package func score(clip frames: [Frame], of stream: String) throws -> [WindowScore] {
        guard let first = frames.first, let last = frames.last else { return [] }
        let rows = try encoder.images.encode(FrameInContext.window(frames.map(\.picture))).values
        let span = WindowSpan(
            mediaStart: first.mediaTime, mediaEnd: last.mediaTime, wallStart: first.wallClock.timeIntervalSince1970,
            wallEnd: last.wallClock.timeIntervalSince1970, frames: frames.count)
        let lane = Lane(stream, labels: [], window: FrameWindow(width: width, capacity: 1))
        var scores: [WindowScore] = []
        for (key, group) in book.groups where key.frames >= frames.count {
            let window = PendingWindow(key, of: lane, span)
            let outputs = try group.runHead(on: WindowBatch(window, rows, width: width), rerank: rerank)
            for output in outputs { scores += decisions.allScores(output, group, span, lane) }
        }
        return scores.sorted { ($0.score ?? -.infinity, $1.query) > ($1.score ?? -.infinity, $0.query) }
    }

    /// Starts recording how close each query comes to its threshold.
    package func noteNearness() {
        let nearness = Nearness()
        self.nearness = nearness
        decisions.onJudgement = { nearness.record($0) }
    }

    /// The closest moment of each query since `noteNearness`, the closest first.
    package var nearestMoments: [NearestMoment] {
        (nearness?.moments.values).map(Array.init)?.sorted {
            ($0.threshold == nil ? 1 : 0, -$0.margin, $0.query.id) < (
                $1.threshold == nil ? 1 : 0, -$1.margin, $1.query.id
            )
        } ?? []
    }
}
