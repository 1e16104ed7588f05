import Checkpoints
import Foundation
import Heads
import TestSupport
import Testing

/// The built plugins, and functions to score with them.
enum Plugins {
    static let finder = HeadFinder.standard(first: [Fixtures.plugins])
    static let names = ["mean", "lstm", "transformer", "tight"]
    /// The heads whose weights come from small public cases of other authors (`Tests/Fixtures/families`).
    static let families = ["xpool", "tmass"]
    static let all = names + families
    /// The heads that score a text and a window together.
    static let pairing: Set<String> = ["tight", "xpool", "tmass"]

    /// The embedding width of a head's weights in the tests.
    static func width(_ name: String) -> Int { families.contains(name) ? 32 : 128 }
    static func frames(_ name: String) -> Int { families.contains(name) ? 6 : 8 }
    /// The heads by CLIP4Clip's names of the similarity calculators.
    static let byReference = ["meanP": "mean", "seqLSTM": "lstm", "seqTransf": "transformer", "tightTransf": "tight"]

    /// The weights of a source that belong to no CLIP tower.
    static func weights(_ source: any TensorSource) throws -> [String: HeadWeights] {
        try source.tensors.filter { !$0.key.hasPrefix("clip.") }.mapValues {
            HeadWeights(shape: $0.shape, values: try source.floats($0.name))
        }
    }

    /// The weights of the shapes model's head, or of the public case; none for `mean`.
    static func bundledWeights(_ name: String) throws -> [String: HeadWeights] {
        guard name != "mean" else { return [:] }
        if families.contains(name) {
            let folder = Fixtures.repository.appending(path: "Tests/Fixtures/families/head_\(name)/model")
            // T-MASS's scalar is used in training alone.
            return try weights(Fixtures.safetensors(folder.appending(path: "\(name).safetensors")))
                .filter { $0.key != "stochastic.std_branch.learnable_scalar" }
        }
        return try weights(Fixtures.safetensors(Fixtures.shapes.appending(path: "heads/\(name).safetensors")))
    }

    static func bundled(_ name: String, maxFrames: Int? = nil) throws -> Head {
        try Head(
            finder.load(name), width: width(name), maxFrames: maxFrames ?? frames(name), weights: bundledWeights(name))
    }
}

extension Head {
    /// Computes `[texts, windows]`: cosines times `scale` of a pooling head, raw logits of a pairing head.
    func similarity(texts: [Float], _ frames: [Float], valid: [Int], frames T: Int, scale: Float) throws -> [Float] {
        let count = texts.count / width
        guard !library.pairs else {
            let pairs = (0..<count).flatMap { text in valid.indices.map { (text: text, window: $0) } }
            return try score(texts: texts, frames, valid: valid, frames: T, pairs: pairs)
        }
        let clips = try pool(frames, valid: valid, frames: T)
        return (0..<count).flatMap { text in
            let text = texts[text * width..<(text + 1) * width]
            return valid.indices.map { scale * Float(cosine(text, clips[$0 * width..<($0 + 1) * width])) }
        }
    }
}

/// The number of valid frames of each window in a mask `[windows, frames]`.
func lengths(_ mask: [Int], frames T: Int) -> [Int] {
    stride(from: 0, to: mask.count, by: T).map { mask[$0..<$0 + T].reduce(0, +) }
}
