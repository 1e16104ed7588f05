package import Checkpoints
package import Foundation
import SystemSupport
package import Tensors
package import Tokenizers

/// A model on disk, opened but not loaded: its configuration, and access to its tensors.
///
/// `ModelContents` finds the files; `ModelConfiguration` reads the configuration.
package struct ModelDirectory: Sendable {
    package enum Layout: String, Sendable {
        case huggingFace = "Hugging Face"
        case openAI = "OpenAI / CLIP4Clip"
        case openCLIP = "OpenCLIP"
    }

    /// The folder that contains the model's files; the checkpoint itself if it is used without a directory.
    package let url: URL
    package let layout: Layout
    package let architecture: Architecture
    package let defaults: ModelDefaults
    package let preprocessing: Preprocessing
    package let weights: URL
    /// Remarks about the configuration for people, one sentence each.
    package let notes: [String]
    private let tokenization: Tokenization
    private let name: String
    private let file: any CheckpointFile
    private let named: CheckpointNames
    private let hash: String

    package init(_ url: URL) throws {
        let contents = try ModelContents(url)
        guard let weights = contents.weights else { throw ModelError(contents.folder.path, contents.absence) }
        self.url = contents.folder
        self.weights = weights
        name = contents.named.standardizedFileURL.lastPathComponent
        file = try openCheckpoint(path: weights.path)
        named = try CheckpointNames(file)
        hash = file.sampleHash
        if let network = TowerTensors.resNet(file.tensors.keys) { throw ModelError(weights.path, network) }
        if let unread = TowerTensors.unreadable(file) { throw ModelError(weights.path, unread) }
        defaults = try ModelFile("watchword.json", in: contents.folder).map(ModelDefaults.parse) ?? ModelDefaults()
        let configuration = try ModelConfiguration(contents, tensors: named, defaults: defaults)
        layout = configuration.layout
        architecture = configuration.architecture
        preprocessing = configuration.preprocessing
        tokenization = configuration.tokenization
        notes = defaults.notes + configuration.notes + TokenizerFiles(contents.folder, tokenization).notes
        guard architecture.text.context >= 2 else {
            throw ModelError(url.path, "the text context of 1 token leaves no room for start and end")
        }
        if let stray = TowerTensors.strays(named, layout, architecture) { throw ModelError(weights.path, stray) }
    }

    package var normalisation: Normalisation { preprocessing.normalisation }

    /// The tensors of the image and text towers, named as in OpenAI's models.
    package var tensors: any TensorSource { layout.names(named) }

    /// Returns the factor that turns a cosine into a logit: e to the power of the tensor `logit_scale`, usually 100.
    package func logitScale() throws -> Float {
        let stored = try tensors.floats("logit_scale").first.map { exp($0) }
        guard let stored, stored.isFinite, stored > 0 else {
            throw ModelError(url.path, "its logit_scale is not a finite number")
        }
        return stored
    }

    /// Returns the scale and the bias that turn cosines into scores and probabilities.
    package func scoring() throws -> Scoring {
        guard architecture.isSigmoid else { return Scoring(scale: try logitScale(), bias: nil) }
        guard let stored = try tensors.floats("logit_bias").first, stored.isFinite else {
            throw ModelError(url.path, "its logit_bias is not a finite number")
        }
        return Scoring(scale: try logitScale(), bias: stored)
    }

    /// Returns the model's tokenizer: from the files of the directory, else CLIP's built-in one.
    ///
    /// Throws if the tokenizer does not fit the model.
    package func tokenizer() throws -> Tokenizer {
        let files = TokenizerFiles(url, tokenization)
        try files.checkConfiguration(context: architecture.text.context)
        let tokenizer = try files.tokenizer()
        try files.check(tokenizer, rows: architecture.text.vocabulary, end: architecture.text.endToken)
        return tokenizer
    }

    /// Returns the weights of a head, the model that turns a window's frame embeddings into a score.
    ///
    /// They come from `heads/<name>.safetensors`, or else from the checkpoint itself. A head that the checkpoint does
    /// not contain gets all tensors that belong to no other head.
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

    /// The heads (models above CLIP) whose tensors the checkpoint itself contains.
    ///
    /// In Hugging Face's layout, only X-Pool's and T-MASS's heads are recognised.
    package var inventory: HeadInventory {
        layout == .huggingFace && !HeadInventory.isPooledByText(named)
            ? HeadInventory([]) : HeadInventory(checkpoint: named.tensors.keys)
    }

    /// The names of heads (models above CLIP) that have weights, in files of `heads/` or in the checkpoint, sorted.
    package var headsWithWeights: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: url.appending(path: "heads").path)) ?? []
        let inFiles = files.filter { $0.hasSuffix(".safetensors") }.map { String($0.dropLast(12)) }
        return Set(inFiles).union(inventory.heads.map(\.name)).sorted()
    }

    /// The checkpoint's tensors under their names in the file, apart from small repairs (see `CheckpointNames`).
    package var stored: any TensorSource { named }

    /// The model's name in events, `name@hash`.
    ///
    /// The hash is FNV-1a over the size of the weights and a sample of their bytes.
    package var identity: String { "\(defaults.name ?? name)@\(hash)" }
    /// The model's name in the daemon's recordings: `identity`, and a hash of how the weights are read.
    ///
    /// Embeddings with different names come from different models and are never compared.
    package var historyIdentity: String { "\(identity) \(readingHash)" }

    /// Eight hexadecimal digits that change whenever the configuration changes the model's sizes or its preprocessing.
    package var readingHash: String {
        FNV1a("\(architecture) \(preprocessing)".utf8).digits
    }

    /// Returns the cache file of a tower's weights, in the order that the kernels of `precision` read them.
    ///
    /// Returns nil if there is no cache directory. The cache is valid only for the same weights (hash, size,
    /// modification time), oneDNN version, CPU and number of cores.
    package func packed(_ tower: String, _ precision: Precision) -> PackedWeights? {
        guard let folder = PackedWeights.folder else { return nil }
        let written = file.paths.map { path in
            var status = stat()
            let time = stat(path, &status) == 0 ? status.st_mtim : timespec()
            return "\(time.tv_sec).\(time.tv_nsec)"
        }.joined(separator: " ")
        let precision = precision.resolved.rawValue
        let key = [
            hash, "\(file.fileSize)", written, tower, precision,
            "oneDNN \(ComputeLibrary.oneDNNVersion)", ComputeLibrary.instructionSet,
            ComputeLibrary.layouts, "\(Workers.count) cores",
        ].joined(separator: ", ")
        return PackedWeights(folder: folder, model: "\(hash)-\(tower)-\(precision)", key: key)
    }

    /// The paths of all files with weights, and of a shard index, sorted.
    var weightFiles: [String] { Set(file.paths + [weights.path]).sorted() }

    /// Lets the system reclaim the memory of tensors that were read; later reads load them again.
    package func releaseMemory() { file.releaseMemory() }

    package var parameterCount: Int { tensors.tensors.values.reduce(0) { $0 + $1.count } }
}

/// An error about a model: its path, and the reason why it cannot be used.
package struct ModelError: Error, Equatable, CustomStringConvertible {
    package enum Kind: Sendable {
        /// No model has this name or path.
        case missing
        /// Several models have this name.
        case ambiguous
        /// The model exists but cannot be used.
        case invalid
    }

    package let path: String
    package let kind: Kind
    package let reason: String

    package init(_ path: String, kind: Kind = .invalid, _ reason: String) {
        self.path = path
        self.kind = kind
        self.reason = reason
    }

    package var description: String { "\(path): \(reason)" }
}
