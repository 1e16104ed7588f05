import CLIP
import Engine
package import Evaluation
package import Foundation
import Ingest
package import Matching
package import Pixels
import Sampling
import StreamSources
import Tensors
import WatchwordConfiguration

/// Embeds the clips of a data set, each once, and caches the embeddings on disk.
package struct ClipEmbedding: Sendable {
    package let embedder: ClipEmbedder
    /// The sampling rate in frames per second; 0 uses all frames.
    package let rate: Int
    /// The greatest number of frames that are kept of a clip.
    package let frames: Int
    /// The way in which frames are chosen in a clip that has more than `frames`.
    package let selection: ClipSelection
    package let cache: EmbeddingCache?
    private let templates: PipelineTemplates

    /// Prepares the embedding of clips; a nil `rate` or `frames` means the model's default.
    ///
    /// `cache` is a folder; nil caches nothing. Throws if the folder cannot be made or the model cannot be read.
    package init(
        _ embedder: ClipEmbedder, rate: Int?, frames: Int?, selection: ClipSelection, cache folder: String?
    ) throws {
        self.embedder = embedder
        let defaults = embedder.model.defaults
        // `ClipSampling` works on whole seconds, so the rate is at least one frame per second.
        self.rate = rate ?? max(1, Int(defaults.fps.rounded()))
        self.frames = frames ?? defaults.frames
        self.selection = selection
        cache = try folder.map {
            try EmbeddingCache(folder: $0, model: embedder.model, precision: embedder.precision.rawValue)
        }
        templates = try PipelineTemplates(directory: Installation.pipelines)
    }

    /// Returns a text that describes how a clip is sampled, to be used as a part of cache keys.
    package func sampling(_ clip: RetrievalSet.Clip) -> String {
        let range = span(clip).map { "\($0.lowerBound)-\($0.upperBound)" } ?? "all"
        return "\(rate) a second, \(range), \(selection.rawValue), \(frames)"
    }

    /// Decodes a clip to pictures in the size that the image tower needs.
    package func pictures(_ clip: RetrievalSet.Clip) async throws -> [Picture] {
        try UnreadableFile.check(clip.path)
        let source = SourceDescription(
            uri: clip.path, fps: 1, side: embedder.model.architecture.vision.side,
            framing: embedder.model.preprocessing.framing)
        let reader = ClipReader(
            source: source, templates: templates, sampling: try ClipSampling(rate: rate, seconds: span(clip)),
            selection: selection, maxFrames: frames)
        return try await reader.frames().kept.map(\.picture)
    }

    /// Embeds every clip of a set; returns the set of decodable clips, and each clip's embeddings `[frames, d]`.
    ///
    /// Clips that cannot be decoded are listed as missing in the returned set. `progress` is called as by `each`.
    package func embed(
        _ set: RetrievalSet, progress: (Int, Int) -> Void
    ) async throws -> (set: RetrievalSet, clips: [[Float]]) {
        try await each(set, progress) { try await embed($0).embeddings }
    }

    /// Embeds every clip of a set into the cache; returns the set of decodable clips, and each clip's cache file.
    ///
    /// Without a cache the files are empty. `progress` receives the number of clips that are done, and the number of
    /// all clips.
    package func fillCache(
        _ set: RetrievalSet, progress: (Int, Int) -> Void
    ) async throws -> (set: RetrievalSet, files: [URL]) {
        let (rest, files) = try await each(set, progress) { try await embed($0).file }
        return (rest, files.compactMap { $0 })
    }

    /// Calls `make` once for every different clip of a set; returns the values in the set's order.
    ///
    /// Clips that cannot be decoded are listed as missing in the returned set. `progress` receives the number of clips
    /// that are done, and the number of all clips.
    package func each<T>(
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

    /// Embeds a clip, or reads it from the cache; returns its embeddings `[frames, d]` and its cache file.
    private func embed(_ clip: RetrievalSet.Clip) async throws -> (embeddings: [Float], file: URL?) {
        let file = try cache?.file(video: clip.path, sampling: sampling(clip))
        if let file, let known = cache?.read(file, width: embedder.width) { return (known, file) }
        let embeddings = try await embedder.embed(pictures(clip))
        if let file { try cache?.write(embeddings, width: embedder.width, to: file) }
        return (embeddings, file)
    }

    /// Returns the whole seconds that a clip covers, including the last, as in CLIP4Clip; nil for a whole video.
    private func span(_ clip: RetrievalSet.Clip) -> ClosedRange<Int>? {
        guard clip.start != nil || clip.end != nil else { return nil }
        let start = Int(min(clip.start ?? 0, 86_400))
        return start...max(start, Int(min(clip.end ?? 86_400, 86_400).rounded(.up)))
    }
}
