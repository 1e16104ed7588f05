import CLIP
import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

/// Tests that a problem of a directory is reported in one sentence that names the directory.
@Suite("Directories of model families that are refused")
struct FamilyRefusalTests {
    private func open(_ folder: URL) throws {
        let model = try ModelDirectory(folder)
        _ = try model.tokenizer()
        _ = try model.scoring()
        _ = try ImageEncoder(model.tensors, architecture: model.architecture, precision: .f32)
        _ = try TextEncoder(model.tensors, architecture: model.architecture, precision: .f32)
    }

    private func item(_ name: String) -> FamilyCase {
        FamilyCase(folder: Fixtures.repository.appending(path: "Tests/Fixtures/families/\(name)"))
    }

    @Test(
        "a file that is missing is named",
        arguments: [
            ("siglip2_hf", "config.json", "config.json"), ("siglip2_hf", "tokenizer.json", "tokenizer.json"),
            ("siglip1_hf", "spiece.model", "tokenizer.json"), ("siglip2_openclip", "tokenizer.json", "tokenizer.json"),
            ("siglip2_openclip", "open_clip_config.json", "open_clip_config.json"),
            ("pe_core_b_openclip", "open_clip_model.safetensors", "weights"),
            ("mobileclip2_b", "open_clip_config.json", "open_clip_config.json"),
            ("clip_hf_sharded_eos", "model-00002-of-00002.safetensors", "model-00002-of-00002.safetensors"),
        ])
    func missing(_ name: String, _ file: String, _ named: String) throws {
        try item(name).withCopy { folder in
            try FileManager.default.removeItem(at: folder.appending(path: file))
            #expect { try open(folder) } throws: { "\($0)".contains(named) && !"\($0)".contains("\n") }
            #expect(try ModelInspection(folder).problems.contains { $0.contains(named) })
        }
    }

    @Test(
        "a width that is wrong, and a family that is not read, are named with what was found",
        arguments: [
            ("siglip2_hf", "config.json", #""hidden_size": 48"#, #""hidden_size": 64"#, "64"),
            ("siglip2_hf", "config.json", #""model_type": "siglip","#, #""model_type": "siglip2","#, "siglip2"),
            ("siglip2_hf", "config.json", #""model_type": "siglip","#, #""model_type": "clip","#, "SigLIP"),
            ("siglip1_hf", "config.json", #""image_size": 44"#, #""image_size": 88"#, "88"),
            ("siglip2_hf", "tokenizer.json", #""type": "BPE""#, #""type": "WordPiece""#, "WordPiece"),
            (
                "siglip2_openclip", "open_clip_config.json", "vit_base_patch16_siglip_256", "vit_base_naflex",
                "vit_base_naflex"
            ),
            ("pe_core_b_openclip", "open_clip_config.json", "vit_pe_core_base", "vit_pe_lang_base", "vit_pe_lang_base"),
            ("pe_core_b_openclip", "open_clip_config.json", #""image_size": 64"#, #""image_size": 80"#, "pos_embed"),
            ("mobileclip2_b", "open_clip_config.json", "vit_base_mci_224", "fastvit_mci2", "fastvit_mci2"),
        ])
    func wrong(_ name: String, _ file: String, _ from: String, _ to: String, _ named: String) throws {
        try item(name).withCopy { folder in
            let place = folder.appending(path: file)
            let text = try String(contentsOf: place, encoding: .utf8)
            try #require(text.contains(from))
            try FileManager.default.removeItem(at: place)
            try text.replacing(from, with: to).write(to: place, atomically: false, encoding: .utf8)
            #expect(throws: (any Error).self) { try open(folder) }
            let problems = try ModelInspection(folder).problems
            #expect(problems.contains { $0.contains(named) }, "\(problems)")
        }
    }
}
