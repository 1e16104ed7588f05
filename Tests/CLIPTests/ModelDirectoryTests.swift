import CLIP
import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Model directories")
struct ModelDirectoryTests {
    /// A copy of the bundled model that may be spoilt.
    private func copy() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "model-\(UUID())")
        try FileManager.default.copyItem(at: Fixtures.shapes, to: folder)
        return folder
    }

    private func edit(_ file: URL, _ from: String, _ to: String) throws {
        let text = try String(contentsOf: file, encoding: .utf8)
        try #require(text.contains(from))
        try text.replacing(from, with: to).write(to: file, atomically: true, encoding: .utf8)
    }

    /// Opens the model and builds what the daemon builds of it.
    private func open(_ folder: URL) throws {
        let model = try ModelDirectory(folder)
        _ = try model.tokenizer()
        let source = HuggingFaceNames(try SafetensorsFile(path: model.weights.path))
        _ = try ImageEncoder(source, architecture: model.architecture, precision: .f32)
        _ = try TextEncoder(source, architecture: model.architecture, precision: .f32)
    }

    @Test("the bundled model opens")
    func bundled() throws {
        try open(Fixtures.shapes)
        #expect(try ModelDirectory(Fixtures.shapes).headsWithWeights == ["lstm", "tight", "transformer"])
    }

    @Test(
        "a config that does not fit the weights or makes no sense is refused",
        arguments: [
            ("\"patch_size\": 8", "\"patch_size\": 16"), ("\"patch_size\": 8", "\"patch_size\": 7"),
            ("\"patch_size\": 8", "\"patch_size\": 0"), ("\"image_size\": 64", "\"image_size\": \"big\""),
            ("\"num_hidden_layers\": 4", "\"num_hidden_layers\": 5"), ("\"vocab_size\": 2514", "\"vocab_size\": 2513"),
            ("\"max_position_embeddings\": 32", "\"max_position_embeddings\": 1"),
            ("\"num_attention_heads\": 2", "\"num_attention_heads\": 3"), ("quick_gelu", "relu"),
            ("\"model_type\": \"clip\"", "\"model_type\": \"bert\""), ("{", "["),
        ])
    func wrongConfig(_ from: String, _ to: String) throws {
        let folder = try copy()
        defer { try? FileManager.default.removeItem(at: folder) }
        try edit(folder.appending(path: "config.json"), from, to)
        #expect { try open(folder) } throws: { "\($0)".contains(folder.lastPathComponent) }
    }

    @Test("a missing or truncated file is named", arguments: ["model.safetensors", "vocab.json", "merges.txt"])
    func brokenFiles(_ name: String) throws {
        let folder = try copy()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: name)
        let data = try Data(contentsOf: file)
        try data.prefix(data.count / 2).write(to: file)
        #expect { try open(folder) } throws: { "\($0)".contains(folder.lastPathComponent) }
        if name != "vocab.json" {  // without it, CLIP's own vocabulary is taken, and does not fit
            try FileManager.default.removeItem(at: file)
            #expect { try open(folder) } throws: { "\($0)".contains(folder.lastPathComponent) }
        }
    }
}
