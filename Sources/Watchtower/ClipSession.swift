import Foundation
package import Ingest
package import Matching
import Synchronization

/// A file as one clip, as CLIP4Clip's data loaders read it: sampled by frame numbers, cut to a window's length, scored once.
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
    private let source: SourceDescription
    private let templates: PipelineTemplates
    private let sampling: ClipSampling
    private let selection: ClipSelection
    private let maxFrames: Int

    /// `maxFrames`: the window length of the engine's queries.
    package init(
        engine: ScoringEngine, name: String, source: SourceDescription, templates: PipelineTemplates,
        sampling: ClipSampling, selection: ClipSelection, maxFrames: Int
    ) {
        self.engine = engine
        self.name = name
        self.source = source
        self.templates = templates
        self.sampling = sampling
        self.selection = selection
        self.maxFrames = maxFrames
    }

    /// Decodes the clip, twice if its length decides which frames are kept, so that only those are ever in memory.
    package func run() async throws -> Result {
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
        let scores = try await engine.score(clip: frames, of: name)
        return Result(scores: scores, sampled: sampled ?? seen, kept: frames.count)
    }

    /// Plays the source to its end, or to the last second that is looked at.
    private func play(_ clip: ClipFrames) async throws -> (frames: [Frame], sampled: Int) {
        var description = source
        description.clip = clip
        let frames = Mutex<[Frame]>([])
        let (ends, end) = AsyncStream<String?>.makeStream()
        let video = try VideoSource(
            description, templates: templates, onFrame: { frame in frames.withLock { $0.append(frame) } },
            onEvent: { event in
                switch event {
                case .failed(let why): end.yield(why)
                case .endOfStream: end.yield(nil)
                case .started, .formatChanged, .warning: break
                }
            })
        let problem: SourceError? = await offPool {
            do throws(SourceError) {
                try video.start()
                return nil
            } catch {
                return error
            }
        }
        if let problem { throw problem }
        var failure: String?
        for await why in ends {
            failure = why
            break
        }
        await offPool { video.stop() }
        if let failure { throw SourceError(failure) }
        return (frames.withLock { $0 }, video.clipFrames)
    }
}
