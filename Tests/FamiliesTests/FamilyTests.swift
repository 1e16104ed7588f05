import CLIP
import Checkpoints
import Foundation
import Pixels
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite("Model families")
struct FamilyTests {
    @Test("pictures are framed as the reference frames them", arguments: FamilyCase.models)
    func framing(_ item: FamilyCase) throws {
        try item.withModel { model in
            let golden = try item.expected().integers("resized_rgb")
            let found = try item.pictures(model).flatMap { $0.rgb.map(Int.init) }
            try #require(found.count == golden.count)
            let differences = zip(found, golden).map { abs($0 - $1) }
            #expect((differences.max() ?? 0) <= 1)
            #expect(Double(differences.count { $0 == 0 }) >= 0.999 * Double(found.count))
        }
    }

    @Test("pictures are embedded as the reference embeds them, block by block", arguments: FamilyCase.models)
    func images(_ item: FamilyCase) throws {
        try item.withModel { model in
            let (expected, tolerance) = (try item.expected(), try item.description().tolerance)
            let encoder = try ImageEncoder(
                model.tensors, architecture: model.architecture, normalisation: model.normalisation, precision: .f32)
            let trace = try expected.floats("trace.visual0")
            var steps: [[Float]] = []
            _ = try encoder.encode([try #require(item.pictures(model).first)]) { steps.append($0.values) }
            let size = trace.count / steps.count
            for (step, values) in steps.enumerated() {
                // Where only the class token is pooled, the last block makes only that.
                let golden = trace[step * size..<step * size + values.count]
                #expect(worstExcess(values, golden, rtol: tolerance.rtol) <= tolerance.atol, "after block \(step)")
            }
            let features = try encoder.encode(item.pictures(model)).values
            check(features, try expected.floats("image_features"), model, tolerance)
        }
    }

    @Test("texts have the reference's tokens and embeddings", arguments: FamilyCase.models)
    func texts(_ item: FamilyCase) throws {
        try item.withModel { model in
            let (expected, tolerance) = (try item.expected(), try item.description().tolerance)
            let (golden, context) = (try expected.integers("token_ids"), model.architecture.text.context)
            let tokens = try item.tokens(model)
            for (row, ids) in tokens.enumerated() {
                #expect(ids == Array(golden[row * context..<row * context + ids.count]), "text \(row)")
            }
            let encoder = try TextEncoder(model.tensors, architecture: model.architecture, precision: .f32)
            let trace = try expected.floats("trace.text0")
            var steps: [[Float]] = []
            let features = try tokens.enumerated().flatMap { row, ids in
                try encoder.encode(ids) { if row == 0 { steps.append($0.values) } }
            }
            let size = trace.count / steps.count
            for (step, values) in steps.dropLast().enumerated() {
                let golden = trace[step * size..<step * size + values.count]
                #expect(worstExcess(values, golden, rtol: tolerance.rtol) <= tolerance.atol, "after block \(step)")
            }
            check(features, try expected.floats("text_features"), model, tolerance)
        }
    }

    private func check(
        _ found: [Float], _ golden: [Float], _ model: ModelDirectory, _ tolerance: FamilyCase.Description.Tolerance
    ) {
        #expect(worstExcess(found, golden, rtol: tolerance.rtol) <= tolerance.atol)
        let d = model.architecture.embedding
        for start in stride(from: 0, to: golden.count, by: d) {
            #expect(cosine(found[start..<start + d], golden[start..<start + d]) >= 0.99999)
        }
    }

    @Test("probabilities are the reference's: by a sigmoid where there is a bias", arguments: FamilyCase.models)
    func probabilities(_ item: FamilyCase) throws {
        try item.withModel { model in
            let expected = try item.expected()
            let (images, texts) = try item.features(model, .f32)
            let d = model.architecture.embedding
            let cosines = Products.timesTransposed(units(texts, d), units(images, d), width: d)
            let scoring = try model.scoring()
            let scores = cosines.map(scoring.score)
            #expect(worstExcess(scores, try expected.floats("similarity"), rtol: 1e-4) <= 1e-4)
            let columns = images.count / d
            var found = [Float](repeating: 0, count: scores.count)
            for picture in 0..<columns {
                let rows = stride(from: picture, to: scores.count, by: columns)
                for (row, value) in zip(rows, scoring.probabilities(rows.map { cosines[$0] })) { found[row] = value }
            }
            #expect(worstExcess(found, try expected.floats("probabilities")) <= 1e-4)
        }
    }

    private func units(_ rows: [Float], _ d: Int) -> [Float] {
        stride(from: 0, to: rows.count, by: d).flatMap { Products.unit(Array(rows[$0..<$0 + d])) }
    }

    private struct Line: Decodable {
        let text: String
        let ids: [Int]
    }

    @Test("every golden string has the reference's tokens", arguments: FamilyCase.models.filter(\.hasTokens))
    func strings(_ item: FamilyCase) throws {
        let url = item.folder.appending(path: "tokens.jsonl")
        try item.withModel { model in
            let tokenizer = try model.tokenizer()
            let lines = try Data(contentsOf: url).split(separator: 0x0A)
            #expect(lines.count > 50)
            for line in lines {
                let line = try JSONDecoder().decode(Line.self, from: line)
                let found = tokenizer.tokens(line.text, limit: model.architecture.text.context).ids
                #expect(found == line.ids, "\(line.text)")
            }
        }
    }

    @Test("nothing is missing by inspection, and the family is named", arguments: FamilyCase.models)
    func inspected(_ item: FamilyCase) throws {
        try item.withDirectory { folder in
            let found = try ModelInspection(folder)
            #expect(found.problems == [])
            let model = try ModelDirectory(folder)
            #expect(found.architecture == model.architecture && found.preprocessing == model.preprocessing)
            #expect(found.towers.map(\.layers) == [model.architecture.vision.layers, model.architecture.text.layers])
        }
    }
}
