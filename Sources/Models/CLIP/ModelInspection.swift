import Checkpoints
package import Foundation
import Tokenizers

/// The parts of a model on disk, and all problems found in it.
///
/// The inspection goes on after a problem, so that it lists as many as possible.
package struct ModelInspection: Sendable {
    /// One part of the model: the image tower, the text tower or a head (a model that scores windows of frames).
    package struct Part: Sendable, Equatable {
        package let name: String
        /// The file that holds the part; its path is relative to the model's directory.
        package let file: String
        package let layers: Int?
        package let parameters: Int
        /// The element types of the part's tensors, the one with the most numbers first.
        package let types: [String]
    }

    /// A problem of the model: something is missing or wrong.
    package struct Finding: Sendable, Equatable {
        /// The file with the problem, relative to the model's directory; empty for the directory itself.
        package let file: String
        package let reason: String
        /// The error message, which may begin with the path of the file.
        package let text: String

        package init(file: String, _ reason: String, text: String? = nil) {
            (self.file, self.reason, self.text) = (file, reason, text ?? reason)
        }
    }

    package let url: URL
    package private(set) var layout: ModelDirectory.Layout?
    package private(set) var architecture: Architecture?
    /// True if the image tower has 3D patches, which span three frames.
    package private(set) var has3DPatches = false
    package private(set) var towers: [Part] = []
    package private(set) var heads: [Part] = []
    package private(set) var defaults = ModelDefaults()
    /// The number of tokens in the tokenizer's vocabulary; nil if there is no tokenizer.
    package private(set) var vocabulary: Int?
    /// The paths of all files with weights, relative to the model's directory.
    package private(set) var weightFiles: [String] = []
    /// The names of tensors that belong neither to the image or text tower nor to a head.
    package private(set) var others: [String] = []
    /// All problems that were found; a model without any can be used.
    package private(set) var findings: [Finding] = []
    /// The problems' messages, one sentence each.
    package var problems: [String] { findings.map(\.text) }

    /// The preprocessing of pictures for the image tower; nil if the configuration cannot be read.
    package private(set) var preprocessing: Preprocessing?
    private var tokenization = Tokenization.clip
    /// Remarks for people that do not prevent the use of the model, one sentence each.
    package private(set) var notes: [String] = []

    package init(_ url: URL) throws(ModelError) {
        let contents = try ModelContents(url)
        self.url = contents.folder
        defaults =
            note { try ModelFile("watchword.json", in: contents.folder).map(ModelDefaults.parse) ?? ModelDefaults() }
            ?? ModelDefaults()
        notes = defaults.notes
        var source: (any TensorSource)?
        if let weights = contents.weights {
            let file = note { try openCheckpoint(path: weights.path) }
            let names = file.map { $0.paths.map { URL(filePath: $0).lastPathComponent } }
            let isAlone = contents.folder == weights
            weightFiles += isAlone ? [""] : names ?? [weights.lastPathComponent]
            if let file {
                if let unread = TowerTensors.unreadable(file) {
                    add(unread, weightFiles.first ?? "", text: "\(weights.path): \(unread)")
                }
                source = note { try CheckpointNames(file) }
            }
        } else {
            add(contents.absence)
        }
        if let network = source.flatMap({ TowerTensors.resNet($0.tensors.keys) }) {
            add(network, weightFiles.first ?? "")
            return
        }
        inspectTowers(source, contents)
        inspectHeads(source)
        inspectTokenizer()
        for problem in source.map(TowerTensors.broken) ?? [] { add(problem, weightFiles.first ?? "") }
    }

    private mutating func add(_ reason: String, _ file: String = "", text: String? = nil) {
        findings.append(Finding(file: file, reason, text: text))
    }

    /// Returns the result of `body`; if it throws, adds the error to the findings and returns nil.
    private mutating func note<T>(_ body: () throws -> T) -> T? {
        do {
            return try body()
        } catch {
            // Errors of files begin with the path.
            let (text, path) = ("\(error)", Self.path(of: error) ?? url.path)
            add(text.hasPrefix("\(path): ") ? String(text.dropFirst(path.count + 2)) : text, relative(path), text: text)
            return nil
        }
    }

    private static func path(of error: any Error) -> String? {
        switch error {
        case let error as ModelError: error.path
        case let error as CheckpointError: error.origin
        case let error as TokenizerError: error.file
        default: nil
        }
    }

    /// Returns a path relative to the model's directory; empty if the path is not inside it.
    private func relative(_ path: String) -> String {
        path.hasPrefix(url.path + "/") ? String(path.dropFirst(url.path.count + 1)) : ""
    }

    private mutating func inspectTowers(_ source: (any TensorSource)?, _ contents: ModelContents) {
        let hasConfig = FileManager.default.fileExists(atPath: url.appending(path: "config.json").path)
        let hasNames = source?.tensors.keys.contains { $0.hasPrefix("vision_model.") } ?? false
        if contents.isOpenCLIP, !hasNames {
            layout = .openCLIP
        } else if hasConfig || hasNames {
            layout = .huggingFace
        } else {
            layout = source == nil ? nil : .openAI
        }
        // Hugging Face and OpenCLIP keep sizes in files. OpenAI's sizes follow from the tensors, if none is missing.
        let isMissing = layout == .huggingFace && !hasConfig && !(source.map(HeadInventory.isPooledByText) ?? false)
        if isMissing { add("config.json is missing: Hugging Face's layout needs it", "config.json") }
        if layout == .openAI, contents.weights?.lastPathComponent.hasPrefix("open_clip_") ?? false {
            add(
                "open_clip_config.json is missing, which says the model's activation and heads",
                "open_clip_config.json")
        }
        let names = source ?? MemoryTensors([:], origin: url.path)
        if layout == .openAI {
            readConfiguration(try? ModelConfiguration(contents, tensors: names, defaults: defaults))
        } else if layout != nil, !isMissing {
            let defaults = defaults
            readConfiguration(note { try ModelConfiguration(contents, tensors: names, defaults: defaults) })
        }
        guard let source else { return }
        guard let layout else { return }
        let named = layout.names(source)
        inspectTowers(named) { named.storedNames($0).joined(separator: "\" and \"") }
        // If the sizes cannot be inferred and no tensor is missing, report the reason here.
        if layout == .openAI, architecture == nil, problems.isEmpty {
            let defaults = defaults
            _ = note { try ModelConfiguration(contents, tensors: source, defaults: defaults) }
        }
        if let architecture, let strays = TowerTensors.strays(source, layout, architecture) {
            add(strays, weightFiles.first ?? "")
        }
    }

    private mutating func readConfiguration(_ configuration: ModelConfiguration?) {
        architecture = configuration?.architecture
        preprocessing = configuration?.preprocessing
        tokenization = configuration?.tokenization ?? .clip
        notes += configuration?.notes ?? []
        if layout == .openAI, let architecture {
            notes.append(
                architecture.family == .clip
                    ? "no configuration says the activation and the attention heads: QuickGELU and 64 wide, as in "
                        + "OpenAI's models, are assumed"
                    : "no configuration says the attention heads: those of PE-Core's published sizes are assumed")
        }
    }

    private mutating func inspectTowers(_ tensors: any TensorSource, named: (String) -> String) {
        if let architecture {
            for problem in TowerTensors.problems(tensors, architecture, named: named) {
                add(problem, weightFiles.first ?? "")
            }
        } else {
            // Without sizes, only the tensors that every model has can be checked.
            let missing = TowerTensors.everyModels.filter { !tensors.has($0) }
            for name in missing { add("tensor \"\(named(name))\" is missing", weightFiles.first ?? "") }
        }
        has3DPatches = tensors.has("visual.conv2.weight")
        let mine = tensors.tensors.values.filter { TowerTensors.isTower($0.name) }
        let image = mine.filter { $0.name.hasPrefix("visual.") }
        let text = mine.filter { !$0.name.hasPrefix("visual.") && $0.name != "logit_scale" }
        let file = weightFiles.first ?? ""
        let names = Set(tensors.tensors.keys)
        for (name, infos, prefix) in [
            ("image tower", image, "visual.transformer.resblocks"), ("text tower", text, "transformer.resblocks"),
        ] {
            towers.append(Self.part(name, file, TowerTensors.layers(prefix, in: names), infos))
        }
    }

    private mutating func inspectHeads(_ source: (any TensorSource)?) {
        if let source, layout != .huggingFace || HeadInventory.isPooledByText(source) {
            inspectHeads(source, file: weightFiles.first ?? "", only: nil)
        }
        let folder = url.appending(path: "heads")
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for file in files.filter({ $0.hasSuffix(".safetensors") }).sorted() {
            let name = String(file.dropLast(12))
            weightFiles.append("heads/\(file)")
            guard let source = note({ try SafetensorsFile(path: folder.appending(path: file).path) }) else { continue }
            heads.removeAll { $0.name == name }  // the file takes precedence over the tensors in the checkpoint
            inspectHeads(source, file: "heads/\(file)", only: name)
        }
        heads.sort { $0.name < $1.name }
        if WeightedHead(rawValue: defaults.head) != nil, !heads.contains(where: { $0.name == defaults.head }) {
            add("the default head \"\(defaults.head)\" has no weights", "heads/\(defaults.head).safetensors")
        }
    }

    private mutating func inspectHeads(_ source: any TensorSource, file: String, only name: String?) {
        let inventory = HeadInventory(checkpoint: source.tensors.keys)
        for head in inventory.heads where name == nil || name == head.name {
            heads.append(Self.part(head.name, file, head.layers, head.tensors.compactMap { source.tensors[$0] }))
            for name in head.missing { add("head \"\(head.name)\": tensor \"\(name)\" is missing", file) }
        }
        guard let name else {
            others = inventory.others
            return
        }
        if inventory[name] == nil {
            // The tensors are of an unknown head, or the file is wrong: only the head's plugin can tell.
            heads.append(Self.part(name, file, nil, Array(source.tensors.values)))
        }
    }

    private mutating func inspectTokenizer() {
        let files = TokenizerFiles(url, tokenization)
        notes += files.notes
        guard let tokenizer = note({ try files.tokenizer() }) else { return }
        vocabulary = tokenizer.vocabularySize
        guard let text = architecture?.text else { return }
        _ = note { try files.checkConfiguration(context: text.context) }
        _ = note { try files.check(tokenizer, rows: text.vocabulary, end: text.endToken) }
        if tokenizer.vocabularySize < text.vocabulary {
            notes.append(
                "the token table has \(text.vocabulary) rows, of which \(tokenizer.vocabularySize) have a token")
        }
    }

    private static func part(_ name: String, _ file: String, _ layers: Int?, _ infos: [TensorInfo]) -> Part {
        let counts = Dictionary(grouping: infos, by: \.type.rawValue).mapValues { $0.reduce(0) { $0 + $1.count } }
        return Part(
            name: name, file: file, layers: layers, parameters: counts.values.reduce(0, +),
            types: counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key))
    }
}
