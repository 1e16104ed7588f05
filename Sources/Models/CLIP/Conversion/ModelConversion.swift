package import Checkpoints
package import Foundation
import Pixels
import SystemSupport
import Tokenizers

/// Converts a model to Hugging Face's files and tensor names, with the heads (models above CLIP) and `watchword.json`.
///
/// Models of other families than CLIP keep their files and tensor names.
package enum ModelConversion {
    /// The result of a conversion: the files that were written, and remarks.
    package struct Result: Sendable {
        /// The written files in order: names relative to the new directory, and sizes in bytes.
        package var files: [(name: String, bytes: Int)] = []
        /// The name of the new model's default head (the plugin that turns frame embeddings into a clip embedding).
        package var head = "mean"
        /// The names of the source's tensors that were not written, since they belong to no tower and no head.
        package var leftOut: [String] = []
        /// Remarks about the conversion for people, one sentence each.
        package var notes: [String] = []
    }

    /// The names of files that are copied unchanged if the source has them.
    private static let ownFiles = [
        "config.json", "vocab.json", "merges.txt", "preprocessor_config.json", "tokenizer_config.json",
        "special_tokens_map.json", "tokenizer.json", "added_tokens.json", "processor_config.json",
    ]

    /// Returns a source's tensors under Hugging Face's names; the source has some or all towers in OpenAI's names.
    package static func inHuggingFaceNames(
        _ source: any TensorSource, _ architecture: Architecture
    ) throws(CheckpointError) -> any TensorSource {
        try HuggingFaceExport(source, architecture: architecture)
    }

    /// Converts the model to the directory `destination`, which appears complete or not at all.
    ///
    /// Numbers keep their values and element types. Throws if tensors are missing, or if a non-empty destination may
    /// not be replaced.
    package static func convert(_ model: ModelDirectory, to destination: URL, replacing: Bool) throws -> Result {
        let (from, to) = (model.url.resolvingSymlinksInPath().path, destination.resolvingSymlinksInPath().path)
        guard from != to, !from.hasPrefix(to + "/") else {
            throw WriteError(destination.path, "the source lies in it")
        }
        let missing = TowerTensors.problems(model.tensors, model.architecture)
        guard missing.isEmpty else { throw ModelError(model.url.path, missing.joined(separator: "; ")) }
        // Hugging Face's CLIP layout cannot express towers of other forms.
        let (text, vision) = (model.architecture.text.form, model.architecture.vision.form)
        let isCLIP =
            model.architecture.family == .clip && !model.architecture.isSigmoid && text == .clip && vision == .clip
        guard model.preprocessing.framing.fit != .longest || !isCLIP else {
            throw ModelError(
                model.url.path, "\"resize_mode\": Hugging Face's image processor has no counterpart of \"longest\"")
        }
        for head in model.inventory.heads where !head.missing.isEmpty {
            throw ModelError(
                model.url.path, "head \"\(head.name)\" lacks tensor \(head.missing.joined(separator: ", "))")
        }
        var result = Result()
        try StagedDirectory.create(destination, replacing: replacing) { folder in
            var writer = Writer(model: model, folder: folder)
            if isCLIP {
                try writer.copyOwnFiles(ownFiles)
                try writer.writeWeights()
            } else {
                try writer.copyWhole(ownFiles + ["open_clip_config.json", "spiece.model"])
            }
            try writer.writeHeads()
            if isCLIP {
                try writer.writeTokenizer()
                try writer.writeConfigs()
            } else {
                try writer.writeDefaults(rounding: nil)
            }
            result = writer.result
        }
        return result
    }
}

/// Writes the files of one conversion into the new folder.
private struct Writer {
    let model: ModelDirectory
    let folder: URL
    var result = ModelConversion.Result()
    private let inventory: HeadInventory

    init(model: ModelDirectory, folder: URL) {
        self.model = model
        self.folder = folder
        inventory = model.inventory
        result.leftOut = inventory.others
    }

    private func has(_ name: String) -> Bool { result.files.contains { $0.name == name } }

    private mutating func note(_ name: String) throws {
        let size = try folder.appending(path: name).resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
        result.files.append((name, size))
    }

    private mutating func write(_ name: String, _ bytes: [UInt8]) throws {
        let file = try OutputFile(path: folder.appending(path: name).path)
        try file.write(bytes)
        try file.finish()
        try note(name)
    }

    private mutating func copy(_ name: String) throws { try copy(model.url.appending(path: name).path, as: name) }

    private mutating func copy(_ path: String, as name: String) throws {
        let source = try MappedFile(path: path)
        let file = try OutputFile(path: folder.appending(path: name).path)
        for start in stride(from: 0, to: source.count, by: 1 << 20) {
            try file.write(source.withBytes(start..<min(source.count, start + 1 << 20)) { Array($0) })
        }
        try file.finish()
        try note(name)
    }

