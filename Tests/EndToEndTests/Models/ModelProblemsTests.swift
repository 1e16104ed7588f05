import Foundation
import TestSupport
import Testing

@Suite("Models that cannot be used, as inspect shows them")
struct ModelProblemsTests {
    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let model: String
        let file: String
        /// The text to replace in the file, and its replacement; nil removes the file.
        var edit: (from: String, to: String)?
        /// Words of the table's rows, and of the sentence.
        let rows: [String]
        let sentence: String
    }

    static let damages = [
        Damage(
            testDescription: "a shard is missing", model: "families/clip_hf_sharded_eos/model",
            file: "model-00002-of-00002.safetensors", rows: ["model.safetensors.index.json"],
            sentence: "model-00002-of-00002.safetensors"),
        Damage(
            testDescription: "the tokenizer is missing", model: "families/siglip2_hf/model", file: "tokenizer.json",
            rows: ["tokenizer.json is missing"], sentence: "tokenizer.json is missing"),
        Damage(
            testDescription: "a width is wrong", model: "families/siglip2_hf/model", file: "config.json",
            edit: (#""hidden_size": 48"#, #""hidden_size": 64"#), rows: ["config.json"], sentence: "64"),
        Damage(
            testDescription: "every tensor has a wrong width", model: "families/clip_hf_gelu/model",
            file: "config.json", edit: (#""intermediate_size": "#, #""intermediate_size": 1"#),
            rows: ["model.safetensors", "vision_model.encoder.layers.0.mlp.fc1.weight", "expected"],
            sentence: "more, which the table lists"),
        Damage(
            testDescription: "a newer Watchword wrote it", model: "models/shapes", file: "watchword.json",
            edit: (#""format": 1"#, #""format": 2"#), rows: ["watchword.json"],
            sentence: "a newer Watchword wrote it"),
        Damage(
            testDescription: "a newer family", model: "families/siglip2_hf/model", file: "config.json",
            edit: (#""model_type": "siglip","#, #""model_type": "siglip3","#), rows: ["config.json"],
            sentence: "siglip3"),
    ]

    @Test("each is a row of a table with its file, then exit 65 and one sentence", arguments: damages)
    func table(_ damage: Damage) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "damaged-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.copyItem(
            at: Fixtures.repository.appending(path: "Tests/Fixtures/\(damage.model)"), to: folder)
        let file = folder.appending(path: damage.file)
        if let (from, to) = damage.edit {
            let text = try String(contentsOf: file, encoding: .utf8)
            try #require(text.contains(from))
            try text.replacing(from, with: to).write(to: file, atomically: false, encoding: .utf8)
        } else {
            try FileManager.default.removeItem(at: file)
        }
        let found = try await run("watchword", ["model", "inspect", folder.path])
        #expect(found.code == 65, "\(found)")
        let parts = found.out.components(separatedBy: "MISSING OR WRONG")
        try #require(parts.count == 2, "\(found.out)")
        for row in damage.rows { #expect(parts[1].contains(row), "\(row): \(parts[1])") }
        let sentences = found.err.split(separator: "\n")
        #expect(sentences.count == 1 && found.err.contains(damage.sentence), "\(found.err)")
        #expect(found.err.utf8.count < 600, "\(found.err)")
    }
}
