import CLIP
import Checkpoints
import Foundation
import Heads
import TestSupport
import Testing

/// Compares X-Pool and T-MASS with their authors' code (commits bc88718 and 417fdf1).
@Suite("Heads with public checkpoints")
struct FamilyHeadTests {
    private struct Setting {
        let head: Head
        let texts: [Float]
        let frames: [Float]
        let valid: [Int]
        let length: Int

        /// Computes the scores `[texts, windows]`.
        func scores(windows: [Int]? = nil) throws -> [Float] {
            let windows = windows ?? Array(valid.indices)
            let pairs = (0..<texts.count / head.width).flatMap { text in windows.map { (text: text, window: $0) } }
            return try head.score(texts: texts, frames, valid: valid, frames: length, pairs: pairs)
        }
    }

    private func setting(_ item: FamilyCase, trials: Int? = nil) throws -> Setting {
        let description = try item.description()
        let known = try #require(description.head)
        let name = known.prior == nil ? "xpool" : "tmass"
        let source = try Fixtures.safetensors(item.folder.appending(path: "model/\(name).safetensors"))
        let inputs = try Fixtures.safetensors(item.folder.appending(path: "inputs.safetensors"))
        let weights = try source.tensors.mapValues { HeadWeights(shape: $0.shape, values: try source.floats($0.name)) }
        var config: [String: Any] = ["attention_heads": known.attention_heads, "seed": description.seed]
        config["prior"] = known.prior
        config["trials"] = trials
        let json = String(decoding: try JSONSerialization.data(withJSONObject: config), as: UTF8.self)
        let library = try HeadFinder.standard(first: [Fixtures.plugins]).load(name)
        let mask = try inputs.integers("mask")
        return Setting(
            head: try Head(library, width: known.d, maxFrames: known.num_frames, weights: weights, config: json),
            texts: try inputs.floats("texts"), frames: try inputs.floats("frames"),
            valid: stride(from: 0, to: mask.count, by: known.num_frames).map {
                mask[$0..<$0 + known.num_frames].reduce(0, +)
            }, length: known.num_frames)
    }

    @Test("every pair has the reference's score, by one table of noise", arguments: FamilyCase.heads)
    func scores(_ item: FamilyCase) throws {
        let (setting, expected, description) = (try setting(item), try item.expected(), try item.description())
        let golden = try expected.floats(description.head?.prior == nil ? "scores_masked" : "scores_trials")
        let tolerance = description.tolerance
        #expect(worstExcess(try setting.scores(), golden, rtol: tolerance.rtol) <= tolerance.atol)
    }

    @Test(
        "without trials, T-MASS is the cosine of the unmoved text",
        arguments: FamilyCase.heads.filter { (try? $0.description().head?.prior) ?? nil != nil })
    func mean(_ item: FamilyCase) throws {
        let expected = try item.expected()
        #expect(worstExcess(try setting(item, trials: 0).scores(), try expected.floats("scores_mean")) <= 2e-5)
    }

    @Test("a pair's score does not depend on the pairs beside it", arguments: FamilyCase.heads)
    func alone(_ item: FamilyCase) throws {
        let setting = try setting(item)
        let (all, count) = (try setting.scores(), setting.valid.count)
        for window in 0..<count {
            let column = stride(from: window, to: all.count, by: count).map { all[$0] }
            #expect(worstExcess(try setting.scores(windows: [window]), column) <= 1e-6)
        }
        // More pairs than a batch.
        let many = try setting.scores(windows: (0..<40).map { $0 % count })
        #expect(worstExcess(Array(many.prefix(count)), Array(all.prefix(count))) <= 1e-6)
    }

    @Test("T-MASS refuses windows longer than its weights, and a prior that is not known")
    func refused() throws {
        let item = FamilyCase(folder: Fixtures.repository.appending(path: "Tests/Fixtures/families/head_tmass"))
        let source = try Fixtures.safetensors(item.folder.appending(path: "model/tmass.safetensors"))
        let weights = try source.tensors.mapValues { HeadWeights(shape: $0.shape, values: try source.floats($0.name)) }
        let library = try HeadFinder.standard(first: [Fixtures.plugins]).load("tmass")
        #expect { try Head(library, width: 32, maxFrames: 7, weights: weights) } throws: { "\($0)".contains("6") }
        #expect {
            try Head(library, width: 32, maxFrames: 6, weights: weights, config: #"{"prior": "cauchy"}"#)
        } throws: { "\($0)".contains("prior") }
        #expect { try Head(library, width: 32, maxFrames: 6, weights: [:]) } throws: { "\($0)".contains("stochastic") }
    }

    @Test("a public checkpoint is taken apart into towers and head", arguments: FamilyCase.heads)
    func checkpoint(_ item: FamilyCase) throws {
        let model = try ModelDirectory(item.folder.appending(path: "model/model_best.pth"))
        let name = try item.description().head?.prior == nil ? "xpool" : "tmass"
        #expect(model.layout == .huggingFace && model.inventory.heads.map(\.name) == [name])
        let source = try Fixtures.safetensors(item.folder.appending(path: "model/\(name).safetensors"))
        let place = FileManager.default.temporaryDirectory.appending(path: "apart-\(UUID())")
        defer { try? FileManager.default.removeItem(at: place) }
        #expect(try ModelConversion.convert(model, to: place, replacing: false).head == name)
        let towers = try Fixtures.safetensors(place.appending(path: "model.safetensors"))
        #expect(towers.tensors.keys.allSatisfy { !$0.hasPrefix("pool_frames.") && !$0.hasPrefix("clip.") })
        let head = try Fixtures.safetensors(place.appending(path: "heads/\(name).safetensors"))
        #expect(Set(head.tensors.keys) == Set(source.tensors.keys))
        for key in source.tensors.keys where !key.hasSuffix("learnable_scalar") {
            #expect(try head.floats(key) == source.floats(key))
        }
        #expect(try ModelInspection(place).problems.allSatisfy { $0.contains("vocabulary") })
    }
}
