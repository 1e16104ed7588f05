import Digests
import Foundation
import Matching

/// Identifies an embedding by its inputs, without the model: the SHA-256 of sentences and pictures.
enum EmbeddingKey {
    /// The key of the query's own embedding, then those of its contrasts.
    static func keys(of query: StandingQuery) -> [Data] {
        var keys = [key(query.sentences, query.images)]
        if case .contrast(let texts, _) = query.rule { keys += texts.map { key(query.sentences(of: $0), []) } }
        return keys
    }

    /// Hashes each part with its length, so that different lists of parts have different keys.
    private static func key(_ sentences: [String], _ images: [QueryImage]) -> Data {
        let digest = Digest(.sha256)
        func update(_ bytes: [UInt8]) {
            digest.update(Array("\(bytes.count):".utf8))
            digest.update(bytes)
        }
        update(Array("\(sentences.count)".utf8))
        for sentence in sentences { update(Array(sentence.utf8)) }
        for image in images { update(image.encoded) }
        return Data(digest.hexadecimal.utf8)
    }
}
