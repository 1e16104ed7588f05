import ArgumentParser
import CommandSupport
import Evaluation
import EvaluationRuns
import Foundation
import Matching

/// The options that select a data set of captions and clips, and how clips are sampled.
struct DataOptions: ParsableArguments {
    @Option(help: "JSON lines of video, caption, and optionally start and end.")
    var manifest: String?
    @Option(help: "A benchmark: msrvtt, msvd, lsmdc, activitynet or didemo.")
    var benchmark: Benchmark?
    @Option(help: "The benchmark's directory of annotation files.")
    var data: String?
    @Option(help: "The directory of the benchmark's videos; by default that of its annotations.")
    var videos: String?
    @Option(help: "The benchmark's split; by default the one that is tested (MSR-VTT: 1k-A, 9k or 7k).")
    var split: String?
    @Option(parsing: .unconditional, help: "Frames taken of each second, 0 takes all; by default the model's rate.")
    var rate: Int?
    @Option(parsing: .unconditional, help: "The most frames of a clip that are kept; by default the model's window.")
    var frames: Int?
    @Option(help: "Which frames are kept if there are too many: uniform, head or tail.")
    var select = ClipSelection.uniform
    @Option(
        name: .customLong("max-words"), parsing: .unconditional,
        help: "Tokens that a text is cut to, start and end included.")
    var maxWords: Int?
    @Option(help: "A directory that keeps clips' embeddings, so that none is decoded twice.")
    var cache: String?

    func validate() throws {
        guard (manifest == nil) != (benchmark == nil) else {
            throw ValidationError("give a --manifest, or a --benchmark and its --data")
        }
        if benchmark != nil, data == nil { throw ValidationError("--benchmark needs --data") }
        if benchmark == nil, data != nil || videos != nil || split != nil {
            throw ValidationError("--data, --videos and --split belong to --benchmark")
        }
        if let rate, !(0...1000).contains(rate) { throw ValidationError("--rate must be 0 to 1000") }
        if let frames, !(1...1024).contains(frames) { throw ValidationError("--frames must be 1 to 1024") }
        if let maxWords, maxWords < 2 { throw ValidationError("--max-words must be 2 or more") }
    }

    /// Reads the data set: the manifest, or the benchmark's annotations.
    func read() throws -> RetrievalSet {
        if let manifest { return try Manifest.read(URL(filePath: manifest)) }
        guard let benchmark, let data else { throw ValidationError("give a --manifest or a --benchmark") }
        return try benchmark.read(
            URL(filePath: data), videos: URL(filePath: videos ?? data), split: split ?? benchmark.splits[0])
    }

    /// The data set's name in reports.
    var name: String { benchmark.map { "\($0.rawValue) \(split ?? $0.splits[0])" } ?? manifest ?? "" }

    /// Makes the embedding of clips that the options describe; `folder` is the cache if `--cache` is not given.
    func embedding(_ embedder: ClipEmbedder, cache folder: String? = nil) throws -> ClipEmbedding {
        try ClipEmbedding(embedder, rate: rate, frames: frames, selection: select, cache: cache ?? folder)
    }
}

extension Benchmark: ExpressibleByArgument {}
