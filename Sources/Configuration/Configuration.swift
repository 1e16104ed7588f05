import Foundation
package import Journal
package import Matching
package import Messaging
package import Notify
package import StreamSources
import SystemSupport
package import Tensors
import Yams

/// The daemon's configuration, read from the file of `watchwordd --config FILE`.
package struct Configuration: Sendable, Equatable {
    package var model = Installation.model.path
    package var precision = Precision.auto
    package var head: String?
    package var frames: Int?
    package var threshold: Double?
    /// The prompt templates for queries without their own, such as "a photo of {}"; nil means the model's.
    package var prompts: [String]?
    /// The number of queries that a pairing head (which scores each text with a window) scores in a window.
    ///
    /// The mean head chooses them.
    package var rerank = StandingQuery.defaultRerank
    /// The path of the journal (the SQLite file of events); nil means a journal in memory.
    ///
    /// The default is in the state directory under systemd, and nil otherwise.
    package var journal = ProcessInfo.processInfo.environment["STATE_DIRECTORY"].map { "\($0)/journal.sqlite" }
    package var publish = Configuration.defaultEndpoint("events")
    package var control = Configuration.defaultEndpoint("control")
    /// The web API's settings; nil means no web API.
    package var http: HTTPConfiguration?
    /// The clients that may use the ZeroMQ sockets; nil means everybody who can reach them.
    package var curve: CurveConfiguration?
    package var limits = ControlLimits()
    package var batchSize = 8
    /// The seconds that a frame may wait for others to fill its batch.
    package var batchDelay = 0.02
    /// The settings for learning thresholds from numbers of false alerts per day.
    package var calibration = CalibrationSettings()
    /// The limits on how long, and how many, event messages and pictures are kept.
    package var retention = Retention.standard
    /// The settings of the history (recorded embeddings, for searches and backtests); nil means none.
    package var history: HistoryConfiguration? = HistoryConfiguration()
    /// The settings of video clips of events; nil means that no clips are recorded.
    package var clips: ClipSettings?
    package var pipelines: String?
    /// The limits on the sources that streams added by clients may open.
    package var sources = SourcePolicy()
    /// The cameras' credentials by name; clients refer to them by name, and each has its allowed hosts.
    package var credentials: [String: CameraCredentials] = [:]
    package var plugins: [String] = []
    package var log = LogSettings()
    /// The notifiers, which send events to other systems, such as webhooks or MQTT brokers.
    package var notify: [NotifierSettings] = []
    /// The fleet (several daemons that share queries and streams) that this daemon is a node of; nil means none.
    package var fleet: FleetConfiguration?
    package var streams: [StreamConfiguration] = []
    package var queries: [QueryConfiguration] = []

    private static let keys = [
        "model", "precision", "head", "frames", "threshold", "prompts", "rerank", "journal", "publish", "control",
        "http", "batch", "curve", "limits",
        "calibration", "retention", "history", "clips", "pipelines", "plugins", "log", "sources", "credentials",
        "notify", "fleet", "streams", "queries",
    ]

    /// The greatest size of a configuration file, in bytes.
    private static let largest = 256 << 20

    package init() {}

    /// Reads a configuration file; throws an error with file, line and key if it is invalid.
    ///
    /// Relative paths are relative to its folder. The model may also be a name in `models`.
    package static func load(
        _ path: String, models: InstalledModels = .standard()
    ) throws(ConfigurationError) -> Configuration {
        let data: Data
        do {
            data = try GuardedFile.read(path, "configuration", .shared, limit: largest)
        } catch {
            throw ConfigurationError(path: path, line: nil, reason: "\(error)")
        }
        var configuration = try Configuration(
            yaml: String(decoding: TextFile.utf8(data, path: path), as: UTF8.self), path: path)
        let folder = URL(filePath: path).deletingLastPathComponent()
        func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : folder.appending(path: path).path }
        // If neither a path nor an installed model has this name, opening the model reports the error.
        let model = try? models.resolve(configuration.model, from: folder).path
        configuration.model = model ?? absolute(configuration.model)
        configuration.journal = configuration.journal.map(absolute)
        if let directory = configuration.history?.directory { configuration.history?.directory = absolute(directory) }
        if let directory = configuration.clips?.directory { configuration.clips?.directory = absolute(directory) }
        configuration.pipelines = configuration.pipelines.map(absolute)
        configuration.plugins = configuration.plugins.map(absolute)
        configuration.sources.files = configuration.sources.files.map(absolute)
        for (name, of) in configuration.credentials where of.file.contains("/") {
            configuration.credentials[name]?.file = absolute(of.file)
        }
        configuration.curve = configuration.curve?.located(absolute: absolute)
        configuration.notify = located(configuration.notify, absolute: absolute)
        configuration.fleet = configuration.fleet?.located(absolute: absolute)
        // A name without a folder may be a systemd credential's.
        for index in configuration.http?.tokens.indices ?? 0..<0 {
            guard let file = configuration.http?.tokens[index].file else { continue }
            if FileManager.default.fileExists(atPath: absolute(file)) {
                configuration.http?.tokens[index].file = absolute(file)
            }
        }
        for index in configuration.streams.indices
        where configuration.streams[index].launch == nil && !configuration.streams[index].uri.contains("://") {
            configuration.streams[index].uri = absolute(configuration.streams[index].uri)
        }
        // A name without a folder is searched in $CREDENTIALS_DIRECTORY.
        for index in configuration.streams.indices {
            guard let file = configuration.streams[index].credentials, file.contains("/") else { continue }
            configuration.streams[index].credentials = absolute(file)
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
        journal = try root.string("journal") ?? journal
        publish = try root.string("publish") ?? publish
        control = try root.string("control") ?? control
        http = try HTTPConfiguration(root, path: path)
        curve = try CurveConfiguration(root, path)
        limits = try ControlLimits(root)
        if let node = root.node("batch") {
            let batch = try YAMLMapping(node, path: path, what: "batch", keys: ["size", "delay"])
            batchSize = try batch.integer("size") ?? batchSize
            batchDelay = try batch.double("delay") ?? batchDelay
            guard (1...256).contains(batchSize) else {
                throw batch.failure("size", "expected 1 to 256, found \(batchSize)")
            }
            guard (0...10).contains(batchDelay) else { throw batch.failure("delay", "expected 0 to 10 seconds") }
        }
        calibration = try Self.calibration(root, path)
        if let node = root.node("retention") {
            let kept = try YAMLMapping(node, path: path, what: "retention", keys: ["days", "megabytes"])
            let (days, megabytes) = (try kept.double("days"), try kept.double("megabytes"))
            for (key, value) in [("days", days), ("megabytes", megabytes)] {
                if let value, value <= 0 { throw kept.failure(key, "expected a number above 0, found \(value)") }
            }
            retention = Retention(days: days, megabytes: megabytes)
        }
        history = try HistoryConfiguration.read(root, path: path)
        clips = try ClipSettings.read(root, path: path)
        pipelines = try root.string("pipelines")
        sources = try SourcePolicy(root, path: path)
        credentials = try CameraCredentials.all(root, path: path)
        plugins = try root.strings("plugins") ?? []
        if let node = root.node("log") {
            log = try LogSettings(YAMLMapping(node, path: path, what: "log", keys: ["level", "format"]))
        }
        notify = try NotifyConfiguration.all(root, path: path)
        fleet = try FleetConfiguration(root)
        for node in try root.list("streams") ?? [] { streams.append(try StreamConfiguration(node, path: path)) }
        queries = QueryNames.named(try QueryConfiguration.list(root.list("queries") ?? [], path: path))
        try Self.unique(streams.map(\.name), "stream", root.failure)
        try Self.unique(queries.compactMap(\.id), "query", root.failure)
        try checkFleet(root)
    }

    private static func calibration(
        _ root: YAMLMapping, _ path: String
    ) throws(ConfigurationError) -> CalibrationSettings {
        var settings = CalibrationSettings()
        guard let node = root.node("calibration") else { return settings }
        let values = try YAMLMapping(node, path: path, what: "calibration", keys: ["warm_up", "recalibrate"])
        if let seconds = try values.double("warm_up") {
            guard (60...604_800).contains(seconds) else {
                throw values.failure("warm_up", "expected 60 to 604800 seconds, found \(seconds)")
            }
            settings.warmUp = seconds
            // As with the default warm-up, a twelfth of the time measures the usual scores.
            settings.levelling = min(settings.levelling, seconds / 12)
        }
        if let word = try values.string("recalibrate") {
            guard let policy = CalibrationSettings.Policy(rawValue: word) else {
                throw values.failure("recalibrate", "\"\(word.prefix(40))\" is none of manual, automatic")
            }
            settings.policy = policy
        }
        return settings
    }

    private static func unique(
        _ names: [String], _ what: String, _ failure: (String, String) -> ConfigurationError
    ) throws(ConfigurationError) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            throw failure(what == "stream" ? "streams" : "queries", "there are two of the name \"\(name)\"")
        }
    }
}
