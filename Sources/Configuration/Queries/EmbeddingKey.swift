import Digests
package import Foundation
package import Matching

/// Computes keys for cached embeddings: SHA-256 hashes of a query's texts and pictures, without the model.
package enum EmbeddingKey {
    /// Returns the key of the query's own embedding, followed by those of the texts that compete with it, if any.
    package static func keys(of query: StandingQuery) -> [Data] {
        var keys = [key(query.sentences, query.images)]
        if case .contrast(let texts, _) = query.rule { keys += texts.map { key(query.sentences(of: $0), []) } }
        return keys
    }

    /// Returns the hash of texts and pictures; each is hashed with its length, so that different lists never agree.
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
