package import CLIP
import Concurrency
import Foundation
package import Heads
package import Pixels
package import Tensors
import Tokenizers

/// Embeds clips and texts with one model, and scores them by a head, without the daemon's streams.
///
/// Matrix products and plugin calls run on the actor's own dispatch queue.
package actor ClipEmbedder {
    private let executor = QueueExecutor(label: "watchword.embed")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    package nonisolated let model: ModelDirectory
    package nonisolated let precision: Precision
    private let tokenizer: Tokenizer
    private let images: ImageEncoder
    private let texts: TextEncoder
    /// The number of values in an embedding.
    package nonisolated var width: Int { model.architecture.embedding }

    /// The number of clips that are scored in one call, which bounds the memory.
    private static let clipsPerCall = 64

    package init(model: ModelDirectory, precision: Precision) throws {
        Products.useOneThread()
        self.model = model
        self.precision = precision.resolved(for: model.architecture)
        tokenizer = try model.tokenizer()
        images = try ImageEncoder(
            model.tensors, architecture: model.architecture, normalisation: model.normalisation,
            precision: self.precision, packed: model.packed("image", self.precision))
        texts = try TextEncoder(model.tensors, architecture: model.architecture, precision: .f32)
        model.releaseMemory()
    }

    /// Embeds a text, cut to `limit` tokens (nil: the model's context length); returns `[d]`, not normalised.
    ///
    /// `truncated` is true if the text was longer.
    package func embed(text: String, limit: Int?) throws -> (embedding: [Float], truncated: Bool) {
        let (ids, truncated) = tokens(text, limit: limit)
        return (try texts.encode(ids), truncated)
    }

    /// Returns a text's token ids, cut to `limit` tokens (nil: the model's context length).
    package func tokens(_ text: String, limit: Int?) -> (ids: [Int], truncated: Bool) {
        let context = model.architecture.text.context
        return tokenizer.tokens(text, limit: min(limit ?? context, context))
    }

    /// Embeds a clip's pictures; returns `[pictures, d]`, not normalised.
    package func embed(_ pictures: [Picture]) throws -> [Float] {
        try images.encode(FrameInContext.window(pictures)).values
    }

    /// Scores every text with every clip by a head; returns `[texts, clips]`.
    ///
    /// `texts` is `[texts, d]`; a clip is `[frames, d]`, with at most `frames` frames. Scores are cosines, or logits of
    /// a head that scores pairs. Throws if the head cannot be loaded or rejects the model's weights.
    package func scores(
        head name: String, finder: HeadFinder, texts: [Float], clips: [[Float]], frames: Int
    ) throws -> [Float] {
        let library = try finder.load(name)
        let head = try Heads.Head(
            library, width: width, maxFrames: frames, weights: model.headTensors(name),
            config: model.defaults.configuration(ofHead: name))
        let count = texts.count / width
        var scores = [Float](repeating: 0, count: count * clips.count)
        let unit = (0..<count).flatMap { Products.unit(Array(texts[$0 * width..<($0 + 1) * width])) }
        for start in stride(from: 0, to: clips.count, by: Self.clipsPerCall) {
            let some = clips[start..<min(start + Self.clipsPerCall, clips.count)]
            let windows = some.flatMap { $0 + [Float](repeating: 0, count: frames * width - $0.count) }
            let valid = some.map { $0.count / width }
            let columns: [Float]
            if library.pools {
                let pooled = try head.pool(windows, valid: valid, frames: frames)
                columns = Products.timesTransposed(unit, pooled, width: width)
            } else {
                // Pairs are ordered by window, since a head prepares a window once for all of its texts.
                let pairs = valid.indices.flatMap { window in (0..<count).map { (text: $0, window: window) } }
                let byWindow = try head.score(texts: texts, windows, valid: valid, frames: frames, pairs: pairs)
                columns = (0..<count).flatMap { text in valid.indices.map { byWindow[$0 * count + text] } }
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
