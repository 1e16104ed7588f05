package import Checkpoints
package import Foundation
package import Tensors

/// A model on disk, opened but not yet computed with: names, sizes, defaults, and where its tensors are.
///
/// Layouts (found out by what is there): Hugging Face CLIP (`config.json`), or OpenAI's and CLIP4Clip's names. Weights:
/// `model.safetensors`, or else `pytorch_model.bin`.
package struct ModelDirectory: Sendable {
    package enum Layout: String, Sendable { case huggingFace = "Hugging Face", openAI = "OpenAI / CLIP4Clip" }

    package let url: URL
    package let layout: Layout
    package let architecture: Architecture
    package let defaults: ModelDefaults
    package let normalisation: Normalisation
    package let weights: URL
    private let file: any CheckpointFile
    private let named: CheckpointNames
    private let hash: String

    package init(_ url: URL) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) else {
            throw ModelError(url.path, "there is no such model")
        }
        self.url = url
        // A checkpoint file alone is a model without any of the files beside it.
        guard let weights = isDirectory.boolValue ? Self.findWeights(url) : url else {
            throw ModelError(
                url.path, "the model directory has neither \(Self.weightNames.joined(separator: " nor "))")
        }
        self.weights = weights
        file = try openCheckpoint(path: weights.path)
        named = try CheckpointNames(file)
        hash = file.headerHash
        if let config = try ModelFile("config.json", in: url) {
            layout = .huggingFace
            var read = try HuggingFaceConfig.parse(config)
            read.vision.linearPatch = Architecture.linearPatch(HuggingFaceNames(named))
            architecture = read
        } else {
            layout = .openAI
            architecture = try Architecture(inferredFrom: OpenAINames(named))
        }
        guard architecture.text.context >= 2 else {
            throw ModelError(url.path, "the text context of 1 token leaves no room for start and end")
        }
        defaults = try ModelFile("watchword.json", in: url).map(ModelDefaults.parse) ?? ModelDefaults()
        normalisation = try ModelFile("preprocessor_config.json", in: url).map(PreprocessorConfig.parse) ?? .clip
    }

    /// The files that may hold the weights; the first that is there does.
    static let weightNames = ["model.safetensors", "pytorch_model.bin"]

    static func findWeights(_ folder: URL) -> URL? {
        weightNames.map { folder.appending(path: $0) }.first { FileManager.default.fileExists(atPath: $0.path) }
    }

    /// The towers' tensors in OpenAI's names.
    package var tensors: any TensorSource {
        switch layout {
        case .huggingFace: HuggingFaceNames(named)
        case .openAI: OpenAINames(named)
        }
    }

    /// What cosines are multiplied by before a softmax makes probabilities of them: e to the `logit_scale`, as a rule 100.
    package func logitScale() throws -> Float {
        let stored = try tensors.floats("logit_scale").first.map { exp($0) }
        guard let stored, stored.isFinite, stored > 0 else {
            throw ModelError(url.path, "its logit_scale is not a finite number")
        }
        return stored
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
        let source: any TensorSource
        let names: [String]
        if FileManager.default.fileExists(atPath: path.path) {
            source = try SafetensorsFile(path: path.path)
            names = source.tensors.keys.filter { !$0.hasPrefix("clip.") }
        } else {
            source = named
            names = inventory[head]?.tensors ?? inventory.others
        }
        var found: [String: HeadWeights] = [:]
        for name in names {
            guard let info = source.tensors[name] else { continue }
            found[name] = HeadWeights(shape: info.shape, values: try source.floats(name))
        }
        return found
    }

    /// The heads that the checkpoint itself holds; none in Hugging Face's layout.
    package var inventory: HeadInventory {
        layout == .openAI ? HeadInventory(checkpoint: named.tensors.keys) : HeadInventory([])
    }

    /// Heads that have weights of their own, in `heads/` or in the checkpoint, sorted.
    package var headsWithWeights: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: url.appending(path: "heads").path)) ?? []
        let inFiles = files.filter { $0.hasSuffix(".safetensors") }.map { String($0.dropLast(12)) }
        return Set(inFiles).union(inventory.heads.map(\.name)).sorted()
    }

    /// The tensors as they are stored, under the names of the file, brought up to date.
    package var stored: any TensorSource { named }

    /// `name@hash`, as events name the model: FNV-1a over the weights' size and a sample of them, cheap and stable.
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
            ComputeLibrary.layouts, "\(Workers.count) cores",
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