    mutating func copyOwnFiles(_ names: [String]) throws {
        // Beside OpenCLIP's weights, these files may describe another model.
        let others: Set = ["config.json", "preprocessor_config.json", "processor_config.json"]
        for name in names where FileManager.default.fileExists(atPath: model.url.appending(path: name).path) {
            if model.layout != .openCLIP || !others.contains(name) { try copy(name) }
        }
    }

    /// Copies a model of a family other than CLIP with its file and tensor names.
    ///
    /// A checkpoint with an unusual file name gets the name under which a model directory is searched for weights.
    mutating func copyWhole(_ names: [String]) throws {
        for name in names where FileManager.default.fileExists(atPath: model.url.appending(path: name).path) {
            try copy(name)
        }
        for path in model.weightFiles {
            let name = URL(filePath: path).lastPathComponent
            try copy(path, as: path == model.weights.path ? ModelContents.weightName(of: name) : name)
        }
        result.notes.append(
            "\(model.architecture.family.rawValue) is read in its own layout: the files are copied as they are")
    }

    mutating func writeWeights() throws {
        let source: any TensorSource =
            switch model.layout {
            case .huggingFace: model.stored
            case .openAI, .openCLIP: try HuggingFaceExport(model.tensors, architecture: model.architecture)
            }
        let heads = Set(inventory.heads.flatMap(\.tensors))
        try write(source, source.tensors.keys.filter { !heads.contains($0) }, "model.safetensors")
    }

    private mutating func write(_ source: some TensorSource, _ names: some Sequence<String>, _ file: String) throws {
        try SafetensorsWriter.write(source, names: names, to: folder.appending(path: file).path)
        try note(file)
    }

    /// Copies the source's files in `heads/`, and writes one for each head whose tensors are only in the checkpoint.
    mutating func writeHeads() throws {
        let names = model.headsWithWeights
        guard !names.isEmpty else { return }
        try StagedDirectory.makeDirectory(folder.appending(path: "heads"))
        for head in names {
            let name = "heads/\(head).safetensors"
            if FileManager.default.fileExists(atPath: model.url.appending(path: name).path) {
                try copy(name)
            } else if let held = inventory[head] {
                try write(model.stored, held.tensors, name)
            }
        }
    }

    mutating func writeTokenizer() throws {
        let tokens = model.architecture.text.vocabulary
        if !has("vocab.json"), !has("tokenizer.json") {
            guard tokens == VocabularyFiles.size else {
                result.notes.append(
                    "no vocabulary is written: the weights have \(tokens) tokens, CLIP's own has "
                        + "\(VocabularyFiles.size); add vocab.json and merges.txt")
                return
            }
            try write("vocab.json", VocabularyFiles.vocabulary)
            try write("merges.txt", VocabularyFiles.merges)
        }
        if !has("tokenizer_config.json") {
            try write(
                "tokenizer_config.json", ModelFilesWriter.tokenizerConfig(context: model.architecture.text.context))
        }
        if !has("special_tokens_map.json") {
            try write("special_tokens_map.json", ModelFilesWriter.json(ModelFilesWriter.specialTokens))
        }
    }

    mutating func writeConfigs() throws {
        if !has("config.json") { try write("config.json", ModelFilesWriter.config(model.architecture)) }
        var rounding: String?
        if !has("preprocessor_config.json"), !has("processor_config.json") {
            try write("preprocessor_config.json", ModelFilesWriter.preprocessor(model.preprocessing))
            rounding = model.preprocessing.framing.cropRounding.rawValue
        }
        try writeDefaults(rounding: rounding)
    }

    /// Writes `watchword.json`: a copy of the source's, with the missing values filled in.
    ///
    /// These are the default head, and `rounding` (how half pixels are rounded in the centre crop), which no other file
    /// can express; nil leaves it out.
    mutating func writeDefaults(rounding: String?) throws {
        let own = model.url.appending(path: "watchword.json")
        guard FileManager.default.fileExists(atPath: own.path) else {
            result.head = inventory.trained
            return try write(
                "watchword.json",
                ModelFilesWriter.watchword(
                    fps: model.defaults.fps, frames: model.defaults.frames, head: result.head,
                    rounding: rounding))
        }
        var said = try JSONSerialization.jsonObject(with: Data(contentsOf: own)) as? [String: Any] ?? [:]
        let namesHead = said["default_head"] != nil || inventory.trained == "mean"
        guard !namesHead || rounding != nil && said["crop_rounding"] == nil else {
            result.head = model.defaults.head
            return try copy("watchword.json")
        }
        result.head = namesHead ? model.defaults.head : inventory.trained
        if !namesHead { said["default_head"] = result.head }
        if let rounding { said["crop_rounding"] = said["crop_rounding"] ?? rounding }
        try write("watchword.json", ModelFilesWriter.json(said))
    }
}
