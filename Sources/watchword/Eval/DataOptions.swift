import ArgumentParser
import CLIP
import Engine
import Evaluation
import Foundation
import Ingest
import Matching
import Pixels
import Tensors
import WatchwordConfiguration

/// Which captions and clips, and how clips are sampled.
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

    func read() throws -> RetrievalSet {
        if let manifest { return try Manifest.read(URL(filePath: manifest)) }
        guard let benchmark, let data else { throw ValidationError("give a --manifest or a --benchmark") }
        return try benchmark.read(
            URL(filePath: data), videos: URL(filePath: videos ?? data), split: split ?? benchmark.splits[0])
    }

    /// What the data is called in reports.
    var name: String { benchmark.map { "\($0.rawValue) \(split ?? $0.splits[0])" } ?? manifest ?? "" }
}

extension Benchmark: ExpressibleByArgument {}

/// Embeds the clips of a data set, each once, from the cache where it has them.
struct ClipEmbedding {
    let embedder: ClipEmbedder
    let rate: Int
    let frames: Int
    let selection: ClipSelection
    let cache: EmbeddingCache?
    let templates: PipelineTemplates

    init(_ options: DataOptions, _ embedder: ClipEmbedder, cache folder: String? = nil) throws {
        self.embedder = embedder
        let defaults = embedder.model.defaults
        // A rate below one frame a second, or a broken one, is none that whole seconds can be sampled at.
        rate = options.rate ?? max(1, Int(defaults.fps.rounded()))
        frames = options.frames ?? defaults.frames
        selection = options.select
        cache = try (options.cache ?? folder).map {
            try EmbeddingCache(folder: $0, model: embedder.model, precision: embedder.precision.rawValue)
        }
        templates = try PipelineTemplates(directory: Installation.pipelines)
    }

    /// How a clip is sampled, as caches are keyed by it.
    func sampling(_ clip: RetrievalSet.Clip) -> String {
        let range = span(clip).map { "\($0.lowerBound)-\($0.upperBound)" } ?? "all"
        return "\(rate) a second, \(range), \(selection.rawValue), \(frames)"
    }

    /// Decodes a clip: the pictures that the image tower takes.
    func pictures(_ clip: RetrievalSet.Clip) async throws -> [Picture] {
        try UnreadableFile.check(clip.path)
        let source = SourceDescription(
            uri: clip.path, fps: 1, side: embedder.model.architecture.vision.side,
            framing: embedder.model.preprocessing.framing)
        let reader = ClipReader(
            source: source, templates: templates, sampling: try ClipSampling(rate: rate, seconds: span(clip)),
            selection: selection, maxFrames: frames)
        return try await reader.frames().kept.map(\.picture)
    }

    /// `[frames, d]` of a clip, and where the cache has it.
    private func embed(_ clip: RetrievalSet.Clip) async throws -> (embeddings: [Float], place: URL?) {
        let place = try cache?.place(video: clip.path, sampling: sampling(clip))
        if let place, let known = cache?.read(place, width: embedder.width) { return (known, place) }
        let embeddings = try await embedder.embed(pictures(clip))
        if let place { try cache?.write(embeddings, width: embedder.width, to: place) }
        return (embeddings, place)
    }

    /// Whole seconds, the last included, as the reference has them; nil takes the video whole.
    private func span(_ clip: RetrievalSet.Clip) -> ClosedRange<Int>? {
        guard clip.start != nil || clip.end != nil else { return nil }
        let start = Int(min(clip.start ?? 0, 86_400))
        return start...max(start, Int(min(clip.end ?? 86_400, 86_400).rounded(.up)))
    }

    /// Embeds every clip of a set; clips that cannot be decoded are then missing from it.
    ///
    /// Returns what is left of the set, and the embeddings of its clips.
    func embed(_ set: RetrievalSet, progress: (Int, Int) -> Void) async throws -> (RetrievalSet, [[Float]]) {
        try await each(set, progress) { try await embed($0).embeddings }
    }

    /// The same, but only into the cache: returns where the clips' embeddings are.
    func prepare(_ set: RetrievalSet, progress: (Int, Int) -> Void) async throws -> (RetrievalSet, [URL]) {
        let (rest, places) = try await each(set, progress) { try await embed($0).place }
        return (rest, places.compactMap { $0 })
    }

    /// Makes something of every clip, once; clips that cannot be decoded are then missing from the set that is
    /// returned.
    func each<T>(
        _ set: RetrievalSet, _ progress: (Int, Int) -> Void, _ make: (RetrievalSet.Clip) async throws -> T
    ) async throws -> (RetrievalSet, [T]) {
        var known: [RetrievalSet.Clip: T] = [:]
        var lost: [Int: String] = [:]
        var reasons: [RetrievalSet.Clip: String] = [:]
        for (index, clip) in set.clips.enumerated() {
            progress(index, set.clips.count)
            if let why = reasons[clip] { lost[index] = why }
            guard known[clip] == nil, reasons[clip] == nil else { continue }
            do {
                known[clip] = try await make(clip)
            } catch let error as SourceError {
                (lost[index], reasons[clip]) = (error.description, error.description)
            } catch let error as ClipError {
                (lost[index], reasons[clip]) = (error.description, error.description)
            } catch let error as UnreadableFile {
                (lost[index], reasons[clip]) = (error.description, error.description)
            }
        }
        let rest = lost.isEmpty ? set : set.without(lost)
        return (rest, rest.clips.compactMap { known[$0] })
    }
}
