import CLIP
import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite("Conversion of model families")
struct FamilyConversionTests {
    @Test("a converted model frames, reads and embeds as its source does", arguments: FamilyCase.models)
    func converted(_ item: FamilyCase) throws {
        try item.withModel { model in
            let folder = FileManager.default.temporaryDirectory.appending(path: "family-\(UUID())")
            defer { try? FileManager.default.removeItem(at: folder) }
            _ = try ModelConversion.convert(model, to: folder, replacing: false)
            let other = try ModelDirectory(folder)
            // CLIP comes in one layout; others stay in theirs.
            #expect(other.layout == (model.architecture.family == .clip ? .huggingFace : model.layout))
            #expect(other.architecture == model.architecture && other.preprocessing == model.preprocessing)
            #expect(try ModelInspection(folder).problems == [])
            let text = try #require(item.description().texts?.compactMap { $0 }.first)
            let embeddings = try [model, other].map { model in
                let ids = try model.tokenizer().tokens(text, limit: model.architecture.text.context).ids
                return try TextEncoder(model.tensors, architecture: model.architecture, precision: .f32).encode(ids)
            }
            #expect(embeddings[0] == embeddings[1])
        }
    }
}
