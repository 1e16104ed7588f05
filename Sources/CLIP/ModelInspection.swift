import Checkpoints
package import Foundation

/// What a model holds and what it lacks, as far as either can be told: the first problem does not end it.
package struct ModelInspection: Sendable {
    /// A tower or a head.
    package struct Part: Sendable, Equatable {
        package let name: String
        /// Where it lies, relative to the model.
        package let file: String
        package let layers: Int?
        package let parameters: Int
        /// Element types, the commonest first.
        package let types: [String]
    }

    package let url: URL
    package private(set) var layout: ModelDirectory.Layout?
    package private(set) var architecture: Architecture?
    /// Whether the patches span three frames.
    package private(set) var has3DPatches = false
    package private(set) var towers: [Part] = []
    package private(set) var heads: [Part] = []
    package private(set) var defaults = ModelDefaults()
    /// The number of tokens the tokenizer knows.
    package private(set) var vocabulary: Int?
    /// Every file with weights, relative to the model.
    package private(set) var weightFiles: [String] = []
    /// Names of tensors that belong to neither tower nor head.
    package private(set) var others: [String] = []
    /// What is missing or wrong, a sentence each; a model without any can be used.
    package private(set) var problems: [String] = []

    package init(_ url: URL) throws(ModelError) {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) else {
            throw ModelError(url.path, "there is no such model")
        }
        self.url = url
        let weights = isDirectory.boolValue ? ModelDirectory.findWeights(url) : url
        defaults =
            note { try ModelFile("watchword.json", in: url).map(ModelDefaults.parse) ?? ModelDefaults() }
            ?? ModelDefaults()
        var source: (any TensorSource)?
        if let weights {
            let name = isDirectory.boolValue ? weights.lastPathComponent : ""
            weightFiles.append(name)
            source = note { try CheckpointNames(openCheckpoint(path: weights.path)) }
        } else {
            problems.append("\(ModelDirectory.weightNames.joined(separator: " or ")) is missing")
        }
        inspectTowers(source)
        inspectHeads(source)
        inspectTokenizer()
        _ = note { try ModelFile("preprocessor_config.json", in: url).map(PreprocessorConfig.parse) }
    }

    /// The result, or nil and a problem more.
    private mutating func note<T>(_ body: () throws -> T) -> T? {
        do {
            return try body()
        } catch {
            problems.append("\(error)")
            return nil
        }
    }

    private mutating func inspectTowers(_ source: (any TensorSource)?) {
        let url = url
        let config = note { try ModelFile("config.json", in: url) } ?? nil
        let hasConfig = FileManager.default.fileExists(atPath: url.appending(path: "config.json").path)
        let hasNames = source?.tensors.keys.contains { $0.hasPrefix("vision_model.") } ?? false
        let isHuggingFace = hasConfig || hasNames
        layout = isHuggingFace ? .huggingFace : source == nil ? nil : .openAI
        if let config {
            architecture = note { try HuggingFaceConfig.parse(config) }
        } else if isHuggingFace, !hasConfig {
            problems.append("config.json is missing: Hugging Face's layout needs it")
        }
        guard let source else { return }
        if isHuggingFace {
            let named = HuggingFaceNames(source)
            inspectTowers(named, stored: source) { named.storedNames($0).joined(separator: "\" and \"") }
        } else {
            let prefix = OpenAINames.prefix(source.tensors.keys)
            let named = OpenAINames(source)
            architecture = try? Architecture(inferredFrom: named)
            inspectTowers(named, stored: source) { prefix + $0 }
        }
    }

    private mutating func inspectTowers(
        _ tensors: some TensorSource, stored: any TensorSource, named: (String) -> String
    ) {
        if let architecture {
            problems += TowerTensors.problems(tensors, architecture, named: named)
        } else {
            // Without sizes, names can be missed that every model has.
            let missing = TowerTensors.everyModels.filter { !tensors.has($0) }
            problems += missing.map { "tensor \"\(named($0))\" is missing" }
            if missing.isEmpty, layout == .openAI { _ = note { try Architecture(inferredFrom: tensors) } }
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
        if layout == .openAI, let source { inspectHeads(source, file: weightFiles.first ?? "", only: nil) }
        let folder = url.appending(path: "heads")
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for file in files.filter({ $0.hasSuffix(".safetensors") }).sorted() {
            let name = String(file.dropLast(12))
            weightFiles.append("heads/\(file)")
            guard let source = note({ try SafetensorsFile(path: folder.appending(path: file).path) }) else { continue }
            heads.removeAll { $0.name == name }  // the file is what is taken
            inspectHeads(source, file: "heads/\(file)", only: name)
        }
        heads.sort { $0.name < $1.name }
        let needsWeights = ["lstm", "transformer", "tight"].contains(defaults.head)
        if needsWeights, !heads.contains(where: { $0.name == defaults.head }) {
            problems.append("the default head \"\(defaults.head)\" has no weights")
        }
    }

    private mutating func inspectHeads(_ source: any TensorSource, file: String, only name: String?) {
        let inventory = HeadInventory(checkpoint: source.tensors.keys)
        for head in inventory.heads where name == nil || name == head.name {
            heads.append(Self.part(head.name, file, head.layers, head.tensors.compactMap { source.tensors[$0] }))
            problems += head.missing.map { "head \"\(head.name)\": tensor \"\($0)\" is missing" }
        }
        guard let name else {
            others = inventory.others
            return
        }
        if inventory[name] == nil {
            // A head of somebody else's, or a wrong file: its plugin decides.
            heads.append(Self.part(name, file, nil, Array(source.tensors.values)))
        }
    }

    private mutating func inspectTokenizer() {
        let (own, merges) = (url.appending(path: "vocab.json"), url.appending(path: "merges.txt"))
        let hasOwn = FileManager.default.fileExists(atPath: own.path)
        let tokenizer = note {
            try hasOwn ? Tokenizer(vocabulary: own, merges: merges) : Tokenizer.builtIn()
        }
        vocabulary = tokenizer?.vocabularySize
        guard let vocabulary, let wanted = architecture?.text.vocabulary, vocabulary != wanted else { return }
        problems.append(
            hasOwn
                ? "vocab.json has \(vocabulary) tokens, the weights \(wanted)"
                : "vocab.json and merges.txt are missing: CLIP's own vocabulary has \(vocabulary) tokens, the weights \(wanted)"
        )
    }

    private static func part(_ name: String, _ file: String, _ layers: Int?, _ infos: [TensorInfo]) -> Part {
        let counts = Dictionary(grouping: infos, by: \.type.rawValue).mapValues { $0.reduce(0) { $0 + $1.count } }
        return Part(
            name: name, file: file, layers: layers, parameters: counts.values.reduce(0, +),
            types: counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key))
    }
}
