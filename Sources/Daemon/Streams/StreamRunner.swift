import Concurrency
package import Engine
package import Foundation
package import Ingest
package import Recording
package import Sampling
package import StreamSources
import Synchronization

/// Runs one stream: opens its source, feeds its lane, and follows the decisions of `StreamSupervision`.
///
/// Streams are independent: each has its own pipeline, and one that does not stop is abandoned.
package final class StreamRunner: Sendable {
    package let name: String
    package let description: SourceDescription
    private let kind: StreamSupervision.Source
    /// Whether the stream is supervised as live; once its pipeline has reported that it has no end, it stays live.
    package var isLive: Bool { kind == .live || foundLive.load(ordering: .relaxed) }
    private let foundLive = Atomic(false)
    private let memory = UnitMemory()
    /// Gets the coded units; nil where none are recorded.
    let units: UnitRing?
    package let decoding = DecodingRecord()
    private let templates: PipelineTemplates
    private let queue: FrameQueue
    private let limits: StreamSupervision.Limits
    private let onPicture: @Sendable (Frame) -> Void
    private let onState: @Sendable (String, SourceState) -> Void
    private let shown: Mutex<Shown>
    private let counts = Mutex(Counts())

    private let stopLimit: Duration
    /// The greatest number of abandoned sources; at that number, one must stop before the source is opened again.
    private static let mostAbandoned = 3

    /// The supervision's state for readers.
    private struct Shown {
        var state = SourceState.connecting
        var since = Date()
        var counts = StreamSupervision.Counts()
    }

    /// The counters over all openings of the source.
    private struct Counts {
        var sampled: UInt64 = 0
        var gated: UInt64 = 0
        var latest: UInt64?
        var lag = ArrivalLag()
        var abandoned: UInt64 = 0
        /// The abandoned sources that have not stopped yet.
        var lingering = 0
    }

    /// Checks that the source can be made; throws on a wrong template, URI or credentials file.
    ///
    /// `stopLimit` is the longest wait for a live source's pipeline to stop. `onPicture` receives each sampled frame of
    /// the whole picture, on a streaming thread.
    package init(
        name: String, description: SourceDescription, templates: PipelineTemplates, queue: FrameQueue,
        limits: StreamSupervision.Limits = .init(), stopLimit: Duration = .seconds(2), units: UnitRing? = nil,
        onPicture: @escaping @Sendable (Frame) -> Void = { _ in },
        onState: @escaping @Sendable (String, SourceState) -> Void
    ) throws(SourceError) {
        let trial = try VideoSource(description, templates: templates, onFrame: { _ in }, onEvent: { _ in })
        self.name = name
        self.description = description
        kind = trial.kind
        self.templates = templates
        self.queue = queue
        var limits = limits
        limits.interval = .seconds(1 / description.fps)
        self.limits = limits
        self.stopLimit = stopLimit
        self.units = units
        self.onPicture = onPicture
        self.onState = onState
        shown = Mutex(Shown())
    }

    /// The names of the stream's lanes: its own, then those of its regions.
    package var lanes: [String] { LaneName.all(name, description.regions.keys) }

    package var currentState: SourceState { shown.withLock { $0.state } }
    /// The time at which the state was entered.
    package var stateSince: Date { shown.withLock { $0.since } }
    package var supervised: StreamSupervision.Counts { shown.withLock { $0.counts } }
    /// The number of frames that were sampled, including those shed afterwards.
    package var sampledFrames: UInt64 { counts.withLock { $0.sampled } + decoding.shedSamples }
    /// The number of sampled frames that showed nothing new.
    package var gatedFrames: UInt64 { counts.withLock { $0.gated } }
    /// How much later a live source's pictures arrive than the earliest ones did since it was opened, in seconds.
    package var lag: Double { isLive ? counts.withLock { $0.lag.seconds } : 0 }
    /// The number of pipelines that did not stop in time, and were abandoned.
    package var abandonedPipelines: UInt64 { counts.withLock { $0.abandoned } }

    /// Runs until the source has ended permanently or the task is cancelled.
    package func run() async {
        for lane in lanes { queue.open(lane, policy: kind == .live ? .dropOldest : .wait) }
        defer { if Task.isCancelled { close() } }
        var supervision = StreamSupervision(kind, limits: limits, at: .now)
        var step = supervision.begin(at: .now)
        onState(name, supervision.state)
        var playing: Playing?
        while !Task.isCancelled {
            switch step {
            case .open:
                let opened = Playing()
                playing = opened
                open(opened)
                step = supervision.observe(.time, at: .now)
            case .watch(let until):
                guard let playing else { return }
                let signal = await playing.signals.next(until: until)
                // The time first: what is heard after it is heard in time.
                let now = ContinuousClock.now
                step = supervision.observe(signal, heard: playing.heard, at: now)
            case .close:
                // What was begun ends now, whether or not the pipeline does.
                show(supervision)
                if let playing { await tearDown(playing) }
                playing = nil
                for lane in lanes { queue.post(.end, to: lane) }
                step = supervision.observe(.closed, at: .now)
            case .rest(let until):
                try? await Task.sleep(until: until)
                while !Task.isCancelled, counts.withLock({ $0.lingering }) >= Self.mostAbandoned {
                    try? await Task.sleep(for: .seconds(1))
                }
                step = supervision.observe(.time, at: .now)
            case .finish:
                show(supervision)
                return
            }
            show(supervision)
        }
        if let playing { await tearDown(playing) }
    }

    /// Keeps a live picture for clips, where the stream's coding is not recorded.
    private func keep(_ frame: Frame) {
        guard isLive, let units, let preview = frame.preview else { return }
        units.see(preview, at: frame.wallClock.timeIntervalSince1970)
    }

    // MARK: One opening of the source

    /// A source that is open or being opened.
    private final class Playing: Sendable {
        let signals = Mailbox<StreamSupervision.Observation>(timeout: .time)
        /// Whether the source is still wanted; if not, its output is ignored, though its threads may run.
        let isWanted = Atomic(true)
        let source = Mutex<VideoSource?>(nil)

        var heard: StreamSupervision.Heard { source.withLock { $0?.activity.heard } ?? .init() }
    }

    /// Starts the source on its own thread, since that may take as long as a device or a server does.
    private func open(_ playing: Playing) {
        let (queue, name, onPicture) = (queue, name, onPicture)
        let source: VideoSource
        do {
            source = try VideoSource(
                description, templates: templates, decoding: decoding, share: queue.share,
                patience: isLive ? nil : ProgressWatch.usual,
                wasLive: foundLive.load(ordering: .relaxed), memory: memory, units: units,
                onFrame: { [weak self] frame in
                    guard playing.isWanted.load(ordering: .relaxed) else { return }
                    if frame.region == nil {
                        self?.count(frame)
                        onPicture(frame)
                        self?.keep(frame)
                    }
                    queue.post(.frame(frame), to: LaneName.of(name, frame.region))
                },
                onEvent: { [weak self] event in
                    switch event {
                    case .live(let inBursts):
                        self?.found(live: inBursts)
                        playing.signals.send(.live)
                    case .started: playing.signals.send(.picture)
                    case .endOfStream: playing.signals.send(.ended)
                    case .failed(let why): playing.signals.send(.failed(why))
                    case .busy(let why, let pause): playing.signals.send(.busy(why, pause))
                    case .formatChanged, .warning: break
                    }
                })
        } catch {
            return playing.signals.send(.failed(error.description))
        }
        playing.source.withLock { $0 = source }
        Thread {
            do throws(SourceError) { try source.start() } catch { playing.signals.send(.failed(error.description)) }
        }.start()
    }

    /// Handles a pipeline without an end: segments that come in bursts are taken whole, other pictures in real time.
    private func found(live inBursts: Bool) {
        foundLive.store(true, ordering: .relaxed)
        for lane in lanes { queue.setPolicy(inBursts ? .wait : .dropOldest, of: lane) }
    }

    /// Stops the source, even for a cancelled task.
    private func tearDown(_ playing: Playing) async {
        let isBounded = isLive || Task.isCancelled
        await withTaskCancellationHandler {
            await Task { await close(playing, isBounded: isBounded) }.value
        } onCancel: {
            // A file may be waiting for room in its lane; stopping waits for its thread.
            close()
        }
    }

    /// Stops the source; the wait is bounded if the source is live, or no longer wanted.
    private func close(_ playing: Playing, isBounded: Bool) async {
        let source = playing.source.withLock { source in
            defer { source = nil }
            return source
        }
        guard let source else { return }
        if isBounded { playing.isWanted.store(false, ordering: .relaxed) }
        counts.withLock { $0.lingering += 1 }
        let hasStopped = await offPool(atMost: isBounded ? stopLimit : nil) { [self] in
            source.stop()
            counts.withLock { $0.lingering -= 1 }
        }
        if !hasStopped { counts.withLock { $0.abandoned += 1 } }
    }

    private func close() { for lane in lanes { queue.close(lane) } }

    private func count(_ frame: Frame) {
        counts.withLock {
            $0.sampled += 1
            if $0.latest == frame.pictureNumber, !frame.discontinuity { $0.gated += 1 }
            $0.latest = frame.pictureNumber
            $0.lag.observe(frame)
        }
    }

    private func show(_ supervision: StreamSupervision) {
        let changed = shown.withLock { shown in
            shown.counts = supervision.counts
            guard shown.state != supervision.state else { return false }
            shown.state = supervision.state
            shown.since = Date()
            return true
        }
        if changed { onState(name, supervision.state) }
    }
}
