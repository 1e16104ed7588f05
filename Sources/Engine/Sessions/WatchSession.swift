import Foundation
package import Ingest
package import Matching
import Sampling
package import StreamSources
import Synchronization
import WireFormat

/// One stream to its end, without a daemon: what `watchword watch` runs.
package struct WatchSession: Sendable {
    /// A report of a running session.
    package enum Report: Sendable {
        case detection(Detection, seq: Int64, prev: Int64?)
        case scores([WindowScore])
        /// Frames sampled so far and the media time reached.
        case progress(frames: Int, mediaTime: Double)
        case warning(String)
    }

    /// The result of a session.
    package struct Summary: Sendable {
        package var frames = 0
        /// Frames whose picture had not changed: they kept its embedding.
        package var gated = 0
        package var windows = 0
        /// Windows that were scored again in float32.
        package var rescored = 0
        package var events = 0
        package var dropped: UInt64 = 0
        package var failure: String?
        /// Whether what is in the source is to blame for that, and not that it cannot be had.
        package var isBadData = false
        /// Queries that had no event, with their nearest moment, the nearest first; nil where no window was scored.
        package var eventless: [(query: StandingQuery, nearest: NearestMoment?)] = []
    }

    private let engine: ScoringEngine
    private let name: String
    private let source: SourceDescription
    private let templates: PipelineTemplates
    private let batchSize: Int

    package init(
        engine: ScoringEngine, name: String, source: SourceDescription, templates: PipelineTemplates, batchSize: Int = 8
    ) {
        self.engine = engine
        self.name = name
        self.source = source
        self.templates = templates
        self.batchSize = batchSize
    }

    /// Plays the stream until it ends, fails, or the task is cancelled; every sampled frame of a file is scored.
    package func run(wantScores: Bool, report: @Sendable (Report) -> Void) async throws -> Summary {
        let queue = FrameQueue(sheds: false)
        let failure = Mutex<String?>(nil)
        let warnings = Mutex<[String]>([])
        let name = name
        let video = try VideoSource(
            source, templates: templates, onFrame: { queue.post(.frame($0), to: name) },
            onEvent: { event in
                switch event {
                case .failed(let why), .busy(let why, _):
                    failure.withLock { $0 = why }
                    queue.post(.end, to: name)
                case .endOfStream: queue.post(.end, to: name)
                case .warning(let text): warnings.withLock { $0.append(text) }
                case .live(let inBursts): if !inBursts { queue.setPolicy(.dropOldest, of: name) }
                case .started, .formatChanged: break
                }
            })
        queue.open(name, policy: video.isLive ? .dropOldest : .wait)
        await engine.addLane(name)
        await engine.noteNearness()
        if let problem = await video.startOffPool() { throw problem }
        var summary = Summary()
        var seq: Int64 = 0
        var last: [String: Int64] = [:]
        var started: Set<String> = []
        var startedGroups: Set<String> = []
        func tell(_ detections: [Detection]) {
            for detection in detections {
                seq += 1
                if detection.transition.phase == .start {
                    summary.events += 1
                    started.insert(detection.query.id)
                    if let group = detection.query.settings.group { startedGroups.insert(group) }
                }
                let topic = Topic.match(stream: detection.stream, query: detection.query.id)
                report(.detection(detection, seq: seq, prev: last[topic]))
                last[topic] = seq
            }
        }
        do {
            try await withTaskCancellationHandler {
                while let items = await queue.next(limit: batchSize, maxDelay: .milliseconds(20)) {
                    let step = try await engine.process(items, wantScores: wantScores)
                    if let failure = step.failures.first { throw failure.cause ?? failure }
                    summary.frames += step.encoded + step.reused + step.blind
                    summary.gated += step.reused
                    summary.windows += step.scored
                    summary.rescored += step.rescored
                    tell(step.detections)
                    if wantScores { report(.scores(step.scores)) }
                    let latest = items.compactMap {
                        if case .frame(let frame) = $0.item { frame.mediaTime } else { nil }
                    }.last
                    if let latest { report(.progress(frames: summary.frames, mediaTime: latest)) }
                    for warning in warnings.withLock({ waiting in
                        defer { waiting = [] }
                        return waiting
                    }) { report(.warning(warning)) }
                    if !step.ended.isEmpty { break }
                }
            } onCancel: {
                queue.finish()
            }
        } catch {
            queue.finish()
            await video.stopOffPool()
            throw error
        }
        summary.dropped = queue.dropped(name)
        queue.finish()
        await video.stopOffPool()
        tell(await engine.removeLane(name))
        summary.failure = failure.withLock { $0 }
        summary.isBadData = video.isBadData
        if summary.failure == nil { note(&summary, video, wasStopped: Task.isCancelled) }
        let moments = await engine.nearestMoments
        func isEventless(_ query: StandingQuery) -> Bool {
            !started.contains(query.id) && !(query.settings.group.map(startedGroups.contains) ?? false)
        }
        let looked = Set(moments.map(\.query.id))
        summary.eventless = moments.filter { isEventless($0.query) }.map { ($0.query, $0) }
        summary.eventless += await engine.allQueries.filter { !looked.contains($0.id) && isEventless($0) }
            .map { ($0, nil) }
        return summary
    }

    /// Notes in the summary why a source ended too early.
    private func note(_ summary: inout Summary, _ video: VideoSource, wasStopped: Bool) {
        guard !wasStopped else { return }
        let shown = SourceURI.redacted(source.uri)
        if summary.frames == 0, video.sampledFrames == 0 {
            summary.isBadData = true
            summary.failure = "\(shown): it ended, and no picture was sampled; is it a film, and are its times right?"
        }
    }
}
