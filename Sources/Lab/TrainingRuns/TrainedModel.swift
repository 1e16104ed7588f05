import CLIP
import Checkpoints
import Evaluation
import Foundation
import SystemSupport
import Training

/// Writes trained parameters as a model directory that the daemon can load.
struct TrainedModel {
    /// The model that the training began with; files that the training did not change are copied from it.
    let source: ModelDirectory
    /// The heads that were trained; if there is exactly one, it becomes the model's default head.
    let heads: [HeadKind]
    /// True if all weights are new, so that the source's heads are not copied.
    var isFresh = false
    let layout: ParameterLayout
    let parameters: [Float]
    /// The score thresholds of heads, if the training chose them.
    var thresholds: [HeadKind: Thresholds] = [:]

    /// Writes the model directory atomically.
    ///
    /// `extras` maps names of further files to their text. Throws `WriteError` if `destination` is the source, or
    /// exists and `replacing` is false.
    func write(to destination: URL, replacing: Bool, extras: [String: String]) throws {
        let place = destination.standardizedFileURL
        guard source.url.resolvingSymlinksInPath().path != place.resolvingSymlinksInPath().path else {
            throw WriteError(destination.path, "it is the model that is trained from")
        }
        try StagedDirectory.check(place, replacing: replacing)
        let staged = place.deletingLastPathComponent()
            .appending(path: ".\(place.lastPathComponent).\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: staged) }
        _ = try ModelConversion.convert(source, to: staged, replacing: false)
        if isFresh { try? FileManager.default.removeItem(at: staged.appending(path: "heads")) }
        for head in heads { try write(head, in: staged) }
        try writeTowers(in: staged)
        try writeDefaults(in: staged)
        for (name, text) in extras { try Self.replace(staged.appending(path: name), Data(text.utf8)) }
        try StagedDirectory.publish(staged, as: place, replacing: replacing)
    }

    /// Returns the trained tensors for whose names `belongs` is true.
    private func tensors(_ belongs: (String) -> Bool) -> [String: HeadWeights] {
        var found: [String: HeadWeights] = [:]
        for entry in layout.entries where belongs(entry.name) {
            found[entry.name] = HeadWeights(shape: entry.shape, values: Array(parameters[entry.range]))
        }
        return found
    }

    /// Writes the file of a head: its own tensors, and the logit scale that was trained with it.
    private func write(_ head: HeadKind, in folder: URL) throws {
        let prefixes: [HeadKind: [String]] = [
            .lstm: ["lstm_visual."], .transformer: ["frame_position_embeddings.", "transformerClip."],
            .tight: ["cross.", "similarity_dense."],
        ]
        guard let own = prefixes[head] else { return }
        let weights = tensors { name in name == "clip.logit_scale" || own.contains(where: name.hasPrefix) }
        try StagedDirectory.makeDirectory(folder.appending(path: "heads"))
        let file = folder.appending(path: "heads/\(head.rawValue).safetensors")
        try? FileManager.default.removeItem(at: file)
        try SafetensorsWriter.write(MemoryTensors(weights, origin: file.path), names: weights.keys, to: file.path)
    }

    private var learnsTowers: Bool { layout.entry("clip.token_embedding.weight") != nil }

    /// Writes the towers' tensors: trained ones in place of the source's, if the towers were trained.
    private func writeTowers(in folder: URL) throws {
        guard learnsTowers else { return }
        var learnt: [String: HeadWeights] = [:]
        for (name, weight) in tensors({ $0.hasPrefix("clip.") }) { learnt[String(name.dropFirst(5))] = weight }
        let file = folder.appending(path: "model.safetensors")
        let renamed = try ModelConversion.inHuggingFaceNames(
            MemoryTensors(learnt, origin: "training"), source.architecture)
        let all = Overlay(below: try SafetensorsFile(path: file.path), above: renamed)
        try AtomicFile.write(to: file.path) { part in
            try SafetensorsWriter.write(all, names: all.tensors.keys, to: part)
        }
    }

    /// Writes the model's defaults: the default head, and the thresholds.
    ///
    /// Stored thresholds that no longer fit the scores are removed.
    private func writeDefaults(in folder: URL) throws {
        let file = folder.appending(path: "watchword.json")
        let data = try Data(contentsOf: file)
        var defaults = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
        let trained = heads.map(\.rawValue)
        if trained.count == 1 { defaults["default_head"] = trained[0] }
        if isFresh { defaults["default_head"] = "mean" }
        if heads.count > 1 { defaults["default_head"] = HeadKind.transformer.rawValue }
        for (key, value) in [("thresholds", \Thresholds.usual), ("quiet_thresholds", \Thresholds.quiet)] {
            var numbers = learnsTowers ? [:] : defaults[key] as? [String: Any] ?? [:]
            for head in trained { numbers[head] = nil }
            for (head, chosen) in thresholds {
                numbers[head.rawValue] = (chosen[keyPath: value] * 1000).rounded() / 1000
            }
            defaults[key] = numbers.isEmpty ? nil : numbers
        }
        let options: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try Self.replace(file, JSONSerialization.data(withJSONObject: defaults, options: options) + Data("\n".utf8))
    }

    private static func replace(_ file: URL, _ data: Data) throws {
        do { try data.write(to: file) } catch { throw WriteError(file.path, "\(error.localizedDescription)") }
    }
}

/// A tensor source in which the tensors of `above` replace those of `below`.
private struct Overlay: TensorSource {
    let below: any TensorSource
    let above: any TensorSource
    var origin: String { below.origin }
    var tensors: [String: TensorInfo] { below.tensors.merging(above.tensors) { _, new in new } }

    func floats(_ name: String) throws(CheckpointError) -> [Float] {
        try above.has(name) ? above.floats(name) : below.floats(name)
    }
}
