import Checkpoints
import Foundation
import Pixels

/// A model's configuration, from all files of its directory: it alone decides sizes, activations and preprocessing.
///
/// Every key that changes numbers is obeyed, or refused by its name. Keys that are not known are named in `notes`.
struct ModelConfiguration {
    private(set) var layout: ModelDirectory.Layout
    private(set) var architecture: Architecture
    private(set) var preprocessing: Preprocessing
    /// Remarks for people, one sentence each.
    private(set) var notes: [String] = []

    /// Reads the files beside the weights, whose tensors have the names of today.
    init(_ contents: ModelContents, tensors: any TensorSource, defaults: ModelDefaults) throws {
        let folder = contents.folder
        var notes: [String] = []
        if contents.isOpenCLIP, let file = try ModelFile("open_clip_config.json", in: folder) {
            layout = .openCLIP
            (architecture, preprocessing) = try OpenCLIPConfig.parse(file)
            guard !tensors.tensors.keys.contains(where: { $0.hasPrefix("vision_model.") }) else {
                throw ModelError(
                    file.path, "the weights beside it have Hugging Face's names, not OpenCLIP's: config.json is missing"
                )
            }
        } else if let file = try ModelFile("config.json", in: folder) {
            layout = .huggingFace
            architecture = try HuggingFaceConfig.parse(file, notes: &notes)
            preprocessing = try Self.preprocessing(folder, side: architecture.vision.side, notes: &notes)
            architecture.vision.linearPatch = Architecture.linearPatch(HuggingFaceNames(tensors))
        } else {
            layout = .openAI
            if contents.weights?.lastPathComponent.hasPrefix("open_clip_") ?? false {
                throw ModelError(
                    folder.path, "open_clip_config.json is missing, which says the model's activation and heads")
            }
            architecture = try Architecture(inferredFrom: OpenAINames(tensors))
            preprocessing = try Self.preprocessing(folder, side: architecture.vision.side, notes: &notes)
        }
        if let rounding = defaults.cropRounding { preprocessing.framing.cropRounding = rounding }
        self.notes = notes
    }

    /// The image processor of the directory; CLIP's own without one.
    ///
    /// Where both files are there, transformers takes the nested one.
    static func preprocessing(_ folder: URL, side: Int, notes: inout [String]) throws -> Preprocessing {
        if let file = try ModelFile("processor_config.json", in: folder),
            let nested = try PreprocessorConfig.nested(file, side: side, notes: &notes)
        {
            return nested
        }
        guard let file = try ModelFile("preprocessor_config.json", in: folder) else {
            return Preprocessing(framing: Framing(side: side))
        }
        return try PreprocessorConfig.parse(file, side: side, notes: &notes)
    }
}
