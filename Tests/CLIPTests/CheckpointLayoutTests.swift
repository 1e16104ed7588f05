import CLIP
import Checkpoints
import Foundation
import Pixels
import StreamSources
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Layouts that other programs write, compared with what these programs compute from a picture.
@Suite("Layouts of checkpoints")
struct CheckpointLayoutTests {
    private static let folder = Fixtures.repository.appending(path: "Tests/Fixtures/checkpoints")

    private func copy(_ name: String) throws -> URL {
        let place = FileManager.default.temporaryDirectory.appending(path: "layout-\(UUID())")
        try FileManager.default.copyItem(at: Self.folder.appending(path: name), to: place)
        return place
    }

    private func embedding(_ url: URL, _ image: String) throws -> [Float] {
        let model = try ModelDirectory(url)
        let encoder = try ImageEncoder(
            model.tensors, architecture: model.architecture, normalisation: model.normalisation, precision: .f32)
        let picture = try StillImage.picture(
            file: Self.folder.appending(path: image).path, framing: model.preprocessing.framing)
        return try encoder.encode([picture]).row(0)
    }

    /// The expected values are the first numbers of `transformers` 5.24.0 and `open_clip` 3.3.0.
    @Test(
        "sizes, activation and preprocessing are what the configuration says",
        arguments: [
            ("squash", "wide200x150.png", [-0.8052, -1.4464, -0.4997]),
            ("v5", "rgb8.png", [-0.9973, -1.5702, -0.9459]),
            ("sharded", "rgb8.png", [-0.5621, -1.4918, -0.391]), ("bigG", "rgb8.png", [1.1992, 0.1975, 0.2446]),
        ] as [(String, String, [Float])])
    func values(_ name: String, _ image: String, _ expected: [Float]) throws {
        // transformers 5 scales by torchvision, whose bytes differ from Pillow's by up to one.
        #expect(worstExcess(try embedding(Self.folder.appending(path: name), image).prefix(3), expected) < 2e-3)
    }

    /// The expected values are OpenCLIP 3.3.0's with CLIP's constants; constants in the file, here 0.5, are obeyed.
    @Test("OpenCLIP's configuration says GELU, the width of heads, and mean and deviation")
    func openCLIP() throws {
        let model = try copy("openclip_h16_gelu")
        defer { try? FileManager.default.removeItem(at: model) }
        let read = try ModelDirectory(model)
        #expect(read.layout == .openCLIP && read.architecture.vision.heads == 2 && read.architecture.text.heads == 1)
        #expect(read.architecture.vision.activation == .gelu && read.architecture.text.activation == .gelu)
        #expect(read.normalisation == Normalisation(mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5]))
        let file = model.appending(path: "open_clip_config.json")
        var root = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        root["preprocess_cfg"] = nil
        try JSONSerialization.data(withJSONObject: root).write(to: file)
        #expect(worstExcess(try embedding(model, "rgb8.png").prefix(3), [-0.4744, 0.3431, 1.5488]) < 2e-4)
    }

    @Test("a TorchScript archive gives the tensors of its modules, and none of its code is run")
    func torchScript() throws {
        let script = try openCheckpoint(path: Self.folder.appending(path: "ViT-tiny.pt").path)
        let plain = try openCheckpoint(
            path: Self.folder.appending(path: "openclip_h16_gelu/pytorch_model.bin").path)
        #expect(Set(script.tensors.keys) == Set(plain.tensors.keys))
        for name in plain.tensors.keys {
            #expect(script.tensors[name]?.shape == plain.tensors[name]?.shape, "\(name)")
            #expect(try script.floats(name) == plain.floats(name), "\(name)")
        }
        // Beside it, OpenCLIP's configuration says the heads.
        let model = try copy("openclip_h16_gelu")
        defer { try? FileManager.default.removeItem(at: model) }
        let expected = try embedding(model, "rgb8.png")
        let file = model.appending(path: "pytorch_model.bin")
        try FileManager.default.removeItem(at: file)
        try FileManager.default.copyItem(at: Self.folder.appending(path: "ViT-tiny.pt"), to: file)
        #expect(try embedding(model, "rgb8.png") == expected)
    }

