import CLIP
import Foundation
import Heads
import Ingest
import Pixels
import Tensors
import Tokenizers
import Watchtower

/// A model without streams: clips and texts to embeddings, and these to scores.
///
/// Every product and plugin call runs on an executor of its own.
actor ClipEmbedder {
    private let executor = QueueExecutor(label: "watchword.embed")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    nonisolated let model: ModelDirectory
    nonisolated let precision: Precision
    private let tokenizer: Tokenizer
    private let images: ImageEncoder
    private let texts: TextEncoder
    nonisolated var width: Int { model.architecture.embedding }

    init(model: ModelDirectory, precision: Precision) throws {
        Products.useOneThread()
        self.model = model
        self.precision = precision.resolved(for: model.architecture)
        tokenizer = try model.tokenizer()
        images = try ImageEncoder(
            model.tensors, architecture: model.architecture, normalisation: model.normalisation,
            precision: self.precision, packed: model.packed("image", self.precision))
        texts = try TextEncoder(model.tensors, architecture: model.architecture, precision: .f32)
        model.forget()
    }

    /// `[d]`, not normalised, of a text that is cut to `limit` tokens, and whether it was.
    func embed(text: String, limit: Int?) throws -> (embedding: [Float], truncated: Bool) {
        let context = model.architecture.text.context
        let tokens = tokenizer.tokens(text, limit: min(limit ?? context, context))
        return (try texts.encode(tokens.ids), tokens.truncated)
    }

    /// Token ids of a text that is cut to `limit` tokens, and whether it was.
    func tokens(_ text: String, limit: Int?) -> (ids: [Int], truncated: Bool) {
        let context = model.architecture.text.context
        return tokenizer.tokens(text, limit: min(limit ?? context, context))
    }

    /// `[frames, d]` of a clip, not normalised.
    func embed(_ pictures: [Picture]) throws -> [Float] { try images.encode(FrameInContext.window(pictures)).values }

    /// Scores `[texts, clips]` by a head: cosines, or the logits of one that pairs.
    ///
    /// `texts`: `[texts, d]`; a clip is `[its frames, d]`, no longer than `frames`.
    func scores(head name: String, finder: HeadFinder, texts: [Float], clips: [[Float]], frames: Int) throws -> [Float]
    {
        let library = try finder.load(name)
        let head = try Heads.Head(
            library, width: width, maxFrames: frames, weights: model.headTensors(name),
            config: model.defaults.configuration(ofHead: name))
        let count = texts.count / width
        var scores = [Float](repeating: 0, count: count * clips.count)
        let unit = (0..<count).flatMap { Products.unit(Array(texts[$0 * width..<($0 + 1) * width])) }
        // As many windows at a time as bound the memory.
        for start in stride(from: 0, to: clips.count, by: 64) {
            let some = clips[start..<min(start + 64, clips.count)]
            let windows = some.flatMap { $0 + [Float](repeating: 0, count: frames * width - $0.count) }
            let valid = some.map { $0.count / width }
            let columns: [Float]
            if library.pools {
                let pooled = try head.pool(windows, valid: valid, frames: frames)
                columns = Products.timesTransposed(unit, pooled, width: width)
            } else {
                let pairs = (0..<count).flatMap { text in valid.indices.map { (text: text, window: $0) } }
                columns = try head.score(texts: texts, windows, valid: valid, frames: frames, pairs: pairs)
            }
            for text in 0..<count {
                for (place, clip) in (start..<start + some.count).enumerated() {
                    scores[text * clips.count + clip] = columns[text * some.count + place]
                }
            }
        }
        return scores
    }
}
