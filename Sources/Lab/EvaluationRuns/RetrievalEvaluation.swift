import CLIP
package import Evaluation
package import Heads
package import Printing

/// Measures how well several heads of one model retrieve videos by text and texts by video.
package struct RetrievalEvaluation: Sendable {
    /// The metrics of an evaluation, and the rank of every query's right answer.
    package struct Result: Sendable {
        package let report: RetrievalReport
        /// The ranks of all queries for each head, in the order of the report.
        package let ranks: [[RankTable.Query]]
    }

    /// The error for a data set none of whose videos can be decoded.
    package struct NothingToMeasure: Error, CustomStringConvertible {
        package let data: String
        package var description: String { "\(data): there is no video left to measure" }
    }

    package let embedding: ClipEmbedding
    package let finder: HeadFinder
    package let heads: [String]
    /// The greatest number of tokens of a text; nil means the model's context length.
    package let maxWords: Int?
    /// The number of bootstrap rounds for the 95 % intervals; 0 computes no intervals.
    package let rounds: Int
    /// The random seed of the bootstrap.
    package let seed: UInt64

    package init(
        _ embedding: ClipEmbedding, finder: HeadFinder, heads: [String], maxWords: Int?, rounds: Int, seed: UInt64
    ) {
        (self.embedding, self.finder, self.heads) = (embedding, finder, heads)
        (self.maxWords, self.rounds, self.seed) = (maxWords, rounds, seed)
    }

    /// Embeds a data set and measures every head; `name` is the data set's name in the report.
    ///
    /// Videos that cannot be decoded are left out, with a warning each. Throws `NothingToMeasure` if none is left.
    package func run(
        _ wanted: RetrievalSet, name: String, _ reporter: ProgressReporter
    ) async throws -> Result {
        let embedder = embedding.embedder
        let (set, clips) = try await embedding.embed(wanted) { reporter.progress("\($0) of \($1) clips") }
        reporter.clear()
        reporter.warn(missingOf: set)
        guard !set.items.isEmpty else { throw NothingToMeasure(data: name) }
        var texts: [Float] = []
        var cut = 0
        for item in set.items {
            let (embedding, truncated) = try await embedder.embed(text: item.caption, limit: maxWords)
            texts += embedding
            if truncated { cut += 1 }
        }
        reporter.warn(cutCaptions: cut, of: set.items.count)
        var results: [RetrievalReport.Head] = []
        var ranks: [[RankTable.Query]] = []
        for head in heads {
            let scores = try await embedder.scores(
                head: head, finder: finder, texts: texts, clips: clips, frames: embedding.frames)
            let similarities = Similarities(scores, videos: set.clips.count, videoOfText: set.items.map(\.clip))
            let (toVideo, toText) = Ranking.both(similarities, set.pairing)
            results.append(
                .init(
                    head: head,
                    textToVideo: .init(toVideo, cluster: set.items.map(\.clip), rounds: rounds, seed: seed),
                    videoToText: .init(toText, cluster: Array(set.clips.indices), rounds: rounds, seed: seed)))
            ranks.append(RankTable.queries(set, textToVideo: toVideo, videoToText: toText))
        }
        let report = RetrievalReport(
            data: name, model: embedder.model.identity, set, cut: cut, results: results)
        return Result(report: report, ranks: ranks)
    }
}
