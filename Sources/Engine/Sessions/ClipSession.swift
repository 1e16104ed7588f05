package import Ingest
package import Matching
package import StreamSources

/// A file as one clip, as CLIP4Clip's data loaders read it: sampled by frame numbers, cut to a window's length, scored
/// once.
package struct ClipSession: Sendable {
    /// The clip's scores, and how they came about.
    package struct Result: Sendable {
        package let scores: [WindowScore]
        /// Frames that the sampling took, and those that were kept.
        package let sampled: Int
        package let kept: Int
    }

    private let engine: ScoringEngine
    private let name: String
    private let reader: ClipReader

    /// `maxFrames`: the window length of the engine's queries.
    package init(
        engine: ScoringEngine, name: String, source: SourceDescription, templates: PipelineTemplates,
        sampling: ClipSampling, selection: ClipSelection, maxFrames: Int
    ) {
        self.engine = engine
        self.name = name
        reader = ClipReader(
            source: source, templates: templates, sampling: sampling, selection: selection, maxFrames: maxFrames)
    }

    /// Reads the clip and scores it.
    package func run() async throws -> Result {
        let (frames, sampled) = try await reader.frames()
        return Result(
            scores: try await engine.score(clip: frames, of: name), sampled: sampled, kept: frames.count)
    }
}
