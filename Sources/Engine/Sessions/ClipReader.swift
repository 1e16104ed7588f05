package import Ingest
package import Matching
package import Sampling
package import StreamSources
import Synchronization

/// Reads a video file as one clip, as CLIP4Clip's data loaders do: sampled by frame number, cut to a window's length.
package struct ClipReader: Sendable {
    private let source: SourceDescription
    private let templates: PipelineTemplates
    private let sampling: ClipSampling
    private let selection: ClipSelection
    private let maxFrames: Int

    package init(
        source: SourceDescription, templates: PipelineTemplates, sampling: ClipSampling, selection: ClipSelection,
        maxFrames: Int
    ) {
        self.source = source
        self.templates = templates
        self.sampling = sampling
        self.selection = selection
        self.maxFrames = maxFrames
    }

    /// Returns the frames to score, and the number of frames sampled.
    ///
    /// If the clip's length decides which frames are kept, the file is decoded twice, so that only these are in memory.
    package func frames() async throws -> (kept: [Frame], sampled: Int) {
        var wanted = Set(0..<maxFrames)
        var sampled: Int?
        if selection != .head {
            let count = try await play(ClipFrames(sampling, wanted: [])).sampled
            wanted = Set(selection.indices(of: count, limit: maxFrames))
            sampled = count
        }
        let (frames, seen) = try await play(ClipFrames(sampling, wanted: wanted))
        guard !frames.isEmpty else {
            throw ClipError("\(SourceURI.redacted(source.uri)): there is no frame where the clip is sampled")
        }
        return (frames, sampled ?? seen)
    }

    /// Decodes the file to its end, or to the last second to sample.
    private func play(_ clip: ClipFrames) async throws -> (frames: [Frame], sampled: Int) {
        var description = source
        description.clip = clip
        let frames = Mutex<[Frame]>([])
        let (ends, end) = AsyncStream<String?>.makeStream()
        let video = try VideoSource(
            description, templates: templates, onFrame: { frame in frames.withLock { $0.append(frame) } },
            onEvent: { event in
                switch event {
                case .failed(let why), .busy(let why, _): end.yield(why)
                case .endOfStream: end.yield(nil)
                case .started, .formatChanged, .live, .warning: break
                }
            })
        if let problem = await video.startOffPool() { throw problem }
        var failure: String?
        for await why in ends {
            failure = why
            break
        }
        await video.stopOffPool()
        if let failure { throw SourceError(failure, isBadData: video.isBadData) }
        return (frames.withLock { $0 }, video.clipFrames)
    }
}