    @Test(
        "a model within sentence-transformers' folder or the hub's cache is found",
        arguments: [
            ["0_CLIPModel"], ["snapshots", "0123abc"],
        ])
    func nested(_ path: [String]) throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "nested-\(UUID())")
        defer { try? FileManager.default.removeItem(at: root) }
        let place = path.reduce(root) { $0.appending(path: $1) }
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: Self.folder.appending(path: "bigG"), to: place)
        #expect(try embedding(root, "rgb8.png") == embedding(Self.folder.appending(path: "bigG"), "rgb8.png"))
        #expect(try ModelInspection(root).problems == [])
        #expect(try ModelDirectory(root).identity.hasPrefix(root.lastPathComponent))
    }

    @Test("of several revisions in the hub's cache, refs/main names the one; without it they are listed")
    func revisions() throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "cache-\(UUID())")
        defer { try? FileManager.default.removeItem(at: root) }
        for (name, revision) in [("bigG", "aaa"), ("v5", "bbb")] {
            let place = root.appending(path: "snapshots/\(revision)")
            try FileManager.default.createDirectory(
                at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.copyItem(at: Self.folder.appending(path: name), to: place)
        }
        #expect { try ModelDirectory(root) } throws: { "\($0)".contains("snapshots/aaa, snapshots/bbb") }
        try FileManager.default.createDirectory(at: root.appending(path: "refs"), withIntermediateDirectories: true)
        try Data("bbb\n".utf8).write(to: root.appending(path: "refs/main"))
        #expect(try embedding(root, "rgb8.png") == embedding(Self.folder.appending(path: "v5"), "rgb8.png"))
    }

    /// Copies a model in Hugging Face's names with some tensors changed and added.
    private func edited(
        _ name: String, _ change: (inout [String: HeadWeights]) -> Void
    ) throws -> URL {
        let place = try copy(name)
        let file = place.appending(path: "model.safetensors").path
        let source = try SafetensorsFile(path: file)
        var weights: [String: HeadWeights] = [:]
        for (name, info) in source.tensors {
            weights[name] = HeadWeights(shape: info.shape, values: try source.floats(name))
        }
        change(&weights)
        try FileManager.default.removeItem(atPath: file)
        try SafetensorsWriter.write(MemoryTensors(weights, origin: file), names: weights.keys, to: file)
        return place
    }

    @Test("logit_scale may be a list of one number")
    func listedScale() throws {
        let place = try edited("bigG") { weights in
            weights["logit_scale"] = HeadWeights(shape: [1], values: weights["logit_scale"]?.values ?? [])
        }
        defer { try? FileManager.default.removeItem(at: place) }
        let plain = try ModelDirectory(Self.folder.appending(path: "bigG"))
        let listed = try ModelDirectory(place)
        #expect(try listed.logitScale() == plain.logitScale())
        #expect(try ModelInspection(place).problems == [])
        let converted = FileManager.default.temporaryDirectory.appending(path: "converted-\(UUID())")
        defer { try? FileManager.default.removeItem(at: converted) }
        _ = try ModelConversion.convert(listed, to: converted, replacing: false)
        let written = try SafetensorsFile(path: converted.appending(path: "model.safetensors").path)
        #expect(written.tensors["logit_scale"]?.shape == [])
    }

    @Test("the token table may have padding, and added tokens are cut out of texts")
    func addedTokens() throws {
        let place = try edited("bigG") { weights in
            let name = "text_model.embeddings.token_embedding.weight"
            guard let table = weights[name] else { return }
            let more = [Float](repeating: 0.25, count: 8 * table.shape[1])
            weights[name] = HeadWeights(shape: [table.shape[0] + 8, table.shape[1]], values: table.values + more)
        }
        defer { try? FileManager.default.removeItem(at: place) }
        let config = place.appending(path: "config.json")
        let text = try String(contentsOf: config, encoding: .utf8)
        try text.replacing("\"vocab_size\": 520", with: "\"vocab_size\": 528")
            .write(to: config, atomically: true, encoding: .utf8)
        try Data(#"{"<Extra>": 520, "<Extra>s": 521}"#.utf8).write(to: place.appending(path: "added_tokens.json"))
        let model = try ModelDirectory(place)
        let tokenizer = try model.tokenizer()
        #expect(tokenizer.vocabularySize == 522 && model.architecture.text.vocabulary == 528)
        let around = (tokenizer.encode("a red"), tokenizer.encode("dog"))
        #expect(tokenizer.encode("a red<Extra>s dog") == around.0 + [521] + around.1)
        #expect(tokenizer.encode("A red <Extra> dog <Extra>") == around.0 + [520] + around.1 + [520])
        #expect(
            tokenizer.encode("<extra>")
                == (try Tokenizer(
                    vocabulary: place.appending(path: "vocab.json"), merges: place.appending(path: "merges.txt")
                )
                .encode("<extra>")))
        #expect(try ModelInspection(place).problems == [])
    }

    @Test("tensors of element types that are not read hinder nothing unless a tower needs them")
    func strangeTypes() throws {
        func place(_ name: String) throws -> URL {
            let place = try copy("bigG")
            let file = place.appending(path: "model.safetensors")
            let data = try Data(contentsOf: file)
            let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            var header = try #require(
                try JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: Any])
            let body = data.count - 8 - length
            header[name] = ["dtype": "F8_E4M3", "shape": [4], "data_offsets": [body, body + 4]]
            let json = try JSONSerialization.data(withJSONObject: header)
            let size = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) }
            try (size + json + data[(8 + length)...] + Data(count: 4)).write(to: file)
            return place
        }
        let harmless = try place("quantizer.scale")
        let needed = try place("vision_model.pre_layrnorm.scale")
        defer { for url in [harmless, needed] { try? FileManager.default.removeItem(at: url) } }
        #expect(try embedding(harmless, "rgb8.png") == embedding(Self.folder.appending(path: "bigG"), "rgb8.png"))
        #expect { try ModelDirectory(needed) } throws: {
            "\($0)".contains("vision_model.pre_layrnorm.scale") && "\($0)".contains("F8_E4M3")
        }
    }

    @Test("a tensor of a tower that nothing would read is refused by its name")
    func strays() throws {
        let place = try edited("bigG") { weights in
            weights["vision_model.encoder.layers.0.layer_scale1.lambda1"] = HeadWeights(
                shape: [52],
                values: [
                    Float
                ](repeating: 0.5, count: 52))
        }
        defer { try? FileManager.default.removeItem(at: place) }
        #expect { try ModelDirectory(place) } throws: { "\($0)".contains("layer_scale1.lambda1") }
        #expect(try ModelInspection(place).problems.contains { $0.contains("layer_scale1.lambda1") })
    }

    @Test(
        "what lies where weights should be is named",
        arguments: [
            ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
            ("<!DOCTYPE html><html><head>", "HTML"), ("", "empty"), ("{\"error\": \"Not found\"}", "error message"),
        ])
    func strangers(_ content: String, _ expected: String) throws {
        let place = try copy("bigG")
        defer { try? FileManager.default.removeItem(at: place) }
        try Data(content.utf8).write(to: place.appending(path: "model.safetensors"))
        #expect { try ModelDirectory(place) } throws: { "\($0)".contains(expected) }
        #expect(try ModelInspection(place).problems.contains { $0.contains(expected) })
    }

    @Test(
        "a pointer of Git LFS in the place of a small file is named",
        arguments: ["config.json", "vocab.json", "merges.txt", "tokenizer.json"])
    func pointers(_ name: String) throws {
        let place = try copy("bigG")
        defer { try? FileManager.default.removeItem(at: place) }
        if name == "tokenizer.json" { try? FileManager.default.removeItem(at: place.appending(path: "vocab.json")) }
        try Data("version https://git-lfs.github.com/spec/v1\noid sha256:0\n".utf8).write(
            to: place.appending(path: name))
        #expect { try ModelDirectory(place).tokenizer() } throws: {
            "\($0)".contains("\(name): it is a pointer of Git LFS")
        }
    }

    @Test("an mlp_ratio that contradicts the weights is refused by its name", arguments: ["vision_cfg", "text_cfg"])
    func ratio(_ tower: String) throws {
        let place = try copy("openclip_h16_gelu")
        defer { try? FileManager.default.removeItem(at: place) }
        let file = place.appending(path: "open_clip_config.json")
        var root = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        var model = try #require(root["model_cfg"] as? [String: Any])
        var config = try #require(model[tower] as? [String: Any])
        config["mlp_ratio"] = 3.5
        model[tower] = config
        root["model_cfg"] = model
        try JSONSerialization.data(withJSONObject: root).write(to: file)
        #expect { try ModelDirectory(place) } throws: { "\($0)".contains("mlp_ratio\": expected 4.0") }
    }

    @Test("a checkpoint that is used without a directory takes the vocabulary beside it, where CLIP's own does not fit")
    func vocabularyBeside() throws {
        let place = try copy("openclip_h16_gelu")
        defer { try? FileManager.default.removeItem(at: place) }
        let expected = try ModelDirectory(place).tokenizer().encode("a red dog")
        for name in ["open_clip_config.json", "pytorch_model.bin"] {
            try FileManager.default.removeItem(at: place.appending(path: name))
        }
        let file = place.appending(path: "ViT-tiny.pt")
        try FileManager.default.copyItem(at: Self.folder.appending(path: "ViT-tiny.pt"), to: file)
        #expect(try ModelDirectory(file).tokenizer().encode("a red dog") == expected)
    }

    @Test(
        "without weights under a name that is read, what is there is named",
        arguments: [
            ("pytorch_model.bin.4", "pytorch_model.bin.4"), ("model-00001-of-00002.safetensors", "index"),
            ("tf_model.h5", "TensorFlow"),
        ])
    func otherNames(_ name: String, _ expected: String) throws {
        let place = try copy("bigG")
        defer { try? FileManager.default.removeItem(at: place) }
        try FileManager.default.moveItem(
            at: place.appending(path: "model.safetensors"), to: place.appending(path: name))
        #expect { try ModelDirectory(place) } throws: { "\($0)".contains(expected) && "\($0)".contains(name) }
    }

    @Test(
        "a tokenizer that is not CLIP's, or cuts texts sooner than the model, is refused by the key that says so",
        arguments: [
            (#"{"tokenizer_class": "BertTokenizer"}"#, "tokenizer_class"),
            (#"{"eos_token": {"content": "</s>"}}"#, "eos_token"), (#"{"model_max_length": 16}"#, "model_max_length"),
        ])
    func otherTokenizers(_ json: String, _ key: String) throws {
        let place = try copy("bigG")
        defer { try? FileManager.default.removeItem(at: place) }
        try Data(json.utf8).write(to: place.appending(path: "tokenizer_config.json"))
        #expect { try ModelDirectory(place).tokenizer() } throws: { "\($0)".contains("\"\(key)\"") }
        #expect(try ModelInspection(place).problems.contains { $0.contains("\"\(key)\"") })
    }

    @Test("inspect finds numbers that are none, by the names of their tensors")
    func brokenNumbers() throws {
        let place = try edited("bigG") { weights in
            let name = "vision_model.encoder.layers.0.mlp.fc1.bias"
            guard let bias = weights[name] else { return }
            var values = bias.values
            (values[3], values[7]) = (.nan, .infinity)
            weights[name] = HeadWeights(shape: bias.shape, values: values)
        }
        defer { try? FileManager.default.removeItem(at: place) }
        #expect(
            try ModelInspection(place).problems
                == ["tensor \"vision_model.encoder.layers.0.mlp.fc1.bias\": 2 of 256 numbers are NaN or infinite"])
    }

    @Test("a ResNet's image tower is refused in one sentence")
    func resNet() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "rn50-\(UUID()).safetensors")
        defer { try? FileManager.default.removeItem(at: file) }
        let one = HeadWeights(shape: [1], values: [0])
        let names = ["visual.conv1.weight", "visual.layer1.0.conv1.weight", "visual.attnpool.positional_embedding"]
        let weights = Dictionary(uniqueKeysWithValues: names.map { ($0, one) })
        try SafetensorsWriter.write(MemoryTensors(weights, origin: "test"), names: names, to: file.path)
        #expect { try ModelDirectory(file) } throws: { "\($0)".contains("ResNet") }
        let problems = try ModelInspection(file).problems
        #expect(problems.count == 1 && problems[0].contains("ResNet"))
    }
}
