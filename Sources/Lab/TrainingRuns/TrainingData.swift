import CLIP
import Evaluation
import EvaluationRuns
import Foundation
import Printing
import Tensors
import Training

/// The (text, clip) pairs of a training; batches are read from a cache of decoded or embedded clips.
struct TrainingData: Sendable {
    /// The cache of the clips, and the cache file of each clip, in the order of the data set.
    private enum Clips: Sendable {
        /// Files of frame embeddings `[frames, d]`, for a frozen image tower.
        case embeddings(EmbeddingCache, [URL])
        case pictures(PictureCache, [URL])

        var files: [URL] {
            switch self {
            case .embeddings(_, let files), .pictures(_, let files): files
            }
        }
    }

    let set: RetrievalSet
    private let clips: Clips
    /// The text embeddings `[texts, d]` of a frozen text tower; empty if the tower is trained.
    private let texts: [Float]
    /// The token ids of each text if the text tower is trained; empty if it is frozen.
    private let tokens: [[Int]]
    private let endToken: Int?
    private let width: Int
    private let frames: Int

    /// Embeds or decodes all clips into the cache; clips that cannot be decoded are left out, each with a warning.
    ///
    /// With `learns == .all`, `pictures` is the cache; otherwise `embedding` has one. Throws `TrainingError` if a
    /// caption is empty.
    init(
        _ wanted: RetrievalSet, _ embedding: ClipEmbedding, learns: LearntParts, maxWords: Int?,
        pictures: PictureCache?, _ reporter: ProgressReporter
    ) async throws {
        let show = { (done: Int, all: Int) in reporter.progress("\(done) of \(all) clips") }
        let files: [URL]
        if learns == .all, let pictures {
            (set, files) = try await embedding.each(wanted, show) { clip in
                let file = try pictures.file(video: clip.path, sampling: embedding.sampling(clip))
                if pictures.count(file) == nil { try pictures.write(await embedding.pictures(clip), to: file) }
                return file
            }
            clips = .pictures(pictures, files)
        } else {
            guard let cache = embedding.cache else { preconditionFailure("training needs the cache") }
            (set, files) = try await embedding.fillCache(wanted, progress: show)
            clips = .embeddings(cache, files)
        }
        reporter.clear()
        reporter.warn(missingOf: set)
        (width, frames) = (embedding.embedder.width, embedding.frames)
        endToken = embedding.embedder.model.architecture.text.endToken
        var texts: [Float] = []
        var tokens: [[Int]] = []
        var cut = 0
        for item in set.items {
            guard item.caption.contains(where: { !$0.isWhitespace }) else {
                throw TrainingError("\(set.clips[item.clip].id): a caption is empty")
            }
            if learns != .head {
                let (ids, truncated) = await embedding.embedder.tokens(item.caption, limit: maxWords)
                tokens.append(ids)
                if truncated { cut += 1 }
            } else {
                let (embedded, truncated) = try await embedding.embedder.embed(text: item.caption, limit: maxWords)
                texts += embedded
                if truncated { cut += 1 }
            }
        }
        reporter.warn(cutCaptions: cut, of: set.items.count)
        (self.texts, self.tokens) = (texts, tokens)
    }

    /// A hash of the pairs' captions and cache files; a checkpoint with another hash is not resumed.
    var fingerprint: String {
        let text = set.items.map { "\(clips.files[$0.clip].lastPathComponent) \($0.caption)" }.joined(separator: "\n")
        let hash = text.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return "\(set.items.count) pairs, \(String(hash, radix: 16))"
    }

    /// Reads the training batch of the (text, clip) pairs at these indices.
    ///
    /// Throws `TrainingError` if a clip is no longer in the cache.
    func batch(_ numbers: [Int]) throws -> TrainingBatch<Float> {
        try batch(texts: numbers, clips: numbers.map { set.items[$0].clip })
    }

    /// Reads a batch of the texts and clips at these indices, which need not be pairs.
    private func batch(texts numbers: [Int], clips wanted: [Int]) throws -> TrainingBatch<Float> {
        var windows: [Float] = []
        var valid: [Int] = []
        for clip in wanted {
            let file = clips.files[clip]
            let known: [Float]?
            let size: Int
            switch clips {
            case .embeddings(let cache, _): (known, size) = (cache.read(file, width: width), width)
            case .pictures(let cache, _): (known, size) = (cache.read(file), 3 * cache.side * cache.side)
            }
            guard let known, !known.isEmpty, known.count <= frames * size else {
                throw TrainingError("\(file.path): the clip is not in the cache any more")
            }
            windows += known
            windows += repeatElement(0, count: frames * size - known.count)
            valid.append(known.count / size)
        }
        let batchTexts: TrainingBatch<Float>.Texts =
            tokens.isEmpty
            ? .embeddings(numbers.flatMap { texts[$0 * width..<($0 + 1) * width] })
            : .tokens(TokenBatch(numbers.map { tokens[$0] }, endToken: endToken))
        if case .pictures = clips { return TrainingBatch(texts: batchTexts, frames: .pictures(windows), valid: valid) }
        return TrainingBatch(texts: batchTexts, frames: .embeddings(windows), valid: valid)
    }

    /// Returns the text-to-video R@1 of a model in percent; nil if no text has a rank.
    func recall(_ model: TrainingModel, _ parameters: [Float]) throws -> Double? {
        var embedded: [Float] = []
        for start in stride(from: 0, to: set.items.count, by: 64) {
            let rows = Array(start..<min(start + 64, set.items.count))
            let made = model.embedded(try batch(texts: rows, clips: [set.items[rows[0]].clip]), parameters)
            if case .embeddings(let values) = made.texts { embedded += values }
        }
        let (texts, count) = (set.items.count, set.clips.count)
        var scores = [Float](repeating: 0, count: texts * count)
        for clip in stride(from: 0, to: count, by: 16) {
            let columns = Array(clip..<min(clip + 16, count))
            let windows = model.embedded(try batch(texts: [0], clips: columns), parameters)
            let one = TrainingBatch(texts: .embeddings(embedded), frames: windows.frames, valid: windows.valid)
            let part = model.scores(one, parameters)
            for text in 0..<texts {
                for (place, column) in columns.enumerated() {
                    scores[text * count + column] = part[text * columns.count + place]
                }
            }
        }
        let similarities = Similarities(scores, videos: count, videoOfText: set.items.map(\.clip))
        return RetrievalMetrics(Ranking.both(similarities, set.pairing).textToVideo)?.recallAt1
    }
}
