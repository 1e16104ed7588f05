import Foundation
import TestSupport
import Testing
import WireFormat

/// Tests every layout of a model with every command that reads one, named by its checkpoint and by its directory.
///
/// The expected values are the directory's; `FamiliesTests` compares these with other programs.
@Suite("Model layouts by command", .serialized)
struct ModelLayoutTests {
    struct Layout: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// The path of the checkpoint in the fixtures.
        let file: String
        /// The name that the file is copied to, away from its directory; nil if it is not copied.
        var alone: String?
    }

    static let layouts = [
        Layout(testDescription: "Hugging Face's CLIP", file: "families/clip_hf_gelu/model/model.safetensors"),
        Layout(
            testDescription: "Hugging Face's CLIP in shards",
            file: "families/clip_hf_sharded_eos/model/model.safetensors.index.json"),
        Layout(
            testDescription: "OpenCLIP's safetensors", file: "families/openclip_vit/model/open_clip_model.safetensors"),
        Layout(
            testDescription: "OpenCLIP's state dict",
            file: "families/openclip_custom_bin/model/open_clip_pytorch_model.bin"),
        Layout(testDescription: "SigLIP 1", file: "families/siglip1_hf/model/model.safetensors"),
        Layout(
            testDescription: "SigLIP 2 by OpenCLIP", file: "families/siglip2_openclip/model/open_clip_model.safetensors"
        ),
        Layout(testDescription: "Meta's PE-Core", file: "families/pe_core_b_meta/model/PE-Core-B16-224.pt"),
        Layout(
            testDescription: "Meta's PE-Core alone", file: "families/pe_core_b_meta/model/PE-Core-B16-224.pt",
            alone: "best.pt"),
    ]

    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "layouts-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func succeed(_ arguments: [String]) async throws -> String {
        let found = try await run("watchword", arguments)
        #expect(found.code == 0, "\(arguments.joined(separator: " ")): \(found.err)")
        return found.out
    }

    /// Returns the embeddings of a text and of a picture, one a line.
    private func embeddings(_ model: URL) async throws -> String {
        let picture = Fixtures.repository.appending(path: "Tests/Fixtures/families/clip_hf_gelu/images/0_97x61.png")
        return try await succeed([
            "embed", "--model", model.path, "--text", "Two dogs run across a snowy field!", "--image", picture.path,
        ])
    }

    /// Returns the score of each window of a film; batches, and so the last digits, vary between runs.
    private func scores(_ model: URL) async throws -> [Double] {
        let file = folder.appending(path: "\(UUID()).jsonl")
        _ = try await succeed([
            "watch", Fixtures.repository.appending(path: "Tests/Fixtures/films/phone.mp4").path, "--model", model.path,
            "--query", "a red sign", "--threshold", "0.99", "--fps", "1", "--frames", "2", "--head", "mean", "--scores",
            file.path,
        ])
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap {
            try WireCoding.decode(JSONValue.self, Data($0.utf8))["score"]?.double
        }
    }

    @Test("inspect, embed, watch and convert take a checkpoint's file as its directory", arguments: layouts)
    func verbs(_ layout: Layout) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var file = Fixtures.repository.appending(path: "Tests/Fixtures/\(layout.file)")
        var model = file.deletingLastPathComponent()
        if let alone = layout.alone {
            model = folder.appending(path: alone)
            try FileManager.default.copyItem(at: file, to: model)
            file = model
        }
        let (expected, wanted) = (try await embeddings(model), try await scores(model))
        #expect(expected.split(separator: "\n").count == 2 && wanted.count > 10)
        for source in Set([model, file]) { _ = try await succeed(["model", "inspect", source.path]) }
        let converted = folder.appending(path: "converted")
        _ = try await succeed(["model", "convert", file.path, converted.path])
        _ = try await succeed(["model", "inspect", converted.path])
        #expect(try await embeddings(converted) == expected)
        guard file != model else { return }
        #expect(try await embeddings(file) == expected)
        let found = try await scores(file)
        #expect(found.count == wanted.count && zip(found, wanted).allSatisfy { abs($0 - $1) < 1e-4 })
    }
}
