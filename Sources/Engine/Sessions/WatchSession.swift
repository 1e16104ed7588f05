import Foundation
package import Ingest
package import Matching
import Sampling
package import StreamSources
import Synchronization
import WireFormat

/// Plays one stream to its end without a daemon, for the command `watchword watch`.
package struct WatchSession: Sendable {
    /// A report of a running session, for the caller to print.
    package enum Report: Sendable {
        case detection(Detection, seq: Int64, prev: Int64?)
        case scores([WindowScore])
        /// The number of frames sampled so far, and the media time reached, in seconds.
        case progress(frames: Int, mediaTime: Double)
        case warning(String)
    }

    /// The result of a session: counters, the failure if any, and the queries without an event.
    package struct Summary: Sendable {
        package var frames = 0
        /// The number of frames whose picture was unchanged, so that they kept an embedding.
        package var gated = 0
        /// The number of black, frozen or blurred frames, which enter no window.
        package var blind = 0
        package var windows = 0
        /// The number of windows scored again in float32.
        package var rescored = 0
        package var events = 0
        package var dropped: UInt64 = 0
        package var failure: String?
        /// True if the source was reached, but its data is bad.
        package var isBadData = false
        /// The queries without an event, each with the window that came closest, the closest first.
        ///
        /// `nearest` is nil if no window was scored for the query.
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
        let (queue, findings) = (FrameQueue(sheds: false), Findings())
        let video = try makeSource(into: queue, findings)
        queue.open(name, policy: video.isLive ? .dropOldest : .wait)
        await engine.addLane(name)
        await engine.noteNearness()
        if let problem = await video.startOffPool() { throw problem }
        var tally = Tally()
        do {
            try await withTaskCancellationHandler {
                try await score(queue, findings, into: &tally, wantScores: wantScores, report: report)
            } onCancel: {
                queue.finish()
            }
        } catch {
            queue.finish()
            await video.stopOffPool()
            throw error
        }
        tally.summary.dropped = queue.dropped(name)
        queue.finish()
        await video.stopOffPool()
        tally.count(await engine.removeLane(name), report)
        tally.summary.failure = findings.failure.withLock { $0 }
        tally.summary.isBadData = video.isBadData
        if tally.summary.failure == nil { note(&tally.summary, video, wasStopped: Task.isCancelled) }
        let moments = await engine.nearestMoments
        let looked = Set(moments.map(\.query.id))
        tally.summary.eventless = moments.filter { tally.isEventless($0.query) }.map { ($0.query, $0) }
        tally.summary.eventless += await engine.allQueries.filter { !looked.contains($0.id) && tally.isEventless($0) }
            .map { ($0, nil) }
        return tally.summary
    }

    /// Makes the video source; its frames and its end go into the queue.
    private func makeSource(into queue: FrameQueue, _ findings: Findings) throws(SourceError) -> VideoSource {
        let name = name
        return try VideoSource(
            source, templates: templates, onFrame: { queue.post(.frame($0), to: name) },
            onEvent: { event in
                switch event {
                case .failed(let why), .busy(let why, _):
                    findings.failure.withLock { $0 = why }
                    queue.post(.end, to: name)
                case .endOfStream: queue.post(.end, to: name)
                case .warning(let text): findings.warnings.withLock { $0.append(text) }
                case .live(let inBursts): if !inBursts { queue.setPolicy(.dropOldest, of: name) }
                case .started, .formatChanged: break
                }
            })
    }

    /// Scores the queue's frames until the stream has ended or the queue is finished.
    private func score(
        _ queue: FrameQueue, _ findings: Findings, into tally: inout Tally, wantScores: Bool,
        report: @Sendable (Report) -> Void
    ) async throws {
        while let items = await queue.next(limit: batchSize, maxDelay: .milliseconds(20)) {
            let step = try await engine.process(items, wantScores: wantScores)
            if let failure = step.failures.first { throw failure.cause ?? failure }
            tally.count(step)
            tally.count(step.detections, report)
            if wantScores { report(.scores(step.scores)) }
            let latest = items.compactMap { if case .frame(let frame) = $0.item { frame.mediaTime } else { nil } }.last
            if let latest { report(.progress(frames: tally.summary.frames, mediaTime: latest)) }
            for warning in findings.takeWarnings() { report(.warning(warning)) }
            if !step.ended.isEmpty { return }
        }
    }

    /// Records in the summary that the source ended without a picture, unless it was stopped.
    private func note(_ summary: inout Summary, _ video: VideoSource, wasStopped: Bool) {
        guard !wasStopped else { return }
        let shown = SourceURI.redacted(source.uri)
        if summary.frames == 0, video.sampledFrames == 0 {
            summary.isBadData = true
            summary.failure = "\(shown): it ended, and no picture was sampled; is it a film, and are its times right?"
        }
    }
}

/// The failure and the warnings of a source, written by its threads.
private final class Findings: Sendable {
    let failure = Mutex<String?>(nil)
    let warnings = Mutex<[String]>([])

    func takeWarnings() -> [String] {
        warnings.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}

/// The counters of a session so far, and the sequence numbers of its event messages.
private struct Tally {
    var summary = WatchSession.Summary()
    private var seq: Int64 = 0
    /// The sequence number of the last message of each topic.
    private var last: [String: Int64] = [:]
    private var started: Set<String> = []
    private var startedGroups: Set<String> = []

    mutating func count(_ step: BatchResult) {
        summary.frames += step.encoded + step.reused + step.blind
        summary.gated += step.reused
        summary.blind += step.blind
        summary.windows += step.scored
        summary.rescored += step.rescored
    }

    /// Gives the event messages sequence numbers, counts started events, and reports them.
    mutating func count(_ detections: [Detection], _ report: (WatchSession.Report) -> Void) {
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

    /// Returns true if neither the query nor its group had an event.
    func isEventless(_ query: StandingQuery) -> Bool {
        !started.contains(query.id) && !(query.settings.group.map(startedGroups.contains) ?? false)
    }
}
