package import Checkpoints
package import Foundation
package import Tensors

/// A model on disk, opened but not yet computed with: names, sizes, defaults, and where its tensors are.
///
/// Layouts (found out by what is there): Hugging Face CLIP (`config.json`), or OpenAI's and CLIP4Clip's names.
package struct ModelDirectory: Sendable {
    package enum Layout: String, Sendable { case huggingFace = "Hugging Face", openAI = "OpenAI / CLIP4Clip" }

    package let url: URL
    package let layout: Layout
    package let architecture: Architecture
    package let defaults: ModelDefaults
    package let normalisation: Normalisation
    package let weights: URL
    private let file: SafetensorsFile
    private let hash: String

    package init(_ url: URL) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory), isDirectory.boolValue else {
            throw ModelError(url.path, "there is no such model directory")
        }
        self.url = url
        weights = url.appending(path: "model.safetensors")
        guard FileManager.default.fileExists(atPath: weights.path) else {
            throw ModelError(url.path, "the model directory has no model.safetensors")
        }
        file = try SafetensorsFile(path: weights.path)
        hash = file.headerHash
        let config = url.appending(path: "config.json")
        if FileManager.default.fileExists(atPath: config.path) {
            layout = .huggingFace
            architecture = try HuggingFaceConfig.read(config)
        } else {
            layout = .openAI
            architecture = try Architecture(inferredFrom: OpenAINames(file))
        }
        guard architecture.text.context >= 2 else {
            throw ModelError(url.path, "the text context of 1 token leaves no room for start and end")
        }
        defaults = try ModelDefaults.read(url.appending(path: "watchword.json"))
        normalisation = try PreprocessorConfig.read(
            url.appending(path: "preprocessor_config.json"), side: architecture.vision.side)
    }

    /// The towers' tensors in OpenAI's names.
    package var tensors: any TensorSource {
        switch layout {
        case .huggingFace: HuggingFaceNames(file)
        case .openAI: OpenAINames(file)
        }
    }

    /// The tokenizer: the directory's own vocabulary, or CLIP's, built in.
    package func tokenizer() throws -> Tokenizer {
        let vocabulary = url.appending(path: "vocab.json")
        let tokenizer =
            FileManager.default.fileExists(atPath: vocabulary.path)
            ? try Tokenizer(vocabulary: vocabulary, merges: url.appending(path: "merges.txt"))
            : try Tokenizer.builtIn()
        guard tokenizer.vocabularySize == architecture.text.vocabulary else {
            throw ModelError(
                url.path,
                "the vocabulary has \(tokenizer.vocabularySize) tokens, the weights \(architecture.text.vocabulary)")
        }
        return tokenizer
    }

    /// The weights that belong to a head: `heads/<name>.safetensors`, or what a CLIP4Clip checkpoint holds besides CLIP.
    package func headTensors(_ head: String) throws -> [String: HeadWeights] {
        let path = url.appending(path: "heads/\(head).safetensors")
        let source: SafetensorsFile
        if FileManager.default.fileExists(atPath: path.path) {
            source = try SafetensorsFile(path: path.path)
        } else if layout == .openAI {
            source = file
        } else {
            return [:]
        }
        let towers = layout == .openAI ? Set(tensors.tensors.keys) : []
        var found: [String: HeadWeights] = [:]
        for (name, info) in source.tensors where !name.hasPrefix("clip.") && !towers.contains(name) {
            found[name] = HeadWeights(shape: info.shape, values: try source.floats(name))
        }
        return found
    }

    /// Heads that have weights of their own in the directory.
    package var headsWithWeights: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: url.appending(path: "heads").path)) ?? []
        return files.filter { $0.hasSuffix(".safetensors") }.map { String($0.dropLast(12)) }.sorted()
    }

    /// `name@hash`, as events name the model: FNV-1a over the weights' header and size, cheap and stable.
    package var identity: String { "\(defaults.name ?? url.standardizedFileURL.lastPathComponent)@\(hash)" }

    /// The kept weights of a tower, as products of `precision` want them; nil where no cache directory is known.
    ///
    /// Keyed by the weights' file (its hash, its size, when it was written), oneDNN, the CPU and the number of cores.
    package func packed(_ tower: String, _ precision: Precision) -> PackedWeights? {
        guard let folder = PackedWeights.folder else { return nil }
        var status = stat()
        let written = stat(weights.path, &status) == 0 ? status.st_mtim : timespec()
        let precision = precision.resolved.rawValue
        let key = [
            hash, "\(file.fileSize)", "\(written.tv_sec).\(written.tv_nsec)", tower, precision,
            "oneDNN \(ComputeLibrary.oneDNNVersion)", ComputeLibrary.instructionSet,
            ComputeLibrary.tiles, "\(Workers.count) cores",
        ].joined(separator: ", ")
        return PackedWeights(folder: folder, model: "\(hash)-\(tower)-\(precision)", key: key)
    }

    /// Gives back the memory of tensors that were read; whoever needs one again reads it again.
    package func forget() { file.forget() }

    package var parameterCount: Int { tensors.tensors.values.reduce(0) { $0 + $1.count } }
}

/// A model that could not be used, and why.
package struct ModelError: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let reason: String

    package init(_ path: String, _ reason: String) {
        self.path = path
        self.reason = reason
    }

    package var description: String { "\(path): \(reason)" }
}
