package import Ingest
package import Matching
package import StreamSources

/// Scores a video file as one clip, as CLIP4Clip's data loaders read it.
///
/// The file is sampled by frame number, cut to a window's length, and scored once.
package struct ClipSession: Sendable {
    /// The clip's scores, and the numbers of its frames.
    package struct Result: Sendable {
        package let scores: [WindowScore]
        /// The number of frames sampled; `kept` is the number of frames that were scored.
        package let sampled: Int
        package let kept: Int
    }

    private let engine: ScoringEngine
    private let name: String
    private let reader: ClipReader

    /// Makes a session; `maxFrames` is the window length of the engine's queries.
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
