import CLIP
import Evaluation
import Foundation
import Tensors
import Training

/// Pairs whose clips are in the cache: batches are read from there as they are needed.
struct TrainingData: Sendable {
    let set: RetrievalSet
    private let places: [URL]
    private let cache: EmbeddingCache
    /// `[texts, d]` of a frozen text tower, or the tokens for a free one.
    private let texts: [Float]
    private let tokens: [[Int]]
    private let endToken: Int?
    private let width: Int
    private let frames: Int

    init(_ wanted: RetrievalSet, _ embedding: ClipEmbedding, learnsText: Bool, maxWords: Int?) async throws {
        guard let cache = embedding.cache else { preconditionFailure("training needs the cache") }
        (set, places) = try await embedding.prepare(wanted) { Terminal.progress("\($0) of \($1) clips") }
        Terminal.progress("")
        set.tellMissing()
        self.cache = cache
        (width, frames) = (embedding.embedder.width, embedding.frames)
        endToken = embedding.embedder.model.architecture.text.endToken
        var texts: [Float] = []
        var tokens: [[Int]] = []
        for item in set.items {
            guard item.caption.contains(where: { !$0.isWhitespace }) else {
                throw TrainingError("\(set.clips[item.clip].id): a caption is empty")
            }
            if learnsText {
                tokens.append(await embedding.embedder.tokens(item.caption, limit: maxWords))
            } else {
                texts += try await embedding.embedder.embed(text: item.caption, limit: maxWords).embedding
            }
        }
        (self.texts, self.tokens) = (texts, tokens)
    }

    /// What a checkpoint is held against: the pairs, not the files.
    var fingerprint: String {
        let text = set.items.map { "\(places[$0.clip].lastPathComponent) \($0.caption)" }.joined(separator: "\n")
        let hash = text.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return "\(set.items.count) pairs, \(String(hash, radix: 16))"
    }

    /// A batch of pairs by their numbers.
    func batch(_ numbers: [Int]) throws -> TrainingBatch<Float> {
        try batch(texts: numbers, clips: numbers.map { set.items[$0].clip })
    }

    /// Texts and clips that need not belong together.
    func batch(texts numbers: [Int], clips: [Int]) throws -> TrainingBatch<Float> {
        var windows: [Float] = []
        var valid: [Int] = []
        for clip in clips {
            guard let known = cache.read(places[clip], width: width), !known.isEmpty, known.count <= frames * width
            else { throw TrainingError("\(places[clip].path): the clip's embeddings are not in the cache any more") }
            windows += known + [Float](repeating: 0, count: frames * width - known.count)
            valid.append(known.count / width)
        }
        let said: TrainingBatch<Float>.Texts =
            tokens.isEmpty
            ? .embeddings(numbers.flatMap { texts[$0 * width..<($0 + 1) * width] })
            : .tokens(TokenBatch(numbers.map { tokens[$0] }, endToken: endToken))
        return TrainingBatch(texts: said, frames: .embeddings(windows), valid: valid)
    }

    /// Text-to-video R@1 of a model, in percent; scored some texts and clips at a time.
    func recall(_ model: TrainingModel, _ parameters: [Float]) throws -> Double? {
        let (texts, clips) = (set.items.count, set.clips.count)
        var scores = [Float](repeating: 0, count: texts * clips)
        for clip in stride(from: 0, to: clips, by: 64) {
            let columns = Array(clip..<min(clip + 64, clips))
            for text in stride(from: 0, to: texts, by: 256) {
                let rows = Array(text..<min(text + 256, texts))
                let part = model.scores(try batch(texts: rows, clips: columns), parameters)
                for (r, row) in rows.enumerated() {
                    for (c, column) in columns.enumerated() {
                        scores[row * clips + column] = part[r * columns.count + c]
                    }
                }
            }
        }
        let similarities = Similarities(scores, videos: clips, videoOfText: set.items.map(\.clip))
        return RetrievalMetrics(Ranking.both(similarities, set.pairing).textToVideo)?.recallAt1
    }
}
