import CLIP
import Evaluation
import Foundation
import SystemSupport
import Tensors
import Training

/// Pairs whose clips are in a cache: batches are read from there as they are needed.
struct TrainingData: Sendable {
    /// What is kept of clips, and where.
    private enum Clips: Sendable {
        /// `[frames, d]` each, of a frozen image tower.
        case embeddings(EmbeddingCache, [URL])
        case pictures(PictureCache, [URL])

        var places: [URL] {
            switch self {
            case .embeddings(_, let places), .pictures(_, let places): places
            }
        }
    }

    let set: RetrievalSet
    private let clips: Clips
    /// `[texts, d]` of a frozen text tower, or the tokens for a free one.
    private let texts: [Float]
    private let tokens: [[Int]]
    private let endToken: Int?
    private let width: Int
    private let frames: Int

    /// Decodes what is not in the cache; clips that cannot be decoded are listed, and left out.
    init(
        _ wanted: RetrievalSet, _ embedding: ClipEmbedding, learns: Learnt, maxWords: Int?, pictures: PictureCache?
    ) async throws {
        let show = { (done: Int, all: Int) in Terminal.progress("\(done) of \(all) clips") }
        let places: [URL]
        if learns == .all, let pictures {
            (set, places) = try await embedding.each(wanted, show) { clip in
                let place = try pictures.place(video: clip.path, sampling: embedding.sampling(clip))
                if pictures.count(place) == nil { try pictures.write(await embedding.pictures(clip), to: place) }
                return place
            }
            clips = .pictures(pictures, places)
        } else {
            guard let cache = embedding.cache else { preconditionFailure("training needs the cache") }
            (set, places) = try await embedding.prepare(wanted, progress: show)
            clips = .embeddings(cache, places)
        }
        Terminal.progress("")
        set.tellMissing()
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
                let said = try await embedding.embedder.embed(text: item.caption, limit: maxWords)
                texts += said.embedding
                if said.truncated { cut += 1 }
            }
        }
        RetrievalSet.tellCut(cut, of: set.items.count)
        (self.texts, self.tokens) = (texts, tokens)
    }

    /// What a checkpoint is held against: the pairs, not the files.
    var fingerprint: String {
        let text = set.items.map { "\(clips.places[$0.clip].lastPathComponent) \($0.caption)" }.joined(separator: "\n")
        return "\(set.items.count) pairs, \(String(FNV1a(text.utf8).hash, radix: 16))"
    }

    /// A batch of pairs by their numbers.
    func batch(_ numbers: [Int]) throws -> TrainingBatch<Float> {
        try batch(texts: numbers, clips: numbers.map { set.items[$0].clip })
    }

    /// Texts and clips that need not belong together.
    private func batch(texts numbers: [Int], clips wanted: [Int]) throws -> TrainingBatch<Float> {
        var windows: [Float] = []
        var valid: [Int] = []
        for clip in wanted {
            let place = clips.places[clip]
            let known: [Float]?
            let size: Int
            switch clips {
            case .embeddings(let cache, _): (known, size) = (cache.read(place, width: width), width)
            case .pictures(let cache, _): (known, size) = (cache.read(place), 3 * cache.side * cache.side)
            }
            guard let known, !known.isEmpty, known.count <= frames * size else {
                throw TrainingError("\(place.path): the clip is not in the cache any more")
            }
            windows += known
            windows += repeatElement(0, count: frames * size - known.count)
            valid.append(known.count / size)
        }
        let said: TrainingBatch<Float>.Texts =
            tokens.isEmpty
            ? .embeddings(numbers.flatMap { texts[$0 * width..<($0 + 1) * width] })
            : .tokens(TokenBatch(numbers.map { tokens[$0] }, endToken: endToken))
        if case .pictures = clips { return TrainingBatch(texts: said, frames: .pictures(windows), valid: valid) }
        return TrainingBatch(texts: said, frames: .embeddings(windows), valid: valid)
    }

    /// Text-to-video R@1 of a model, in percent; every text and clip is embedded once, some at a time.
    func recall(_ model: TrainingModel, _ parameters: [Float]) throws -> Double? {
        var said: [Float] = []
        for start in stride(from: 0, to: set.items.count, by: 64) {
            let rows = Array(start..<min(start + 64, set.items.count))
            let made = model.embedded(try batch(texts: rows, clips: [set.items[rows[0]].clip]), parameters)
            if case .embeddings(let values) = made.texts { said += values }
        }
        let (texts, count) = (set.items.count, set.clips.count)
        var scores = [Float](repeating: 0, count: texts * count)
        for clip in stride(from: 0, to: count, by: 16) {
            let columns = Array(clip..<min(clip + 16, count))
            let shown = model.embedded(try batch(texts: [0], clips: columns), parameters)
            let one = TrainingBatch(texts: .embeddings(said), frames: shown.frames, valid: shown.valid)
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
