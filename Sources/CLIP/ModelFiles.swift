import Checkpoints
package import Foundation
import Tensors

/// A small file of a model directory, in memory: untrusted.
package struct ModelFile {
    package let path: String
    package let data: Data

    package init(path: String, data: Data) {
        self.path = path
        self.data = data
    }

    /// Far beyond any real file; JSON grows when it is read.
    private static let sizeLimit = 4 << 20

    /// Nil if there is no such file.
    init?(_ name: String, in directory: URL) throws {
        let path = directory.appending(path: name).path
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let file = try MappedFile(path: path)
        guard file.count <= Self.sizeLimit else {
            throw ModelError(path, "it has \(file.count) bytes, more than the limit of \(Self.sizeLimit)")
        }
        self.init(path: path, data: file.withBytes(0..<file.count) { Data($0) })
    }
}

/// `watchword.json`: what Watchword takes as defaults with a model.
///
/// Without it: 1 fps, 12 frames, mean, no threshold.
package struct ModelDefaults: Sendable, Equatable {
    package var name: String?
    package var fps = 1.0
    package var frames = 12
    package var head = "mean"
    /// By head; none is guessed.
    package var thresholds: [String: Double] = [:]
    /// Prompt templates of queries that bring none.
    package var prompts: [String] = []
    /// Attention heads of a transformer head, by head, where they are not one for each 64 of the width.
    package var attentionHeads: [String: Int] = [:]

    package init() {}

    /// What a head's plugin is told of the model: the `config_json` of the contract.
    package func configuration(ofHead head: String) -> String {
        attentionHeads[head].map { "{\"attention_heads\": \($0)}" } ?? "{}"
    }

    package static func parse(_ file: ModelFile) throws -> ModelDefaults {
        var defaults = ModelDefaults()
        let json = try ModelJSON(file)
        defaults.name = try json.optional("name", as: String.self)
        if let sampling = try json.optional("sampling", as: [String: Any].self) {
            let inner = ModelJSON(sampling, path: file.path)
            defaults.fps = try inner.optional("fps", as: Double.self) ?? defaults.fps
            defaults.frames = try inner.optional("frames", as: Int.self) ?? defaults.frames
        }
        defaults.head = try json.optional("default_head", as: String.self) ?? defaults.head
        defaults.thresholds = try json.optional("thresholds", as: [String: Double].self) ?? [:]
        defaults.prompts = try json.optional("prompts", as: [String].self) ?? []
        defaults.attentionHeads = try json.optional("attention_heads", as: [String: Int].self) ?? [:]
        guard defaults.fps > 0, defaults.fps <= 1000, (1...4096).contains(defaults.frames) else {
            throw ModelError(file.path, "sampling must have fps in 0...1000 and frames in 1...4096")
        }
        return defaults
    }
}

/// `config.json` of a Hugging Face `CLIPModel`.
package enum HuggingFaceConfig {
    package static func parse(_ file: ModelFile) throws -> Architecture {
        let root = try ModelJSON(file)
        let type = try root.optional("model_type", as: String.self) ?? "clip"
        guard type == "clip" else { throw ModelError(file.path, "the model is of type \"\(type)\", not \"clip\"") }
        let vision = ModelJSON(try root.required("vision_config", as: [String: Any].self), path: file.path)
        let text = ModelJSON(try root.required("text_config", as: [String: Any].self), path: file.path)
        // Hugging Face leaves out what equals ViT-B/32.
        func size(_ json: ModelJSON, _ key: String, _ standard: Int) throws -> Int {
            let value = try json.optional(key, as: Int.self) ?? standard
            guard (1...1_000_000).contains(value) else { throw ModelError(file.path, "\(key) is \(value)") }
            return value
        }
        let result = Architecture(
            vision: .init(
                width: try size(vision, "hidden_size", 768), layers: try size(vision, "num_hidden_layers", 12),
                heads: try size(vision, "num_attention_heads", 12), patch: try size(vision, "patch_size", 32),
                side: try size(vision, "image_size", 224),
                epsilon: Float(try vision.optional("layer_norm_eps", as: Double.self) ?? 1e-5),
                activation: try activation(vision, file)),
            text: .init(
                width: try size(text, "hidden_size", 512), layers: try size(text, "num_hidden_layers", 12),
                heads: try size(text, "num_attention_heads", 8),
                context: try size(text, "max_position_embeddings", 77),
                vocabulary: try size(text, "vocab_size", 49408),
                epsilon: Float(try text.optional("layer_norm_eps", as: Double.self) ?? 1e-5),
                activation: try activation(text, file),
                endToken: try text.optional("eos_token_id", as: Int.self).flatMap { $0 == 2 ? nil : $0 }),
            embedding: try size(root, "projection_dim", 512))
        guard result.vision.side % result.vision.patch == 0 else {
            throw ModelError(
                file.path, "patch_size \(result.vision.patch) does not divide image_size \(result.vision.side)")
        }
        for (width, heads) in [(result.vision.width, result.vision.heads), (result.text.width, result.text.heads)]
        where width % heads != 0 {
            throw ModelError(file.path, "num_attention_heads \(heads) does not divide hidden_size \(width)")
        }
        return result
    }

    private static func activation(_ json: ModelJSON, _ file: ModelFile) throws -> Activation {
        switch try json.optional("hidden_act", as: String.self) ?? "quick_gelu" {
        case "quick_gelu": .quickGELU
        case "gelu": .gelu
        case let other: throw ModelError(file.path, "hidden_act \"\(other)\" is neither quick_gelu nor gelu")
        }
    }
}

/// `preprocessor_config.json`: only mean and deviation may differ from CLIP's own preprocessing.
package enum PreprocessorConfig {
    package static func parse(_ file: ModelFile) throws -> Normalisation {
        let json = try ModelJSON(file)
        func channels(_ key: String, _ standard: [Float]) throws -> [Float] {
            guard let values = try json.optional(key, as: [Double].self) else { return standard }
            guard values.count == 3 else {
                throw ModelError(file.path, "\(key) has \(values.count) values, expected 3")
            }
            return values.map(Float.init)
        }
        let result = Normalisation(
            mean: try channels("image_mean", Normalisation.clip.mean),
            deviation: try channels("image_std", Normalisation.clip.deviation))
        guard result.deviation.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw ModelError(file.path, "image_std must be above 0")
        }
        guard result.mean.allSatisfy(\.isFinite) else { throw ModelError(file.path, "image_mean must be finite") }
        return result
    }
}

/// A JSON object in a model directory, with errors that name file, key and type.
struct ModelJSON {
    private let object: [String: Any]
    private let path: String

    init(_ object: [String: Any], path: String) {
        self.object = object
        self.path = path
    }

    init(_ file: ModelFile) throws {
        path = file.path
        guard let parsed = (try? JSONSerialization.jsonObject(with: file.data)) as? [String: Any] else {
            throw ModelError(file.path, "the file is not a JSON object")
        }
        object = parsed
    }

    func optional<T>(_ key: String, as type: T.Type) throws -> T? {
        guard let value = object[key], !(value is NSNull) else { return nil }
        guard let typed = value as? T else { throw ModelError(path, "\"\(key)\" has a wrong type, expected \(type)") }
        return typed
    }

    func required<T>(_ key: String, as type: T.Type) throws -> T {
        guard let value = try optional(key, as: type) else { throw ModelError(path, "\"\(key)\" is missing") }
        return value
    }
}
