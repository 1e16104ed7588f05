import Checkpoints
package import Foundation
package import Pixels

/// A small file of a model directory, such as `config.json`, read into memory; its content is untrusted.
package struct ModelFile {
    package let path: String
    package let data: Data

    package init(path: String, data: Data) {
        self.path = path
        self.data = data
    }

    /// The largest accepted size in bytes of a small model file such as `config.json`, far above any real one.
    ///
    /// The limit is needed because parsed JSON takes several times as much memory.
    private static let sizeLimit = 4 << 20

    /// Reads the file `name` of a model directory; nil if it does not exist.
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

/// Watchword's settings for one model, read from `watchword.json`.
///
/// The defaults are 1 frame a second, windows of 12 frames, the head `mean`, and no threshold.
package struct ModelDefaults: Sendable, Equatable {
    package var name: String?
    package var fps = 1.0
    package var frames = 12
    package var head = "mean"
    /// The default score threshold for each head (the model that scores a window), by name; some heads have none.
    package var thresholds: [String: Double] = [:]
    /// The prompt templates for queries that have none of their own.
    package var prompts: [String] = []
    /// The number of attention heads in the transformer blocks of each head plugin, by name; the default is width / 64.
    package var attentionHeads: [String: Int] = [:]
    /// The JSON object that is passed to each head plugin as its configuration, by the plugin's name.
    ///
    /// It includes the number of attention heads.
    package var headOptions: [String: String] = [:]
    /// The numbers of attention heads in the model's image and text tower, if its other files do not tell them.
    package var towerHeads = TowerHeads()
    /// The rounding of half pixels when a picture's centre square is cut out, if the model's files do not state it.
    package var cropRounding: Framing.CropRounding?

    /// Remarks about unknown keys in `watchword.json`, one sentence each.
    package var notes: [String] = []

    package init() {}

    /// The version of `watchword.json` that is written, and the newest that can be read.
    static let currentFormat = 1
    private static let knownKeys: Set = [
        "attention_heads", "crop_rounding", "default_head", "format", "head_options", "name", "order_blind_heads",
        "prompts", "quiet_thresholds", "sampling", "thresholds", "tower_heads",
    ]

    /// Returns the JSON configuration for a head's plugin (`config_json` of the plugin contract).
    package func configuration(ofHead head: String) -> String {
        headOptions[head] ?? attentionHeads[head].map { "{\"attention_heads\": \($0)}" } ?? "{}"
    }

    package static func parse(_ file: ModelFile) throws -> ModelDefaults {
        var defaults = ModelDefaults()
        let json = try ModelJSON(file)
        let format = try json.optional("format", as: Int.self) ?? currentFormat
        guard format <= currentFormat else {
            throw json.refusal("format", "expected at most \(currentFormat): a newer Watchword wrote it")
        }
        defaults.notes = json.unknown(knownKeys).map {
            "\(file.path): the key \"\($0)\" is not known and is not heeded"
        }
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
        for (head, options) in try json.optional("head_options", as: [String: [String: Any]].self) ?? [:] {
            var options = options
            if options["attention_heads"] == nil { options["attention_heads"] = defaults.attentionHeads[head] }
            let data = try JSONSerialization.data(withJSONObject: options, options: .sortedKeys)
            defaults.headOptions[head] = String(decoding: data, as: UTF8.self)
        }
        if let heads = try json.object("tower_heads") {
            func count(_ key: String) throws -> Int? {
                heads.object[key] == nil ? nil : try heads.size(key, default: 1)
            }
            defaults.towerHeads = TowerHeads(
                vision: try count("vision"), pooling: try count("pooling"), text: try count("text"))
        }
        if let rounding = try json.optional("crop_rounding", as: String.self) {
            guard let known = Framing.CropRounding(rawValue: rounding) else {
                throw json.refusal("crop_rounding", "expected half-even or down")
            }
            defaults.cropRounding = known
        }
        guard defaults.fps > 0, defaults.fps <= 1000, (1...4096).contains(defaults.frames) else {
            throw ModelError(file.path, "sampling must have fps above 0, and at most 1000, and frames of 1 to 4096")
        }
        return defaults
    }
}
