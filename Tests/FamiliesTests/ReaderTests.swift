import CLIP
import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Tests readers of a family's files with unusual content.
@Suite("Readers of model families")
struct FamilyReaderTests {
    private func model(_ name: String) -> URL {
        Fixtures.repository.appending(path: "Tests/Fixtures/families/\(name)/model")
    }

    private struct Line: Decodable {
        let text: String
        let ids, ids_without_lowercasing: [Int]
    }

    /// The expected ids are the case's `ids_without_lowercasing`, by Hugging Face's tokenizers.
    @Test("a rule that does not ask for lower case leaves it to tokenizer.json")
    func lowerCase() throws {
        let file = model("siglip2_hf").appending(path: "tokenizer.json")
        let json = try String(contentsOf: file, encoding: .utf8)
        let lower = json.replacing(
            #/"normalizer":\s*\{/#,
            with: #""normalizer": {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, {"#, maxReplacements: 1)
        // The object that was the normalizer ends where the next key begins.
        let closed = lower.replacing(#/\}\s*,\s*"pre_tokenizer"/#, with: #"}]}, "pre_tokenizer""#, maxReplacements: 1)
        let (plain, lowering) = (
            try Tokenizer(json: Array(json.utf8), cleaning: .whitespace),
            try Tokenizer(json: Array(closed.utf8), cleaning: .whitespace)
        )
        // Texts that OpenCLIP's cleaning leaves as they are.
        let lines = try String(
            contentsOf: file.deletingLastPathComponent().appending(path: "../tokens.jsonl"), encoding: .utf8
        ).split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }.filter { line in
            line.text.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "&") }
                && line.text == line.text.split(separator: " ").joined(separator: " ") && !line.text.isEmpty
        }
        let different = lines.filter { $0.ids != $0.ids_without_lowercasing }
        #expect(different.count >= 3)
        for line in lines {
            #expect(plain.tokens(line.text, limit: 64).ids == line.ids_without_lowercasing, "\(line.text)")
            #expect(lowering.tokens(line.text, limit: 64).ids == line.ids, "\(line.text)")
        }
    }

    /// Transformers refuses to pad with such a tokenizer: it has no padding token.
    @Test("a vocabulary without <pad> is refused, as one without <eos> is", arguments: ["<pad>", "<eos>"])
    func missingToken(_ token: String) throws {
        let file = model("siglip2_hf").appending(path: "tokenizer.json")
        let json = try String(contentsOf: file, encoding: .utf8).replacing("\"\(token)\"", with: "\"<gone>\"")
        #expect { try Tokenizer(json: Array(json.utf8)) } throws: { "\($0)".contains("no \(token)") }
    }

    @Test("a tokenizer.json of millions of values, or of endless numbers, is refused")
    func unbounded() throws {
        let many = "[" + String(repeating: "0,", count: 4_000_001) + "0]"
        #expect { try Tokenizer(json: Array(many.utf8)) } throws: { "\($0)".contains("4000000 values") }
        let long = #"{"version": "# + String(repeating: "1", count: 100) + "}"
        #expect { try Tokenizer(json: Array(long.utf8)) } throws: { "\($0)".contains("number") }
    }

    /// Returns a source with some tensors replaced.
    private func changed(_ source: any TensorSource, _ weights: [String: HeadWeights]) throws -> MemoryTensors {
        var all = try source.tensors.mapValues { HeadWeights(shape: $0.shape, values: try source.floats($0.name)) }
        all.merge(weights) { $1 }
        return MemoryTensors(all, origin: "hostile")
    }

    @Test("the width of the pooling's MLP must be that of its matrices", arguments: [0, 1, 65])
    func poolingWidth(_ width: Int) throws {
        let model = try ModelDirectory(model("siglip2_hf"))
        let bias = "visual.attn_pool.mlp.c_fc.bias"
        let wrong = HeadWeights(shape: [width], values: [Float](repeating: 0, count: width))
        let source = try changed(model.tensors, [bias: wrong])
        #expect { try ImageEncoder(source, architecture: model.architecture, precision: .f32) } throws: {
            "\($0)".contains("attn_pool.mlp.c_fc")
        }
    }

    @Test("towers below clip. keep their names where data-parallel training put module. before them")
    func dataParallel() throws {
        let file = try openCheckpoint(path: model("head_xpool").appending(path: "model_best.pth").path)
        let plain = try CheckpointNames(file)
        let renamed = try file.tensors.map {
            ("module.\($0.key)", HeadWeights(shape: $0.value.shape, values: try file.floats($0.key)))
        }
        let wrapped = try CheckpointNames(
            MemoryTensors(Dictionary(renamed) { $1 }, origin: "wrapped"))
        #expect(Set(wrapped.tensors.keys) == Set(plain.tensors.keys))
        #expect(wrapped.has("vision_model.embeddings.class_embedding"))
    }

    @Test(
        "a key of tokenizer_config.json that changes tokens is refused by its name",
        arguments: [
            ("siglip1_hf", #""do_lower_case": true"#, #""do_lower_case": false"#, "do_lower_case"),
            ("siglip1_hf", #""sp_model_kwargs": {}"#, #""sp_model_kwargs": {"alpha": 0.1}"#, "sp_model_kwargs"),
            ("siglip1_hf", #""pad_token": "</s>""#, #""pad_token": "<pad>""#, "pad_token"),
            ("siglip2_hf", #""add_bos_token": false"#, #""add_bos_token": true"#, "add_bos_token"),
            ("siglip2_hf", #""add_eos_token": true"#, #""add_eos_token": false"#, "add_eos_token"),
            ("siglip2_hf", #""padding_side": "right""#, #""padding_side": "left""#, "padding_side"),
            ("siglip2_openclip", #""eos_token": "<eos>""#, #""eos_token": "<pad>""#, "eos_token"),
            (
                "clip_hf_gelu", #""errors": "replace""#, #""added_tokens_decoder": {"60000": {"content": "<x>"}}"#,
                "added_tokens_decoder"
            ),
            ("clip_hf_gelu", #""errors": "replace""#, #""truncation_side": "left""#, "truncation_side"),
        ])
    func tokenizerKeys(_ name: String, _ from: String, _ to: String, _ key: String) throws {
        let item = FamilyCase(folder: model(name).deletingLastPathComponent())
        try item.withCopy { folder in
            try Self.edit(folder.appending(path: "tokenizer_config.json"), from, to)
            #expect { try ModelDirectory(folder).tokenizer() } throws: { "\($0)".contains("\"\(key)\"") }
            #expect(try ModelInspection(folder).problems.contains { $0.contains("\"\(key)\"") })
        }
    }

    @Test("a key of tokenizer_config.json that is not known is named, and hinders nothing")
    func unknownTokenizerKey() throws {
        let item = FamilyCase(folder: model("siglip2_hf").deletingLastPathComponent())
        try item.withCopy { folder in
            try Self.edit(
                folder.appending(path: "tokenizer_config.json"), #""do_lower_case": true"#, #""shuffles_words": true"#)
            let model = try ModelDirectory(folder)
            _ = try model.tokenizer()
            #expect(model.notes.contains { $0.contains("\"shuffles_words\" is not known") }, "\(model.notes)")
            #expect(try ModelInspection(folder).notes.contains { $0.contains("shuffles_words") })
        }
    }

    private static func edit(_ file: URL, _ from: String, _ to: String) throws {
        let text = try String(contentsOf: file, encoding: .utf8)
        try #require(text.contains(from), "\(text)")
        // It may be a link to the fixture.
        try FileManager.default.removeItem(at: file)
        try text.replacing(from, with: to).write(to: file, atomically: false, encoding: .utf8)
    }
}
