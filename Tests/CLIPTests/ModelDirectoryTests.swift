import CLIP
import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Model directories")
struct ModelDirectoryTests {
    /// A copy of the shapes model that a test may damage.
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

    /// Opens the model, and builds everything that the daemon builds from it.
    private func open(_ folder: URL) throws {
        let model = try ModelDirectory(folder)
        _ = try model.tokenizer()
        let source = ModelDirectory.Layout.huggingFace.names(try SafetensorsFile(path: model.weights.path))
        _ = try ImageEncoder(source, architecture: model.architecture, precision: .f32)
        _ = try TextEncoder(source, architecture: model.architecture, precision: .f32)
    }

    @Test("the shapes model opens")
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

    /// Makes a directory with some files of a reference case.
    private func directory(_ files: [String]) throws -> URL {
        let example = Fixtures.reference.appending(path: "cases/seqTransf_2d")
        let folder = FileManager.default.temporaryDirectory.appending(path: "model-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for file in files {
            try FileManager.default.createSymbolicLink(
                at: folder.appending(path: file), withDestinationURL: example.appending(path: file))
        }
        return folder
    }

    @Test("pytorch_model.bin serves where model.safetensors is missing, with the head in it")
    func pytorch() throws {
        let models = try Fixtures.weightFiles.map { try ModelDirectory(directory([$0])) }
        #expect(models.map(\.weights.lastPathComponent) == Fixtures.weightFiles)
        let (safetensors, bin) = (models[0], models[1])
        #expect(bin.layout == .openAI && bin.architecture == safetensors.architecture)
        #expect(bin.parameterCount == safetensors.parameterCount)
        let head = try bin.headTensors("transformer")
        #expect(try head == safetensors.headTensors("transformer") && head["frame_position_embeddings.weight"] != nil)
        #expect(bin.identity.wholeMatch(of: /.+@[0-9a-f]{8}/) != nil)
        let other = try ModelDirectory(directory(["pytorch_model.bin"]))
        #expect(other.identity.suffix(8) == bin.identity.suffix(8))
        #expect(safetensors.identity.suffix(8) != bin.identity.suffix(8))
    }

    @Test("model.safetensors is taken before pytorch_model.bin; without both, both are named")
    func choice() throws {
        #expect(try ModelDirectory(directory(Fixtures.weightFiles)).weights.lastPathComponent == "model.safetensors")
        #expect {
            try ModelDirectory(directory([]))
        } throws: { error in
            Fixtures.weightFiles.allSatisfy("\(error)".contains)
        }
    }

    @Test("a Hugging Face model is read from pytorch_model.bin, its position_ids ignored")
    func huggingFaceBin() throws {
        let folder = try copy()
        defer { try? FileManager.default.removeItem(at: folder) }
        let weights = try Fixtures.safetensors(folder.appending(path: "model.safetensors"))
        let wanted = try ModelDirectory(folder)
        try Pickled.archive(weights, buffers: ["text_model.embeddings.position_ids"]).write(
            to: folder.appending(path: "pytorch_model.bin"))
        try FileManager.default.removeItem(at: folder.appending(path: "model.safetensors"))
        let found = try ModelDirectory(folder)
        #expect(found.weights.lastPathComponent == "pytorch_model.bin" && found.layout == .huggingFace)
        #expect(
            found.tensors.tensors == wanted.tensors.tensors && !found.tensors.has("text_model.embeddings.position_ids"))
        for name in wanted.tensors.tensors.keys {
            #expect(try found.tensors.floats(name) == wanted.tensors.floats(name), "\(name)")
        }
        _ = try ImageEncoder(found.tensors, architecture: found.architecture, precision: .f32)
    }

    @Test("names of older code become today's, what is no weight is left out, a clash is refused")
    func names() throws {
        func source(_ names: [String]) -> MemoryTensors {
            MemoryTensors(
                Dictionary(uniqueKeysWithValues: names.map { ($0, HeadWeights(shape: [1], values: [1])) }),
                origin: "memory")
        }
        let names = try CheckpointNames(
            source([
                "module.clip.ln_final.gamma", "module.clip.ln_final.beta", "vocab_size", "context_length",
                "input_resolution", "text_model.embeddings.position_ids",
            ]))
        #expect(Set(names.tensors.keys) == ["clip.ln_final.weight", "clip.ln_final.bias"])
        #expect(try names.floats("clip.ln_final.bias") == [1])
        #expect(throws: CheckpointError.self) { try CheckpointNames(source(["a.gamma", "a.weight"])) }
    }
}
