import CLIP
import Foundation
import TestSupport
import Testing
import Tokenizers

/// Tests that vocabulary files with any content either load or throw.
@Suite("Tokenizer files")
struct TokenizerFileTests {
    private static let vocabulary = Fixtures.shapes.appending(path: "vocab.json")
    private static let merges = Fixtures.shapes.appending(path: "merges.txt")

    /// Loads the shapes model's files after a change to their text.
    private func load(
        vocabulary: (String) -> String = { $0 }, merges: (String) -> String = { $0 }
    ) throws -> Tokenizer {
        let directory = FileManager.default.temporaryDirectory.appending(path: "tokenizer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let files = (directory.appending(path: "vocab.json"), directory.appending(path: "merges.txt"))
        try Data(vocabulary(String(decoding: Data(contentsOf: Self.vocabulary), as: UTF8.self)).utf8).write(to: files.0)
        try Data(merges(String(decoding: Data(contentsOf: Self.merges), as: UTF8.self)).utf8).write(to: files.1)
        return try Tokenizer(vocabulary: files.0, merges: files.1)
    }

    /// The error message from loading the changed files.
    private func message(
        vocabulary: (String) -> String = { $0 }, merges: (String) -> String = { $0 }
    ) throws -> String {
        let error = #expect(throws: TokenizerError.self) { _ = try load(vocabulary: vocabulary, merges: merges) }
        return try #require(error).description
    }

    @Test("a missing file is named")
    func missingFiles() throws {
        let missing = Fixtures.shapes.appending(path: "no-such-file")
        for (vocabulary, merges) in [(missing, Self.merges), (Self.vocabulary, missing)] {
            let error = #expect(throws: TokenizerError.self) {
                _ = try Tokenizer(vocabulary: vocabulary, merges: merges)
            }
            #expect(try #require(error).description.hasPrefix("\(missing.path): it cannot be opened"))
        }
    }

    @Test(
        "a vocabulary that is not an object from token to id is refused",
        arguments: [
            "", " ", "{", "[]", "null", "{}x", "{\"a\"}", "{\"a\":}", "{\"a\":-1}", "{\"a\":1.5}", "{\"a\":1e3}",
            "{\"a\":\"1\"}", "{\"a\":0,}", "{\"a\":0 \"b\":1}", "{\"a\":0,\"a\":1}", "{\"a\\u0301\":0,\"a\\u0301\":1}",
            "{\"\\ud800\":0}", "{\"\\ud800\\u0041\":0}", "{\"\\udc00\":0}", "{\"\\u12\":0}", "{\"\\x\":0}", "{\"\\",
            "{\"a\n\":0}", "{\"a\":99999999999999999999}", "{\"a\":{\"b\":0}}",
        ])
    func malformedVocabulary(json: String) throws {
        let message = try message(vocabulary: { _ in json })
        #expect(message.contains("vocab.json: it is not a JSON object from token to id"), "\(message)")
    }

    @Test("ids must be 0 to n - 1, each once", arguments: ["{\"a\":1}", "{\"a\":0,\"b\":0}", "{\"a\":999999999}"])
    func wrongIds(json: String) throws {
        #expect(try message(vocabulary: { _ in json }).contains("each once"))
    }

    @Test("a vocabulary without a byte or a special token is refused, and the token named")
    func missingTokens() throws {
        #expect(try message(vocabulary: { _ in "{}" }).contains("the token \"<|startoftext|>\" is missing"))
        let renamed = try message(vocabulary: { $0.replacing("\"q</w>\":", with: "\"qq\":") })
        #expect(renamed.contains("vocab.json: the token \"q</w>\" is missing"), "\(renamed)")
    }

    @Test(
        "a merge that is not two tokens is refused, and its line named", arguments: ["i", "i n g", "i  n", " i", "i "])
    func malformedMerges(line: String) throws {
        let message = try message(merges: { $0.replacing("i n\n", with: line + "\n", maxReplacements: 1) })
        #expect(message.contains("merges.txt: line 2 is not two tokens"), "\(message)")
    }

    @Test(
        "a merge of tokens, or into a token, that the vocabulary lacks is refused",
        arguments: ["q q", "zzz a", "a zzz"])
    func foreignMerges(line: String) throws {
        let message = try message(merges: { $0.replacing("i n\n", with: line + "\n", maxReplacements: 1) })
        #expect(message.contains("merges.txt: merge 1, of"), "\(message)")
    }

    @Test("merges that are cut short are refused: they would tokenize on, wrongly", arguments: [0, 500, 1999])
    func missingMerges(kept: Int) throws {
        let message = try message(merges: { $0.split(separator: "\n").prefix(kept + 1).joined(separator: "\n") })
        #expect(message.contains("merges.txt: no merge makes the vocabulary's token"), "\(message)")
    }

    @Test("Windows line ends, and a file without a version, are fine")
    func harmlessMerges() throws {
        let text = "a purple circle appears"
        let expected = try load().encode(text)
        #expect(try load(merges: { $0.replacing("\n", with: "\r\n") }).encode(text) == expected)
        #expect(try load(merges: { $0.replacing("#version: 0.2\n", with: "") }).encode(text) == expected)
    }

    @Test("tokens that String would call equal keep their own ids")
    func canonicallyEqualTokens() throws {
        // Two spellings of é: as Strings one key, in the file two tokens.
        let tokenizer = try load(vocabulary: {
            $0.replacing(
                "\"<|startoftext|>\": 2512",
                with: "\"<\\u00e9>\": 2514, \"<e\u{301}>\": 2515, \"<|startoftext|>\": 2512")
        })
        #expect(tokenizer.vocabularySize == 2516)
    }
}
