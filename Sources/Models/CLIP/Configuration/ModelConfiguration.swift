import Checkpoints
import Foundation
import Pixels
package import Tokenizers

/// A model's configuration, merged from all files of its directory: sizes, preprocessing and tokenizer.
///
/// A key that changes numbers is either applied or rejected with an error that names it. Unknown keys are listed in
/// `notes`.
struct ModelConfiguration {
    private(set) var layout: ModelDirectory.Layout
    private(set) var architecture: Architecture
    private(set) var preprocessing: Preprocessing
    /// Remarks about the configuration for people, such as unknown keys; one sentence each.
    private(set) var notes: [String] = []

    private(set) var tokenization = Tokenization.clip

    /// Reads the configuration files in the directory of the weights.
    ///
    /// `tensors` is the checkpoint, renamed by `CheckpointNames`. Sizes that no file states are inferred from its
    /// tensors.
    init(_ contents: ModelContents, tensors: any TensorSource, defaults: ModelDefaults) throws {
        let folder = contents.folder
        var notes: [String] = []
        if contents.isOpenCLIP, let file = try ModelFile("open_clip_config.json", in: folder) {
            layout = .openCLIP
            guard !tensors.tensors.keys.contains(where: { $0.hasPrefix("vision_model.") }) else {
                throw ModelError(
                    file.path, "the weights beside it have Hugging Face's names, not OpenCLIP's: config.json is missing"
                )
            }
            let model = try OpenCLIPConfig.parse(file, tensors: layout.names(tensors))
            (architecture, preprocessing) = (model.architecture, model.preprocessing)
            tokenization = model.tokenization
        } else if let file = try ModelFile("config.json", in: folder) {
            layout = .huggingFace
            architecture = try HuggingFaceConfig.parse(file, notes: &notes)
            try Self.check(architecture, tensors, file)
            preprocessing = try Self.preprocessing(folder, architecture, notes: &notes)
            architecture.vision.linearPatch = Architecture.linearPatch(layout.names(tensors))
            if architecture.family == .siglip { tokenization = .siglip }
        } else {
            // X-Pool's and T-MASS's checkpoints have Hugging Face's tensor names, but OpenAI's sizes, and no
            // configuration.
            let isHuggingFace = HeadInventory.isPooledByText(tensors) && tensors.has("visual_projection.weight")
            layout = isHuggingFace ? .huggingFace : .openAI
            guard isHuggingFace || !tensors.tensors.keys.contains(where: { $0.hasPrefix("vision_model.") }) else {
                throw ModelError(folder.path, "config.json is missing: Hugging Face's layout needs it")
            }
            if contents.weights?.lastPathComponent.hasPrefix("open_clip_") ?? false {
                throw ModelError(
                    folder.path, "open_clip_config.json is missing, which says the model's activation and heads")
            }
            architecture = try Architecture(inferredFrom: layout.names(tensors), heads: defaults.towerHeads)
            preprocessing = try Self.preprocessing(folder, architecture, notes: &notes)
        }
        if let rounding = defaults.cropRounding { preprocessing.framing.cropRounding = rounding }
        self.notes = notes
    }

    /// Throws if `config.json` describes a CLIP model and the weights are SigLIP's, or the other way round.
    private static func check(_ found: Architecture, _ tensors: any TensorSource, _ file: ModelFile) throws {
        let isSigLIP = tensors.has("text_model.head.weight")
        let isCLIP = tensors.has("visual_projection.weight")
        guard isSigLIP || isCLIP, isSigLIP != (found.family == .siglip) else { return }
        throw ModelError(
            file.path,
            "it says \(found.family.rawValue), and the weights beside it are \(isSigLIP ? "SigLIP" : "CLIP")'s")
    }

    /// Returns the preprocessing from the model directory's files, or the default of the model's family.
    ///
    /// The image processor in `processor_config.json` takes precedence over `preprocessor_config.json`, as in
    /// transformers.
    private static func preprocessing(
        _ folder: URL, _ architecture: Architecture, notes: inout [String]
    ) throws -> Preprocessing {
        let (side, family) = (architecture.vision.side, architecture.family)
        if let file = try ModelFile("processor_config.json", in: folder),
            let nested = try PreprocessorConfig.nested(file, side: side, family: family, notes: &notes)
        {
            return nested
        }
        guard let file = try ModelFile("preprocessor_config.json", in: folder) else {
            return family.preprocessing(side: side)
        }
        return try PreprocessorConfig.parse(file, side: side, family: family, notes: &notes)
    }
}

/// The kind of tokenizer that a model needs, and how texts are cleaned before it.
package struct Tokenization: Sendable, Equatable {
    /// True if the model directory must contain tokenizer files; otherwise CLIP's built-in vocabulary is the fallback.
    package let needsFiles: Bool
    package let cleaning: TextCleaning.Rule
    /// True if the tokenizer must be CLIP's byte-pair encoding.
    package let isCLIP: Bool

    package static let clip = Tokenization(needsFiles: false, cleaning: .family, isCLIP: true)
    package static let siglip = Tokenization(needsFiles: true, cleaning: .family, isCLIP: false)
}
