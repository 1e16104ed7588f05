import Foundation
package import Ingest
import Matching
package import Tensors
import Yams

/// What `watchwordd --config FILE` says.
package struct Configuration: Sendable, Equatable {
    package var model = "Models/shapes"
    package var precision = Precision.auto
    package var head: String?
    package var frames: Int?
    package var threshold: Double?
    /// Prompt templates of queries that bring none; the model's own, if nil.
    package var prompts: [String]?
    /// Candidates a window that a pairing head scores, chosen by the mean head.
    package var rerank = ScoringEngine.defaultRerank
    /// The journal's file; in memory, if nil.
    package var journal: String?
    package var publish = Configuration.defaultEndpoint("events")
    package var control = Configuration.defaultEndpoint("control")
    package var batchSize = 8
    /// Seconds that a frame may wait for others to fill its batch.
    package var batchDelay = 0.02
    package var pipelines: String?
    package var plugins: [String] = []
    package var logLevel = "info"
    package var streams: [StreamConfiguration] = []
    package var queries: [QueryConfiguration] = []

    private static let keys = [
        "model", "precision", "head", "frames", "threshold", "prompts", "rerank", "journal", "publish", "control",
        "batch",
        "pipelines", "plugins", "log",
        "streams", "queries",
    ]

    package init() {}

    /// Reads a file; relative paths in it are taken from its folder, a model's name from `models`.
    package static func load(
        _ path: String, models: InstalledModels = .standard()
    ) throws(ConfigurationError) -> Configuration {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigurationError(path: path, line: nil, reason: "the configuration cannot be read")
        }
        var configuration = try Configuration(yaml: String(decoding: data, as: UTF8.self), path: path)
        let folder = URL(filePath: path).deletingLastPathComponent()
        func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : folder.appending(path: path).path }
        // A path if there is one, else a model that is kept by that name; what is neither is said when it is opened.
        let model = try? models.resolve(configuration.model, from: folder).path
        configuration.model = model ?? absolute(configuration.model)
        configuration.journal = configuration.journal.map(absolute)
        configuration.pipelines = configuration.pipelines.map(absolute)
        configuration.plugins = configuration.plugins.map(absolute)
        for index in configuration.streams.indices where !configuration.streams[index].uri.contains("://") {
            configuration.streams[index].uri = absolute(configuration.streams[index].uri)
        }
        return configuration
    }

    package init(yaml: String, path: String) throws(ConfigurationError) {
        let root = try YAMLMapping(
            YAMLMapping.compose(yaml, path: path), path: path, what: "the configuration", keys: Self.keys)
        model = try root.string("model") ?? model
        if let name = try root.string("precision") {
            guard let known = Precision(rawValue: name) else {
                throw root.failure("precision", "\"\(name)\" is none of auto, f32, bf16, int8")
            }
            precision = known
        }
        head = try root.string("head")
        frames = try root.integer("frames")
        if let frames, !(1...1024).contains(frames) {
            throw root.failure("frames", "expected 1 to 1024, found \(frames)")
        }
        threshold = try root.double("threshold")
        prompts = try root.strings("prompts")
        rerank = try root.integer("rerank") ?? rerank
        guard rerank > 0 else { throw root.failure("rerank", "expected 1 or more, found \(rerank)") }
        journal = try root.string("journal")
        publish = try root.string("publish") ?? publish
        control = try root.string("control") ?? control
        if let node = root.node("batch") {
            let batch = try YAMLMapping(node, path: path, what: "batch", keys: ["size", "delay"])
            batchSize = try batch.integer("size") ?? batchSize
            batchDelay = try batch.double("delay") ?? batchDelay
            guard (1...256).contains(batchSize) else {
                throw batch.failure("size", "expected 1 to 256, found \(batchSize)")
            }
            guard (0...10).contains(batchDelay) else { throw batch.failure("delay", "expected 0 to 10 seconds") }
        }
        pipelines = try root.string("pipelines")
        plugins = try root.strings("plugins") ?? []
        if let node = root.node("log") {
            let log = try YAMLMapping(node, path: path, what: "log", keys: ["level"])
            logLevel = try log.string("level") ?? logLevel
            guard ["trace", "debug", "info", "notice", "warning", "error", "critical"].contains(logLevel) else {
                throw log.failure(
                    "level", "\"\(logLevel)\" is none of trace, debug, info, notice, warning, error, critical")
            }
        }
        for node in try root.list("streams") ?? [] { streams.append(try StreamConfiguration(node, path: path)) }
        queries = try QueryConfiguration.list(root.list("queries") ?? [], path: path)
        try Self.unique(streams.map(\.name), "stream", root.failure)
        try Self.unique(queries.compactMap(\.id), "query", root.failure)
    }

    private static func unique(
        _ names: [String], _ what: String, _ failure: (String, String) -> ConfigurationError
    ) throws(ConfigurationError) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            throw failure(what == "stream" ? "streams" : "queries", "there are two of the name \"\(name)\"")
        }
    }

    /// The sockets' place when nothing is said: systemd's runtime directory, the user's, or one in /tmp.
    package static func defaultEndpoint(_ name: String) -> String {
        let environment = ProcessInfo.processInfo.environment
        let folder =
            if let directory = environment["RUNTIME_DIRECTORY"] {
                directory
            } else if let directory = environment["XDG_RUNTIME_DIR"] {
                "\(directory)/watchword"
            } else {
                "/tmp/watchword-\(getuid())"
            }
        return "ipc://\(folder)/\(name).sock"
    }
}

