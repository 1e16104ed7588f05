import CLIP
import Matching
import Pixels
import Tensors

/// Makes embeddings of texts, pictures, and the queries that are made of both.
///
/// Belongs to the compute executor.
final class QueryEmbedder {
    private let tokenizer: Tokenizer
    private let texts: TextEncoder
    private let images: ImageEncoder

    init(_ tokenizer: Tokenizer, _ texts: TextEncoder, _ images: ImageEncoder) {
        (self.tokenizer, self.texts, self.images) = (tokenizer, texts, images)
    }

    /// Embeds a text: `[d]`, not normalised, and whether it was cut to the model's context.
    func embed(text: String) throws -> (embedding: [Float], truncated: Bool) {
        let tokens = tokenizer.tokens(text, limit: images.architecture.text.context)
        return (try texts.encode(tokens.ids), tokens.truncated)
    }

    func restTexts() { texts.rest() }

    /// Embeds pictures: `[pictures][d]`, not normalised.
    func embed(pictures: [Picture]) throws -> [[Float]] {
        let rows = try images.encode(pictures)
        return (0..<pictures.count).map { rows.row($0) }
    }

    /// Embeds a query, all its sentences and pictures as one, and its contrasts.
    func embed(_ query: StandingQuery, pictures: [Picture]) throws -> QueryEmbedding {
        var truncated = false
        func ensemble(_ sentences: [String]) throws -> [[Float]] {
            try sentences.map { sentence in
                let (embedding, isCut) = try embed(text: sentence)
                truncated = truncated || isCut
                return embedding
            }
        }
        // Words and pictures weigh the same, however many there are of each.
        var kinds = [TextEnsemble.average(try ensemble(query.sentences))]
        if !pictures.isEmpty { kinds.append(TextEnsemble.average(try embed(pictures: pictures))) }
        var contrasts: [[Float]] = []
        if case .contrast(let against, _) = query.rule {
            contrasts = try against.map { TextEnsemble.average(try ensemble(query.sentences(of: $0))) }
        }
        let embedding = TextEnsemble.average(kinds.filter { !$0.isEmpty })
        guard embedding.count == images.architecture.embedding else {
            throw QueryError(query.id, "images: none of them was decoded")
        }
        return QueryEmbedding(query: embedding, contrasts: contrasts, truncated: truncated)
    }
}
