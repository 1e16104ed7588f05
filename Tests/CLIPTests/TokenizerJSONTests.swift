import CLIP
import Foundation
import TestSupport
import Testing
import Tokenizers

/// Reads `tokenizer.json` alone, as transformers 5.24.0 saves it.
@Suite("tokenizer.json")
struct TokenizerJSONTests {
    private let folder = Fixtures.repository.appending(path: "Tests/Fixtures/checkpoints/v5")

    /// Makes the file from the vocabulary of a directory; merges are pairs, or strings with a space.
    private func json(pairs: Bool = true, model: String = "", normalizer: String? = nil, added: String = "") throws
        -> String
    {
        let vocabulary = try String(contentsOf: folder.appending(path: "vocab.json"), encoding: .utf8)
        let lines = try String(contentsOf: folder.appending(path: "merges.txt"), encoding: .utf8)
            .split(separator: "\n").dropFirst()
        let merges: [Any] = lines.map { line -> Any in
            pairs ? line.split(separator: " ").map(String.init) : String(line)
        }
        let list = String(decoding: try JSONSerialization.data(withJSONObject: merges), as: UTF8.self)
        let normal =
            normalizer
            ?? #"{"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Replace"}, {"type": "Lowercase"}]}"#
        return """
            {"version": "1.0", "added_tokens": [
              {"id": 518, "content": "<|startoftext|>", "normalized": true, "special": true, "lstrip": false}\(added)],
             "normalizer": \(normal),
             "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split"}, {"type": "ByteLevel"}]},
             "model": {"type": "BPE", "dropout": null, "continuing_subword_prefix": "", "end_of_word_suffix": "</w>",
              "byte_fallback": false\(model), "vocab": \(vocabulary), "merges": \(list)}}
            """
    }

    @Test("gives the tokens of vocab.json and merges.txt, whichever form its merges have", arguments: [true, false])
    func same(_ pairs: Bool) throws {
        let files = try Tokenizer(
            vocabulary: folder.appending(path: "vocab.json"), merges: folder.appending(path: "merges.txt"))
        let single = try Tokenizer(json: Array(json(pairs: pairs).utf8))
        #expect(single.vocabularySize == files.vocabularySize && single.endToken == files.endToken)
        for text in ["a red square", "Café — naïve 日本 🙂", "<|startoftext|> a dog's", "12 dogs!!", ""] {
            #expect(single.encode(text) == files.encode(text), "\(text)")
        }
    }

    @Test("serves a model without vocab.json")
    func alone() throws {
        let place = FileManager.default.temporaryDirectory.appending(path: "alone-\(UUID())")
        defer { try? FileManager.default.removeItem(at: place) }
        try FileManager.default.copyItem(at: folder, to: place)
        for name in ["vocab.json", "merges.txt"] { try FileManager.default.removeItem(at: place.appending(path: name)) }
        let added = #", {"id": 520, "content": "<Extra>", "normalized": true}"#
        #expect(throws: (any Error).self) { try ModelDirectory(place).tokenizer() }
        try Data(json().utf8).write(to: place.appending(path: "tokenizer.json"))
        #expect(
            try ModelDirectory(place).tokenizer().encode("a red square")
                == ModelDirectory(folder).tokenizer().encode("a red square"))
        // One token more than the table has rows.
        try Data(json(added: added).utf8).write(to: place.appending(path: "tokenizer.json"))
        #expect { try ModelDirectory(place).tokenizer() } throws: { "\($0)".contains("521") }
    }

    @Test("added tokens are cut out, in any case where the file says so")
    func added() throws {
        let tokenizer = try Tokenizer(
            json: Array(json(added: #", {"id": 520, "content": "<Extra>", "normalized": true}"#).utf8))
        #expect(tokenizer.encode("<EXTRA><extra>") == [520, 520])
    }

    @Test("another tokenizer is refused by what is different")
    func others() throws {
        let broken = [
            (try json(model: #", "ignore_merges": true"#), "ignore_merges"),
            (try json(normalizer: #"{"type": "NFKC"}"#), "NFKC"), (try json(normalizer: "null"), "normalizer"),
            (try json().replacing("\"BPE\"", with: "\"Unigram\""), "Unigram"),
            (try json().replacing("</w>\",", with: "\","), "end_of_word_suffix"),
            (try json().replacing("\"Split\"", with: "\"Whitespace\""), "Whitespace"),
            (try json(added: #", {"id": 3, "content": "<Extra>"}"#), "once"),
            (String(try json().dropLast(3)), "JSON"), (String(repeating: "[", count: 100_000), "nested too deep"),
        ]
        for (text, expected) in broken {
            #expect { try Tokenizer(json: Array(text.utf8)) } throws: { "\($0)".contains(expected) }
        }
    }
}
