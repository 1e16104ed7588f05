import CLIP
import Concurrency
import Foundation
package import Printing
import SystemSupport
package import Tensors
import WatchwordConfiguration

/// Finds how many cameras the whole daemon can watch in real time.
package struct StreamsBenchmark: Sendable {
    /// The number of streams in a single run; nil searches for the largest number that works in real time.
    package let streams: Int?
    /// The duration of a full run, in seconds.
    package let seconds: Double
    /// The number of frames sampled per second.
    package let fps: Double
    /// The number of standing queries, at most 1000.
    package let queries: Int
    package let threshold: Double
    /// The path of a model directory; nil means random weights of `architecture`.
    package let model: String?
    /// The name of a model architecture; used if `model` is nil.
    package let architecture: String
    package let precision: Precision
    /// True if the cameras show a still picture.
    package let still: Bool
    /// The least change of a block of the picture, in levels, for a frame to be embedded; nil embeds every frame.
    package let gate: Double?

    package init(
        streams: Int?, seconds: Double, fps: Double, queries: Int, threshold: Double, model: String?,
        architecture: String, precision: Precision, still: Bool, gate: Double?
    ) {
        (self.streams, self.seconds, self.fps, self.queries) = (streams, seconds, fps, queries)
        (self.threshold, self.model, self.architecture) = (threshold, model, architecture)
        (self.precision, self.still, self.gate) = (precision, still, gate)
    }

    /// The longest duration of a run during the search for the number of streams, in seconds.
    private static let searchSeconds = 15.0

    /// Starts the cameras and the daemon, and measures; throws `ClipServer.Missing` if the cameras cannot be played.
    package func run(_ reporter: ProgressReporter) async throws -> StreamsReport {
        Memory.keepSmall()
        let scene = still ? "still" : "moving"
        let server = try await offPoolThrowing { try ClipServer(scene: scene) }
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        var trial = try await StreamTrial(
            configuration(in: folder, reporter), server: server, fps: fps, gate: gate)
        var results: [StreamsReport.Result] = []
        if let streams {
            try await trial.watch(streams)
            results.append(try await trial.measure(seconds: seconds, reporter))
        } else {
            results = try await search(&trial, reporter)
        }
        await trial.end()
        return StreamsReport(
            model: model ?? "\(architecture), random weights", precision: precision.resolved.rawValue,
            queries: queries, results: results)
    }

    /// Returns the daemon's configuration; without a model, first writes one with random weights.
    private func configuration(in folder: URL, _ reporter: ProgressReporter) throws -> Configuration {
        var configuration = Configuration()
        configuration.precision = precision
        configuration.publish = "ipc://\(folder.path)/events.sock"
        configuration.journal = folder.appending(path: "journal.sqlite").path
        configuration.queries = Self.texts.prefix(queries).map { QueryConfiguration(text: $0, threshold: threshold) }
        if let model {
            configuration.model = model
        } else if let architecture = Architecture(named: architecture) {
            reporter.progress("writing random weights")
            let directory = folder.appending(path: "model")
            try RandomModel(architecture).write(to: directory)
            configuration.model = directory.path
        }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return configuration
    }

    /// The texts of the standing queries: a thousand different sentences.
    private static var texts: [String] {
        let kinds = ["red", "blue", "green", "white", "black", "yellow", "small", "large", "old", "new"]
        let things = ["van", "car", "bicycle", "dog", "cat", "box", "suitcase", "drone", "person", "truck"]
        let deeds = [
            "stops at the gate", "leaves the yard", "turns left", "turns right", "stands still", "falls over",
            "crosses the road", "waits by the door", "moves fast", "comes back",
        ]
        return kinds.flatMap { kind in
            things.flatMap { thing in deeds.map { "a \(kind) \(thing) \($0)" } }
        }
    }

    /// Searches for the largest number of streams that the daemon can watch in real time.
    ///
    /// Short runs double the number until it is too large, then halve the interval. The result is measured in a full
    /// run; if that fails, smaller numbers are.
    private func search(
        _ trial: inout StreamTrial, _ reporter: ProgressReporter
    ) async throws -> [StreamsReport.Result] {
        var results: [StreamsReport.Result] = []
        var (carried, tooMany, next) = (0, Int.max, 8)
        func step(_ count: Int) -> Int { max(1, count / 32) }
        while tooMany - carried > step(carried) {
            try await trial.watch(next)
            let result = try await trial.measure(seconds: min(Self.searchSeconds, seconds), reporter)
            results.append(result)
            if result.carried { carried = next } else { tooMany = next }
            // The processor time of one stream limits the number of streams.
            let processors = Double(ProcessInfo.processInfo.activeProcessorCount)
            let limit = max(carried + 1, Int(processors / result.cpu_s_per_stream_s))
            next = tooMany == .max ? min(carried * 2, limit) : (carried + tooMany) / 2
            if next == 0 { return results }
        }
        while carried > 0 {
            try await trial.watch(carried)
            let result = try await trial.measure(seconds: seconds, reporter)
            results.append(result)
            if result.carried { break }
            carried -= step(carried)
        }
        return results
    }
}