/// A stream, as the configuration and `stream.add` give it.
package struct StreamConfiguration: Codable, Sendable, Equatable {
    package var name: String
    package var uri: String
    package var template: String?
    package var fps: Double?
    package var decode: DecodeMode?
    package var realtime: Bool?
    package var loop: Bool?
    package var launch: String?
    /// Levels by which a block of the picture must change for the frame to be embedded anew; off, if nil.
    package var gate: Double?
    /// Words that queries select streams by.
    package var labels: [String]?

    package init(name: String, uri: String, fps: Double? = nil, realtime: Bool? = nil, loop: Bool? = nil) {
        self.name = name
        self.uri = uri
        self.fps = fps
        self.realtime = realtime
        self.loop = loop
    }

    init(_ node: Node, path: String) throws(ConfigurationError) {
        let mapping = try YAMLMapping(
            node, path: path, what: "a stream",
            keys: ["name", "uri", "template", "fps", "decode", "realtime", "loop", "launch", "gate", "labels"])
        name = try mapping.required("name")
        launch = try mapping.string("launch")
        uri = launch == nil ? try mapping.required("uri") : try mapping.string("uri") ?? "custom"
        template = try mapping.string("template")
        fps = try mapping.double("fps")
        if let word = try mapping.string("decode") {
            guard let mode = DecodeMode(rawValue: word) else {
                let modes = DecodeMode.allCases.map(\.rawValue).joined(separator: ", ")
                throw mapping.failure("decode", "expected one of \(modes), found \"\(word.prefix(40))\"")
            }
            decode = mode
        }
        realtime = try mapping.bool("realtime")
        loop = try mapping.bool("loop")
        gate = try mapping.double("gate")
        labels = try mapping.strings("labels")
        if let problem { throw mapping.failure(problem.key, problem.reason) }
    }

    /// What is wrong with the values, whoever gave them.
    package var problem: (key: String, reason: String)? {
        if !Name.isValid(name) {
            return ("name", "\"\(name.prefix(64))\" must be 1 to 64 letters, digits, hyphens or underscores")
        }
        if let gate, !(gate > 0 && gate <= 255) {
            return ("gate", "expected a number of levels above 0 and up to 255, found \(gate)")
        }
        for label in labels ?? [] where !Name.isValid(label) {
            return ("labels", "\"\(label.prefix(64))\" must be 1 to 64 letters, digits, hyphens or underscores")
        }
        if let fps, !(fps > 0 && fps <= 60) { return ("fps", "expected a number above 0 and up to 60, found \(fps)") }
        return nil
    }
}
