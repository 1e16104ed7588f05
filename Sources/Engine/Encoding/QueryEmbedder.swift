import CLIP
import Matching
import Pixels
import Tensors
import Tokenizers

/// Embeds the texts and example pictures of queries, and averages them to one embedding per query.
///
/// Not Sendable: it is used only on the engine's compute executor.
final class QueryEmbedder {
    private let tokenizer: Tokenizer
    private let texts: TextEncoder
    private let images: ImageEncoder

    init(_ tokenizer: Tokenizer, _ texts: TextEncoder, _ images: ImageEncoder) {
        (self.tokenizer, self.texts, self.images) = (tokenizer, texts, images)
    }

    /// Embeds a text, `[d]`, not normalised; `truncated` is true if the text was cut to the model's context length.
    func embed(text: String) throws -> (embedding: [Float], truncated: Bool) {
        let tokens = tokenizer.tokens(text, limit: images.architecture.text.context)
        return (try texts.encode(tokens.ids), tokens.truncated)
    }

    /// Embeds several texts at once, which is faster than one after the other; the results are as for one text.
    func embed(texts all: [String]) throws -> [(embedding: [Float], truncated: Bool)] {
        let tokens = all.map { tokenizer.tokens($0, limit: images.architecture.text.context) }
        return zip(try texts.encode(tokens.map(\.ids)), tokens).map { ($0, $1.truncated) }
    }

    func releaseTexts() { texts.releaseMemory() }

    /// Embeds pictures; the embeddings, `d` numbers each, are not normalised.
    func embed(pictures: [Picture]) throws -> [[Float]] {
        let rows = try images.encode(pictures)
        return (0..<pictures.count).map { rows.row($0) }
    }

    /// Embeds a query: the average of its sentences and pictures, and one embedding for each contrasting text.
    func embed(_ query: StandingQuery, pictures: [Picture]) throws -> QueryEmbedding {
        var parts = QueryEmbedding.Parts(query)
        while let text = parts.nextText { parts.take(try embed(text: text)) }
        if !pictures.isEmpty { parts.take(pictures: try embed(pictures: pictures)) }
        return try parts.joined(width: images.architecture.embedding)
    }
}
