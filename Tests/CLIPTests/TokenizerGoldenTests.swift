import CLIP
import Checkpoints
import Foundation
import TestSupport
import Testing
import Tokenizers

@Suite("Tokenizer goldens")
struct TokenizerGoldenTests {
    /// A line of `tokens.jsonl`, made by CLIP4Clip's tokenizer.
    private struct Golden: Decodable {
        let id: Int
        let category: String
        let text: String
        let ids: [Int]
        let ids_without_ftfy: [Int]?
        let words32: [Int]
        let words77: [Int]
    }

    private func goldens() throws -> [Golden] {
        let directory = Fixtures.reference.appending(path: "tokenizer")
        let lines = try Data(contentsOf: directory.appending(path: "tokens.jsonl")).split(separator: 0x0A)
        struct Summary: Decodable { let count: Int }
        let count = try Fixtures.json(Summary.self, directory.appending(path: "tokenizer.json")).count
        try #require(count > 0 && lines.count == count)
        return try lines.map { try JSONDecoder().decode(Golden.self, from: $0) }
    }

    @Test("every golden string has the reference's tokens")
    func matchesReference() throws {
        let tokenizer = try Tokenizer.builtIn()
        for golden in try goldens() {
            let ids = tokenizer.encode(golden.text)
            // The search for wrong encodings is not ours: there the text may stay as it is.
            if golden.category == "mojibake", ids == golden.ids_without_ftfy { continue }
            #expect(ids == golden.ids, "\(golden.category) \(golden.id): \(golden.text.debugDescription)")
        }
    }

    @Test("every golden string is cut as the reference's loaders cut it")
    func cutsAsTheReference() throws {
        let tokenizer = try Tokenizer.builtIn()
        var cut = 0
        for golden in try goldens() where golden.category != "mojibake" {
            for (limit, words) in [(32, golden.words32), (77, golden.words77)] {
                let (ids, truncated) = tokenizer.tokens(golden.text, limit: limit)
                #expect(ids == words, "\(golden.category) \(golden.id), limit \(limit)")
                #expect(truncated == (golden.ids.count + 2 > limit))
                cut += truncated ? 1 : 0
            }
        }
        #expect(cut > 0)
    }

    @Test("the shapes model's vocabulary gives the tokens that its videos' goldens were made with")
    func matchesTheBundledModel() throws {
        let tokenizer = try Tokenizer(
            vocabulary: Fixtures.shapes.appending(path: "vocab.json"),
            merges: Fixtures.shapes.appending(path: "merges.txt"))
        #expect((tokenizer.startToken, tokenizer.endToken, tokenizer.vocabularySize) == (2512, 2513, 2514))
        for url in try Fixtures.entries(of: Fixtures.videos, where: { $0.path.hasSuffix(".golden.safetensors") }) {
            let file = try Fixtures.safetensors(url)
            let list = try #require(file.metadata["queries"])
            let queries = try JSONDecoder().decode([String].self, from: Data(list.utf8))
            let expected = try file.integers("token_ids")
            let limit = expected.count / queries.count
            #expect(limit == 32)
            let found = queries.flatMap { query in
                let ids = tokenizer.tokens(query, limit: limit).ids
                return ids + Array(repeating: tokenizer.endToken, count: limit - ids.count)
            }
            #expect(found == expected, "\(url.lastPathComponent)")
        }
    }
}
