import Foundation
import Tensors

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

    static func read(_ url: URL) throws -> ModelDefaults {
        var defaults = ModelDefaults()
        guard FileManager.default.fileExists(atPath: url.path) else { return defaults }
        let json = try ModelJSON(url)
        defaults.name = try json.optional("name", as: String.self)
        if let sampling = try json.optional("sampling", as: [String: Any].self) {
            let inner = ModelJSON(sampling, path: url.path)
            defaults.fps = try inner.optional("fps", as: Double.self) ?? defaults.fps
            defaults.frames = try inner.optional("frames", as: Int.self) ?? defaults.frames
        }
        defaults.head = try json.optional("default_head", as: String.self) ?? defaults.head
        defaults.thresholds = try json.optional("thresholds", as: [String: Double].self) ?? [:]
        defaults.prompts = try json.optional("prompts", as: [String].self) ?? []
        defaults.attentionHeads = try json.optional("attention_heads", as: [String: Int].self) ?? [:]
        guard defaults.fps > 0, defaults.fps <= 1000, (1...4096).contains(defaults.frames) else {
            throw ModelError(url.path, "sampling must have fps in 0...1000 and frames in 1...4096")
        }
        return defaults
    }
}

/// `config.json` of a Hugging Face `CLIPModel`.
enum HuggingFaceConfig {
    static func read(_ url: URL) throws -> Architecture {
        let root = try ModelJSON(url)
        let type = try root.optional("model_type", as: String.self) ?? "clip"
        guard type == "clip" else { throw ModelError(url.path, "the model is of type \"\(type)\", not \"clip\"") }
        let vision = ModelJSON(try root.required("vision_config", as: [String: Any].self), path: url.path)
        let text = ModelJSON(try root.required("text_config", as: [String: Any].self), path: url.path)
        // Hugging Face leaves out what equals ViT-B/32.
        func size(_ json: ModelJSON, _ key: String, _ standard: Int) throws -> Int {
            let value = try json.optional(key, as: Int.self) ?? standard
            guard (1...1_000_000).contains(value) else { throw ModelError(url.path, "\(key) is \(value)") }
            return value
        }
        let result = Architecture(
            vision: .init(
                width: try size(vision, "hidden_size", 768), layers: try size(vision, "num_hidden_layers", 12),
                heads: try size(vision, "num_attention_heads", 12), patch: try size(vision, "patch_size", 32),
                side: try size(vision, "image_size", 224),
                epsilon: Float(try vision.optional("layer_norm_eps", as: Double.self) ?? 1e-5),
                activation: try activation(vision, url)),
            text: .init(
                width: try size(text, "hidden_size", 512), layers: try size(text, "num_hidden_layers", 12),
                heads: try size(text, "num_attention_heads", 8),
                context: try size(text, "max_position_embeddings", 77),
                vocabulary: try size(text, "vocab_size", 49408),
                epsilon: Float(try text.optional("layer_norm_eps", as: Double.self) ?? 1e-5),
                activation: try activation(text, url),
                endToken: try text.optional("eos_token_id", as: Int.self).flatMap { $0 == 2 ? nil : $0 }),
            embedding: try size(root, "projection_dim", 512))
        guard result.vision.side % result.vision.patch == 0 else {
            throw ModelError(
                url.path, "patch_size \(result.vision.patch) does not divide image_size \(result.vision.side)")
        }
        for (width, heads) in [(result.vision.width, result.vision.heads), (result.text.width, result.text.heads)]
        where width % heads != 0 {
            throw ModelError(url.path, "num_attention_heads \(heads) does not divide hidden_size \(width)")
        }
        return result
    }

    private static func activation(_ json: ModelJSON, _ url: URL) throws -> Activation {
        switch try json.optional("hidden_act", as: String.self) ?? "quick_gelu" {
        case "quick_gelu": .quickGELU
        case "gelu": .gelu
        case let other: throw ModelError(url.path, "hidden_act \"\(other)\" is neither quick_gelu nor gelu")
        }
    }
}

/// `preprocessor_config.json`: only mean and deviation may differ from CLIP's own preprocessing.
enum PreprocessorConfig {
    static func read(_ url: URL, side: Int) throws -> Normalisation {
        guard FileManager.default.fileExists(atPath: url.path) else { return .clip }
        let json = try ModelJSON(url)
        func channels(_ key: String, _ standard: [Float]) throws -> [Float] {
            guard let values = try json.optional(key, as: [Double].self) else { return standard }
            guard values.count == 3 else { throw ModelError(url.path, "\(key) has \(values.count) values, expected 3") }
            return values.map(Float.init)
        }
        let result = Normalisation(
            mean: try channels("image_mean", Normalisation.clip.mean),
            deviation: try channels("image_std", Normalisation.clip.deviation))
        guard result.deviation.allSatisfy({ $0 > 0 }) else { throw ModelError(url.path, "image_std must be above 0") }
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

    init(_ url: URL) throws {
        path = url.path
        guard let data = try? Data(contentsOf: url) else { throw ModelError(url.path, "the file cannot be read") }
        guard let parsed = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] else {
            throw ModelError(url.path, "the file is not a JSON object")
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
