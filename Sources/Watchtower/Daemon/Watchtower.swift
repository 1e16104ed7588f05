import CLIP
import Foundation
import Heads
import Ingest
import Journal
package import Logging
import Matching
package import Messaging
package import Pixels
import Synchronization

/// The daemon, assembled: streams feed one queue, the engine scores, the outbox journals and publishes.
package actor Watchtower {
    package nonisolated let engine: ScoringEngine
    package nonisolated let outbox: Outbox
    package nonisolated let queries: QueryDesk
    package nonisolated let thresholds: ThresholdDesk
    package nonisolated let defaults: Defaults
    /// Who may use the sockets; nil if they are open to whoever can reach them.
    package nonisolated let gate: CurveGate?
    private let configuration: Configuration
    private let templates: PipelineTemplates
    /// States of streams on their way out, in the order they came; one consumer keeps it.
    private let states: AsyncStream<PendingMessage>.Continuation
    private let alerts: AlertDesk
    /// Heartbeats and retention; what is learnt is kept.
    private let upkeep: [Task<Void, Never>]
    private let queue = FrameQueue()
    private let logger: Logger
    private var runners: [String: (runner: StreamRunner, task: Task<Void, Never>)] = [:]
    private let started = Date()
    private var counters = Counters()
    private var latency = LatencyHistogram()
    private var measured = Measurement()

    /// What has been done since the start.
    package struct Counters: Sendable {
        package var encoded = 0
        /// Frames whose picture had not changed: they kept its embedding.
        package var gated = 0
        package var scored = 0
        /// Frames that showed nothing: black, frozen or without any edge.
        package var blind = 0
        package var failedBatches = 0
    }

    /// Opens everything that can fail at the start: model, heads, templates, journal, sockets.
    ///
    /// Streams come later.
    package init(_ configuration: Configuration, logger: Logger) async throws {
        self.configuration = configuration
        self.logger = logger
        let finder = HeadFinder.standard(first: configuration.plugins)
        let model = try ModelDirectory(InstalledModels.standard().resolve(configuration.model))
        templates = try PipelineTemplates(
            directory: configuration.pipelines.map { URL(filePath: $0) } ?? Installation.pipelines)
        let engine = try ScoringEngine(
            model: model, finder: finder, precision: configuration.precision, rerank: configuration.rerank,
            calibration: configuration.calibration)
        self.engine = engine
        defaults = Defaults(
            model: model, finder: finder, head: configuration.head, frames: configuration.frames,
            threshold: configuration.threshold, prompts: configuration.prompts)
        let gate = try configuration.curve?.gate(logger: logger)
        self.gate = gate
        let journal = try Journal(path: configuration.journal)
        let outbox = Outbox(
            journal: journal, publisher: try Publisher(binding: configuration.publish, gate: gate), logger: logger)
        self.outbox = outbox
        await outbox.endInterrupted()
        let alerts = AlertDesk(outbox: outbox, logger: logger)
        self.alerts = alerts
        let queries = QueryDesk(engine: engine, outbox: outbox, defaults: defaults, logger: logger) {
            await alerts.deliver($0)
        }
        self.queries = queries
        let thresholds = ThresholdDesk(engine: engine, outbox: outbox, logger: logger)
        self.thresholds = thresholds
        upkeep = [
            Task { await outbox.run(retention: configuration.retention) },
            Task { await thresholds.run() },
            Task { await Memory.giveBack() },
        ]
        let (stream, continuation) = AsyncStream<PendingMessage>.makeStream(bufferingPolicy: .bufferingNewest(1000))
        states = continuation
        Task { for await message in stream { await outbox.send([message]) } }
    }

    /// Adds what the configuration and the journal name.
    ///
    /// A wrong query or stream is refused as a whole, by a sentence.
    package func begin() async throws {
        try await thresholds.begin()
        try await queries.begin(configuration.queries)
        for stream in configuration.streams { try await addStream(stream, keep: false) }
        for saved in try await outbox.saved(.stream) {
            do {
                try await addStream(WireCoding.decode(StreamConfiguration.self, saved.json), keep: false)
            } catch {
                logger.error("a saved stream is left out", metadata: ["stream": "\(saved.id)", "error": "\(error)"])
            }
        }
    }

    /// Scores until the queue is finished: the daemon's main loop.
    package func run() async {
        while let items = await queue.next(limit: configuration.batchSize, maxDelay: .seconds(configuration.batchDelay))
        {
            guard !items.isEmpty else { continue }
            do {
                let step = try await engine.process(items)
                counters.encoded += step.encoded
                counters.gated += step.reused
                counters.scored += step.scored
                counters.blind += step.blind
                // A threshold is recorded before what it found is told.
                if !step.thresholds.isEmpty { await thresholds.record(step.thresholds) }
                await alerts.deliver(step.detections)
                let now = Date()
                for case .frame(let frame) in items.map(\.item) {
                    latency.add(seconds: now.timeIntervalSince(frame.wallClock))
                }
            } catch {
                counters.failedBatches += 1
                logger.error("a batch could not be scored", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Stops the streams, ends open events, and lets everything out.
    package func stop() async {
        for name in runners.keys.sorted() { _ = try? await removeStream(name, forget: false) }
        queue.finish()
        upkeep.forEach { $0.cancel() }
        await thresholds.save()
    }

    // MARK: Streams

    package func addStream(_ from: StreamConfiguration, keep: Bool = true) async throws {
        if let problem = from.problem { throw ControlFailure("bad-argument", "\(problem.key): \(problem.reason)") }
        let states = states
        let logger = logger
        let runner = try StreamRunner(
            name: from.name, description: defaults.source(from), templates: templates, queue: queue
        ) { name, state in
            logger.info(
                "stream", metadata: ["stream": "\(name)", "state": "\(state.word)", "reason": "\(state.reason ?? "")"])
            let at = Date()
            let message = PendingMessage(topic: "stream.\(name)") { seq, prev in
                try WireCoding.encode(
                    StreamMessage(seq: seq, prev: prev, stream: name, state: state.word, reason: state.reason, at: at))
            }
            states.yield(message)
        }
        if keep { try await outbox.save(.stream, id: from.name, json: WireCoding.encode(from)) }
        // Another request may add the same name while the old runner stops: look again after each wait.
        while runners[from.name] != nil { _ = try await removeStream(from.name, forget: false) }
        let engine = engine
        runners[from.name] = (
            runner,
            Task {
                for lane in runner.lanes { await engine.addLane(lane, labels: from.labels ?? []) }
                await runner.run()
            }
        )
    }

    /// Stops a stream and ends its events; false if there is none.
    package func removeStream(_ name: String, forget: Bool = true) async throws -> Bool {
        // Its lanes, too: what was learnt is kept by lane.
        if forget, let lanes = runners[name]?.runner.lanes { try await outbox.forget(.stream, lanes) }
        guard let (runner, task) = runners.removeValue(forKey: name) else { return false }
        task.cancel()
        await task.value
        for lane in runner.lanes {
            await alerts.deliver(await engine.removeLane(lane))
            if forget { await engine.forgetLearnt(lane: lane) }
        }
        return true
    }

    /// Everything about the streams.
    package func streamStatus() async -> [StreamStatus] {
        let health = await engine.health
        return runners.values.map { runner, _ in
            StreamStatus(
                name: runner.name, uri: SourceURI.redacted(runner.description.uri), state: runner.currentState.word,
                reason: runner.currentState.reason, live: runner.isLive, fps: runner.description.fps,
                decoding: runner.decoding.isKeyframesOnly ? "keyframes" : "all",
                skippedUnits: runner.decoding.skippedUnits, returnsToAll: runner.decoding.returnsToAll,
                sampled: runner.sampledFrames, gated: runner.gatedFrames,
                effectiveFps: runner.description.fps * (runner.isLive ? queue.keeps : 1),
                shed: queue.counts(runner.name).shed, dropped: queue.counts(runner.name).dropped,
                picture: health[runner.name] ?? .good, regions: Array(runner.lanes.dropFirst()))
        }.sorted { $0.name < $1.name }
    }

    /// What has been done since the last call.
    package func measure() async -> Measurement {
        let time = await engine.time
        var now = Measurement()
        (now.gated, now.events, now.failedBatches) = (counters.gated, await alerts.started, counters.failedBatches)
        for runner in runners.values.map(\.runner) {
            now.sampled += Int(runner.sampledFrames)
            let counts = queue.counts(runner.name)
            now.dropped += Int(counts.dropped + counts.shed)
            now.decodeSeconds += runner.decoding.decodeSeconds
            now.scaleSeconds += runner.decoding.scaleSeconds
        }
        now.encodeSeconds = Double(time.encode) / 1e9
        now.scoreSeconds = Double(time.all - time.encode) / 1e9
        var difference = now - measured
        difference.latency = latency
        measured = now
        latency = LatencyHistogram()
        return difference
    }

    package func status() async throws -> DaemonStatus {
        let journal = await outbox.status()
        return DaemonStatus(
            version: watchwordVersion, model: engine.model.identity, head: defaults.head, frames: defaults.frames,
            uptime: Date().timeIntervalSince(started), queries: await engine.queryCount, streams: await streamStatus(),
            encoded: counters.encoded, gated: counters.gated, blind: counters.blind,
            thresholds: await engine.learntThresholds, importing: queries.importing, scored: counters.scored,
            events: await alerts.started,
            failedBatches: counters.failedBatches, waiting: queue.depthNow, seq: outbox.lastSeq,
            journaled: configuration.journal != nil && journal.journaled, journal: journal,
            rssMB: Memory.residentMegabytes)
    }
}

/// A stream in `stream list` and `status`.
package struct StreamStatus: Codable, Sendable {
    package let name: String
    package let uri: String
    package let state: String
    package let reason: String?
    package let live: Bool
    package let fps: Double
    /// What is decoded now: "all", or "keyframes" alone.
    package let decoding: String
    /// Coded units dropped before the decoder.
    package let skippedUnits: UInt64
    /// How often keyframes became too rare for `decode: auto`, and everything was decoded again.
    package let returnsToAll: UInt64
    package let sampled: UInt64
    /// Sampled frames that showed nothing new: they kept their embedding.
    package let gated: UInt64
    /// Sampled frames a second that are scored: fewer than asked for while there is too much to do.
    package let effectiveFps: Double
    /// Frames that were left out for that, evenly over all live streams.
    package let shed: UInt64
    /// Frames that waited too long in a full queue.
    package let dropped: UInt64
    /// What its pictures are like: those that are "black", "frozen" or "blurred" match nothing.
    package let picture: PictureHealth
    /// Names of the lanes of its regions.
    package let regions: [String]
}

/// What `status` answers.
package struct DaemonStatus: Codable, Sendable {
    package let version: String
    package let model: String
    package let head: String
    package let frames: Int
    package let uptime: Double
    package let queries: Int
    package let streams: [StreamStatus]
    package let encoded: Int
    package let gated: Int
    /// Frames that showed nothing: black, frozen, or without any edge.
    package let blind: Int
    /// Learnt thresholds, by query and stream: still learning, pinned, and those that no longer fit.
    package let thresholds: LearntThresholds
    /// Queries of an import that are being embedded.
    package let importing: QueryDesk.Progress?
    package let scored: Int
    package let events: Int
    package let failedBatches: Int
    package let waiting: Int
    package let seq: Int64
    /// Whether messages outlive the process: there is a journal, and it takes them.
    package let journaled: Bool
    package let journal: JournalStatus
    package let rssMB: Double
}

package let watchwordVersion = "0.1.0"
