import CLIP
import Checkpoints
import Foundation
import Ingest
import Pixels
import Tensors
import TestSupport
import Testing

/// Directories as transformers and OpenCLIP write them, with what these make of texts and pictures.
///
/// Made by transformers 5.24.0, open_clip 3.3.0, Pillow 12.0.0 and ftfy 6.3.1: each case's `case.json` has the
/// versions.
@Suite("Model families")
struct FamilyTests {
    private struct Case: Decodable {
        let texts: [String?]
        let image_files: [String]
    }

    private static let names = ["clip_hf_gelu", "clip_hf_sharded_eos", "openclip_vit", "openclip_custom_bin"]

    private func open(_ name: String) throws -> (URL, Case, SafetensorsFile, ModelDirectory) {
        let folder = Fixtures.repository.appending(path: "Tests/Fixtures/families/\(name)")
        return (
            folder, try Fixtures.json(Case.self, folder.appending(path: "case.json")),
            try Fixtures.safetensors(folder.appending(path: "expected.safetensors")),
            try ModelDirectory(folder.appending(path: "model"))
        )
    }

    @Test("pictures are framed to the bit, and embedded as the reference does it", arguments: names)
    func pictures(_ name: String) throws {
        let (folder, item, expected, model) = try open(name)
        let encoder = try ImageEncoder(
            model.tensors, architecture: model.architecture, normalisation: model.normalisation, precision: .f32)
        let rgb = try expected.integers("resized_rgb")
        let features = try expected.floats("image_features")
        let side = model.architecture.vision.side
        let (size, d) = (side * side * 3, model.architecture.embedding)
        for (place, file) in item.image_files.enumerated() {
            let picture = try StillImage.picture(
                file: folder.appending(path: file).path, framing: model.preprocessing.framing)
            #expect(picture.rgb.map(Int.init) == Array(rgb[place * size..<(place + 1) * size]), "\(file)")
            let found = try encoder.encode([picture]).row(0)
            #expect(worstExcess(found, features[place * d..<(place + 1) * d], rtol: 4e-5) <= 4e-5, "\(file)")
        }
    }

    @Test("texts have the reference's tokens and embeddings", arguments: names)
    func texts(_ name: String) throws {
        let (_, item, expected, model) = try open(name)
        let tokenizer = try model.tokenizer()
        let encoder = try TextEncoder(model.tensors, architecture: model.architecture, precision: .f32)
        let ids = try expected.integers("token_ids")
        let features = try expected.floats("text_features")
        let (context, d) = (model.architecture.text.context, model.architecture.embedding)
        for (row, text) in item.texts.enumerated() {
            let golden = Array(ids[row * context..<(row + 1) * context])
            if let text {
                let found = tokenizer.tokens(text, limit: context).ids
                #expect(found == Array(golden.prefix(found.count)), "\(text)")
            }
            let found = try encoder.encode(golden)
            #expect(worstExcess(found, features[row * d..<(row + 1) * d], rtol: 4e-5) <= 4e-5, "row \(row)")
        }
    }

    @Test("a converted model frames, reads and embeds as its source does", arguments: names)
    func converted(_ name: String) throws {
        let (_, item, _, model) = try open(name)
        let folder = FileManager.default.temporaryDirectory.appending(path: "family-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = try ModelConversion.convert(model, to: folder, replacing: false)
        let other = try ModelDirectory(folder)
        #expect(other.layout == .huggingFace && other.architecture == model.architecture)
        #expect(other.preprocessing == model.preprocessing)
        #expect(try ModelInspection(folder).problems == [])
        let text = try #require(item.texts.compactMap { $0 }.first)
        let encoders = try [model, other].map { model in
            let ids = try model.tokenizer().tokens(text, limit: model.architecture.text.context).ids
            return try TextEncoder(model.tensors, architecture: model.architecture, precision: .f32).encode(ids)
        }
        #expect(encoders[0] == encoders[1])
    }
}
