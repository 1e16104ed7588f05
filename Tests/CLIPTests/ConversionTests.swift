import CLIP
import Checkpoints
import Foundation
import SystemSupport
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite("Converted models")
struct ConversionTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "conversion-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func convert(_ source: URL) throws -> (ModelDirectory, ModelDirectory, ModelConversion.Result) {
        let model = try ModelDirectory(source)
        let destination = folder.appending(path: "converted")
        let result = try ModelConversion.convert(model, to: destination, replacing: false)
        return (model, try ModelDirectory(destination), result)
    }

    /// Expects that two sources have the same tensors, with the same types and bits.
    private func expectSame(_ a: any TensorSource, _ b: any TensorSource, _ names: some Collection<String>) throws {
        for name in names {
            #expect(a.tensors[name] == b.tensors[name], "\(name)")
            #expect(try a.floats(name).map(\.bitPattern) == b.floats(name).map(\.bitPattern), "\(name)")
        }
    }

    @Test(
        "hold the source's bits, towers and head, from either kind of file", arguments: try CaseTests.folders(),
        ["model.safetensors", "pytorch_model.bin"])
    func bits(_ source: URL, file: String) throws {
        // A checkpoint file alone, and the directory that it lies in, are the same model.
        let (model, converted, result) = try convert(source.appending(path: file))
        #expect(model.layout == .openAI && converted.layout == .huggingFace)
        #expect(result.leftOut == [])
        let named = Set(model.tensors.tensors.keys)
        #expect(Set(converted.tensors.tensors.keys) == named)
        try expectSame(model.tensors, converted.tensors, named)
        #expect(try ModelDirectory(source).architecture == model.architecture)
        #expect(converted.architecture == model.architecture)
        #expect(converted.normalisation == model.normalisation)

        let inventory = model.inventory
        #expect(converted.headsWithWeights == inventory.heads.map(\.name))
        #expect(converted.defaults.head == inventory.trained && converted.defaults.thresholds.isEmpty)
        for head in inventory.heads {
            let file = try Fixtures.safetensors(converted.url.appending(path: "heads/\(head.name).safetensors"))
            #expect(Set(file.tensors.keys) == Set(head.tensors) && head.missing.isEmpty)
            try expectSame(model.stored, file, head.tensors)
            #expect(try converted.headTensors(head.name) == model.headTensors(head.name))
        }
    }

    @Test("compute what the source computes, to the bit", arguments: try CaseTests.folders())
    func features(_ source: URL) throws {
        let (model, converted, _) = try convert(source)
        let inputs = try Fixtures.safetensors(source.appending(path: "inputs.safetensors"))
        let ids = try inputs.integers("token_ids")
        let length = try #require(inputs.tensors["token_ids"]?.shape.last)
        func texts(_ model: ModelDirectory) throws -> [Float] {
            let encoder = try TextEncoder(model.tensors, architecture: model.architecture, precision: .f32)
            return try stride(from: 0, to: ids.count, by: length).flatMap {
                try encoder.encode(Array(ids[$0..<$0 + length]))
            }
        }
        #expect(try texts(model) == texts(converted))
        let frames = try inputs.floats("frames")
        func pictures(_ model: ModelDirectory) throws -> [Float] {
            try ImageEncoder(model.tensors, architecture: model.architecture, precision: .f32).encode(planes: frames)
                .values
        }
        #expect(try pictures(model) == pictures(converted))
    }

    @Test("of the shapes model are the shapes model")
    func bundled() throws {
        let (model, converted, result) = try convert(Fixtures.shapes)
        try expectSame(model.stored, converted.stored, model.stored.tensors.keys)
        #expect(converted.stored.tensors == model.stored.tensors)
        #expect(converted.defaults == model.defaults && result.head == "transformer")
        for (name, _) in result.files where !name.hasSuffix(".safetensors") || name.hasPrefix("heads/") {
            let (a, b) = (model.url.appending(path: name), converted.url.appending(path: name))
            #expect(try Data(contentsOf: a) == Data(contentsOf: b), "\(name)")
        }
        #expect(try converted.tokenizer().encode("a red circle") == model.tokenizer().encode("a red circle"))
    }

    @Test("keep what the source says of sampling and thresholds, and name its head if it does not")
    func defaults() throws {
        let source = folder.appending(path: "source")
        try FileManager.default.copyItem(
            at: Fixtures.reference.appending(path: "cases/seqLSTM_2d"), to: source)
        let own = source.appending(path: "watchword.json")
        for (said, head) in [("", "lstm"), (#", "default_head": "mean""#, "mean")] {
            try Data(#"{"sampling": {"fps": 2.5, "frames": 5}, "thresholds": {"lstm": 0.31}\#(said)}"#.utf8).write(
                to: own)
            let (_, converted, result) = try convert(source)
            #expect(result.head == head && converted.defaults.head == head)
            #expect(converted.defaults.fps == 2.5 && converted.defaults.frames == 5)
            #expect(converted.defaults.thresholds == ["lstm": 0.31])
            try FileManager.default.removeItem(at: converted.url)
        }
    }

    @Test("get CLIP's own vocabulary where its size is theirs, and read texts as before")
    func vocabulary() throws {
        struct Recipe: Decodable {
            struct Arch: Decodable { let config: ProceduralCLIP.Sizes }
            let archs: [String: Arch]
        }
        let recipe = try Fixtures.json(
            Recipe.self, Fixtures.reference.appending(path: "procedural/procedural.json"))
        let weights = ProceduralCLIP(try #require(recipe.archs["tiny"]).config, seed: 1)
        let source = folder.appending(path: "source")
        try FileManager.default.createDirectory(at: source, withIntermediateDirectories: true)
        let file = source.appending(path: "model.safetensors")
        try SafetensorsWriter.write(weights, names: weights.tensors.keys, to: file.path)
        let (_, converted, result) = try convert(source)
        #expect(result.notes == [])
        let (own, builtIn) = (try converted.tokenizer(), try Tokenizer.builtIn())
        #expect(own.vocabularySize == 49408 && own.startToken == builtIn.startToken && own.endToken == builtIn.endToken)
        let lines = try Data(contentsOf: Fixtures.reference.appending(path: "tokenizer/tokens.jsonl"))
        struct Line: Decodable { let text: String }
        for line in lines.split(separator: 0x0A) {
            let text = try JSONDecoder().decode(Line.self, from: line).text
            #expect(own.encode(text) == builtIn.encode(text), "\(text.debugDescription)")
        }
        let merges = try String(contentsOf: converted.url.appending(path: "merges.txt"), encoding: .utf8)
        #expect(merges.hasPrefix("#version: 0.2\ni n\nt h\n") && merges.hasSuffix("\n"))
    }

    @Test("are not made of a checkpoint that lacks a tensor, nor over their source")
    func refused() throws {
        let complete = try Fixtures.safetensors(
            Fixtures.reference.appending(path: "cases/seqLSTM_2d/model.safetensors"))
        for gone in ["clip.ln_final.bias", "clip.visual.transformer.resblocks.1.ln_2.bias", "lstm_visual.bias_hh_l0"] {
            let file = folder.appending(path: "\(gone).safetensors")
            let names = complete.tensors.keys.filter { $0 != gone }
            try SafetensorsWriter.write(complete, names: names, to: file.path)
            let short = gone.replacing("clip.", with: "")
            #expect { try convert(file) } throws: { "\($0)".contains(short) }
            #expect(try ModelInspection(file).problems.contains { $0.contains(gone) })
        }
        let shapes = try ModelDirectory(Fixtures.shapes)
        for place in [Fixtures.shapes, Fixtures.shapes.deletingLastPathComponent()] {
            #expect(throws: WriteError.self) { try ModelConversion.convert(shapes, to: place, replacing: true) }
        }
    }
}

@Suite("Inspected models")
struct InspectionTests {
    @Test("the shapes model lacks nothing, and its parts add up")
    func shapes() throws {
        let found = try ModelInspection(Fixtures.shapes)
        #expect(found.problems == [] && found.others == [])
        #expect(found.layout == .huggingFace && found.vocabulary == 2514 && !found.has3DPatches)
        #expect(found.heads.map(\.name) == ["lstm", "tight", "transformer"])
        #expect(found.heads.map(\.layers) == [1, 2, 2])
        let model = try ModelDirectory(Fixtures.shapes)
        // The towers are everything but the logit scale.
        #expect(found.towers.reduce(0) { $0 + $1.parameters } == model.parameterCount - 1)
        #expect(found.heads[0].parameters == 2 * 4 * 128 * 128 + 2 * 4 * 128)
    }

    @Test("a CLIP4Clip checkpoint says its head, patches and types", arguments: try CaseTests.folders())
    func cases(_ folder: URL) throws {
        struct Case: Decodable {
            let head: String, linear_patch: String
        }
        let fixture = try Fixtures.json(Case.self, folder.appending(path: "case.json"))
        let names = ["meanP": [], "seqLSTM": ["lstm"], "seqTransf": ["transformer"], "tightTransf": ["tight"]]
        let found = try ModelInspection(folder)
        #expect(found.heads.map(\.name) == names[fixture.head])
        #expect(found.has3DPatches == (fixture.linear_patch == "3d"))
        #expect(found.towers.allSatisfy { Set($0.types) == ["F16", "F32"] })
        // These models have few tokens, and no vocabulary for them.
        #expect(found.problems.count == 1 && found.problems[0].contains("vocab.json"))
    }

    @Test("everything that is missing is said, not only the first thing")
    func missing() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "inspection-\(UUID())")
        try FileManager.default.copyItem(at: Fixtures.shapes, to: folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "model.safetensors")
        let whole = try Fixtures.safetensors(file)
        let gone = [
            "vision_model.encoder.layers.3.self_attn.v_proj.weight", "text_model.encoder.layers.2.mlp.fc1.bias",
            "visual_projection.weight",
        ]
        try FileManager.default.removeItem(at: file)
        try SafetensorsWriter.write(whole, names: whole.tensors.keys.filter { !gone.contains($0) }, to: file.path)
        for name in ["merges.txt", "heads/transformer.safetensors"] {
            try FileManager.default.removeItem(at: folder.appending(path: name))
        }
        let problems = try ModelInspection(folder).problems
        for part in gone + ["merges.txt", "the default head \"transformer\" has no weights"] {
            #expect(problems.contains { $0.contains(part) }, "\(part): \(problems)")
        }
        #expect(problems.count == gone.count + 2, "\(problems)")
        try FileManager.default.removeItem(at: file)
        try FileManager.default.removeItem(at: folder.appending(path: "config.json"))
        #expect(try ModelInspection(folder).problems.contains { $0.contains("model.safetensors") })
        #expect(throws: ModelError.self) { try ModelInspection(URL(filePath: "/no/such/model")) }
    }
}
