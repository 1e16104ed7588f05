import CLIP
import Checkpoints
import Foundation
import TestSupport
import Testing

private struct Row: Decodable {
    let id: Int
    let category: String
    let text: String
    let ids: [Int]
    let ids_without_ftfy: [Int]?
    let words32: [Int]
    let words77: [Int]
}

@Suite("The tokenizer")
struct TokenizerTests {
    private static func rows() throws -> [Row] {
        let url = Fixtures.reference.appending(path: "tokenizer/tokens.jsonl")
        let rows = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map {
            try JSONDecoder().decode(Row.self, from: Data($0.utf8))
        }
        guard !rows.isEmpty else { throw MissingFixture(path: url.path) }
        return rows
    }

    @Test("gives the reference's ids for every golden string")
    func goldens() throws {
        let tokenizer = try Tokenizer.builtIn()
        for row in try Self.rows() {
            let ids = tokenizer.encode(row.text)
            if row.category == "mojibake", let without = row.ids_without_ftfy {
                #expect(ids == row.ids || ids == without, "row \(row.id)")
                continue
            }
            #expect(ids == row.ids, "row \(row.id) (\(row.category)): \(row.text.debugDescription)")
            #expect(tokenizer.tokens(row.text, limit: 32).ids == row.words32, "row \(row.id)")
            #expect(tokenizer.tokens(row.text, limit: 77).ids == row.words77, "row \(row.id)")
        }
    }

    @Test("reads the bundled model's vocabulary, and agrees with the videos' token ids")
    func bundled() throws {
        let tokenizer = try Tokenizer(
            vocabulary: Fixtures.shapes.appending(path: "vocab.json"),
            merges: Fixtures.shapes.appending(path: "merges.txt"))
        #expect(tokenizer.vocabularySize == 2514)
        for url in try Fixtures.entries(of: Fixtures.videos, where: { $0.path.hasSuffix(".golden.safetensors") }) {
            let golden = try Fixtures.safetensors(url)
            let queries = try JSONDecoder().decode([String].self, from: Data(#require(golden.metadata["queries"]).utf8))
            let ids = try golden.integers("token_ids")
            let width = ids.count / queries.count
            for (row, query) in queries.enumerated() {
                let tokens = tokenizer.tokens(query, limit: width).ids
                let padded = tokens + [Int](repeating: tokenizer.endToken, count: width - tokens.count)
                #expect(padded == Array(ids[row * width..<(row + 1) * width]), "\(query)")
            }
        }
    }

    @Test("cuts long texts as CLIP does, and says so")
    func truncation() throws {
        let tokenizer = try Tokenizer.builtIn()
        let long = tokenizer.tokens(String(repeating: "x, ", count: 5000), limit: 77)
        #expect(long.truncated && long.ids.count == 77)
        #expect(long.ids.first == 49406 && long.ids.last == 49407)
        #expect(!tokenizer.tokens("x", limit: 77).truncated)
    }

    @Test("a vocabulary that is missing, no JSON, or does not fit its merges is refused by name")
    func badFiles() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "vocabulary-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (vocabulary, merges) = (folder.appending(path: "vocab.json"), folder.appending(path: "merges.txt"))
        #expect(throws: TokenizerError.self) { try Tokenizer(vocabulary: vocabulary, merges: merges) }
        try Data("[]".utf8).write(to: vocabulary)
        try Data("a b\n".utf8).write(to: merges)
        #expect(throws: TokenizerError.self) { try Tokenizer(vocabulary: vocabulary, merges: merges) }
        try Data(#"{"<|startoftext|>":0,"<|endoftext|>":1}"#.utf8).write(to: vocabulary)
        #expect(throws: TokenizerError.self) { try Tokenizer(vocabulary: vocabulary, merges: merges) }
    }
}
