import CLIP
import Concurrency
package import Engine
package import Fleet
import Foundation
import Heads
package import Health
import Ingest
import Journal
package import Live
package import Logging
import Matching
import Measures
package import Messaging
package import Notify
import Sampling
import StreamSources
import Synchronization
import SystemSupport
package import WatchwordConfiguration

/// The daemon, assembled: streams feed one queue, the engine scores, the outbox journals and publishes.
package actor WatchwordDaemon {
    package nonisolated let engine: ScoringEngine
    package nonisolated let outbox: Outbox
    package nonisolated let queries: QueryRegistry
    package nonisolated let thresholds: ThresholdStore
    package nonisolated let defaults: Defaults
    package nonisolated let streams: StreamRegistry
    /// What was seen; nil where none is kept.
    package nonisolated let history: DaemonHistory?
    package nonisolated let health = DaemonHealth()
    /// What those see who look on.
    package nonisolated let live = LiveBoard()
    /// The gate of CURVE; nil if the sockets are open to everybody who can reach them.
    package nonisolated let gate: CurveGate?
    /// Who is told of events elsewhere.
    package nonisolated let notifiers: NotifyHub
    /// The fleet that this daemon is a node of, if it is of one.
    package nonisolated let fleet: FleetNode?
    private let prepared: [NotifyHub.Prepared]
    private var configuration: Configuration
    let alerts: EventDelivery
    /// Heartbeats and retention; what is learnt is kept.
    private let upkeep: [Task<Void, Never>]
    /// Queries with a budget that have come to stand, and what learns their thresholds from the history.
    private let unlearnt: PendingBudgets
    private var learning: Task<Void, Never>?
    private let reloads = SerialTaskQueue(on: .bulk)
    let queue = FrameQueue()
    private let pulse = LoopProbe()
    private let logger: Logger
    private let started = Date()
    private var counters = Counters()
    private var complaints = LogRateLimiter<String>()
    private var latency = LatencyHistogram()
    private var measured = Measurement()

    /// Counters since the start.
    package struct Counters: Sendable {
        package var encoded = 0
        /// Frames whose picture had not changed: they kept its embedding.
        package var gated = 0
        package var scored = 0
        /// Windows that were scored again in float32, and those in doubt that were not.
        package var rescored = 0
        package var undecided = 0
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
        for note in model.notes { logger.warning("model configuration", metadata: ["note": "\(note)"]) }
        let templates = try PipelineTemplates(
            directory: configuration.pipelines.map { URL(filePath: $0) } ?? Installation.pipelines)
        let engine = try ScoringEngine(
            model: model, finder: finder, precision: configuration.precision, rerank: configuration.rerank,
            calibration: configuration.calibration, isLive: true)
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
        prepared = try NotifyHub.prepare(configuration.notify)
        notifiers = NotifyHub(log: NotifierLog(outbox: outbox), logger: logger)
        let history = Self.history(configuration, engine, finder, logger)
        self.history = history
        let alerts = EventDelivery(outbox: outbox, history: history, logger: logger)
        self.alerts = alerts
        let unlearnt = PendingBudgets()
        self.unlearnt = unlearnt
        let queries = QueryRegistry(engine: engine, outbox: outbox, defaults: defaults, logger: logger) {
            await alerts.deliver($0)
        } onBudgets: {
            if history != nil { unlearnt.add($0) }
        }
        self.queries = queries
        let thresholds = ThresholdStore(engine: engine, outbox: outbox, logger: logger)
        self.thresholds = thresholds
        upkeep = [
            Task { await outbox.run(retention: configuration.retention) },
            Task { await thresholds.run() },
            Task { await Memory.keepReleasing() },
        ]
        streams = StreamRegistry(
            engine: engine, outbox: outbox, defaults: defaults, templates: templates,
            policy: configuration.sources, credentials: configuration.credentials, queue: queue, health: health,
            history: history, live: live, logger: logger
        ) { await alerts.deliver($0) }
        let host = DaemonAsNode(outbox: outbox, queries: queries, streams: streams, queue: queue)
        fleet = try configuration.fleet.map { fleet in
            try FleetNode(
                fleet, host.identity(model, configuration), host: host, logger: logger)
        }
    }

    /// The history; where it cannot be written that is said, and watching goes on without it.
    private static func history(
        _ configuration: Configuration, _ engine: ScoringEngine, _ finder: HeadFinder, _ logger: Logger
    ) -> DaemonHistory? {
        guard let (directory, settings) = DaemonHistory.directory(configuration) else { return nil }
        do {
            return try DaemonHistory(directory, settings, engine: engine, finder: finder, configuration)
        } catch {
            logger.warning("no history is kept", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    /// Adds what the configuration and the journal name.
    ///
    /// A wrong query or stream is refused as a whole, by a sentence.
    package func begin() async throws {
        await notifiers.apply(prepared)
        try await thresholds.begin()
        try await queries.begin(configuration.queries)
        try await streams.begin(configuration.streams)
        await fleet?.begin()
        learning = Task { [weak self, unlearnt] in
            for await _ in unlearnt.news { await self?.learn(unlearnt.take()) }
        }
    }

    /// Takes the thresholds of queries with a budget from the history, for those on which nothing is known yet.
    private func learn(_ queries: [EmbeddedQuery]) async {
        guard let history else { return }
        var wanted: [String: EmbeddedQuery] = [:]
        for one in queries where await engine.isUnlearnt(one.query) { wanted[one.query.id] = one }
        guard !wanted.isEmpty else { return }
        do {
            let (learnt, skipped) = try await history.learn(Array(wanted.values), labels: streams.labels)
            var changes: [ThresholdChange] = []
            for one in learnt {
                guard let query = wanted[one.query]?.query else { continue }
                if let change = await engine.learn(one, of: query) { changes.append(change) }
            }
            if !changes.isEmpty { await thresholds.record(changes) }
            for sentence in skipped {
                logger.warning("thresholds are learnt without a part of the history", metadata: ["why": "\(sentence)"])
            }
        } catch is CancellationError {
            return
        } catch {
            logger.warning(
                "thresholds are not learnt from the history, but from what comes", metadata: ["reason": "\(error)"])
        }
    }

    // MARK: Another configuration

    /// Reads the configuration again and does what is new in it; false if it was refused, which is logged.
    @discardableResult
    package func reload(_ path: String) async -> Bool {
        do {
            let changes = try await reload(offPoolThrowing { try Configuration.load(path) })
            logger.notice("the configuration has been read again", metadata: ["changes": "\(changes)"])
            return true
        } catch {
            logger.error("the new configuration is refused, the old one is in force", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Does what is new in a configuration: streams and queries that changed are replaced, the others go on.
    ///
    /// What is wrong is refused whole, by a sentence; so is a change of what cannot change while the daemon runs. What
    /// was added through a socket stays. Returns what changed, for people.
    package func reload(_ new: Configuration) async throws -> String {
        try await reloads.take { try await self.change(to: new) }
    }

    private func change(to new: Configuration) async throws -> String {
        let fixed = new.fixedKeys(changedFrom: configuration)
        guard fixed.isEmpty else {
            let keys = fixed.joined(separator: ", ")
            throw ConfigurationError(whole: "\(keys): cannot change while the daemon runs; restart it for that")
        }
        // Everything that can be refused comes before anything that is done.
        let clients = try new.curve?.list()
        let told = try NotifyHub.prepare(new.notify)
        let prepared = try await streams.prepare(new.streams, after: configuration.streams)
        let queryChanges = try await queries.change(to: new.queries)
        configuration = new
        if let clients { gate?.reload(clients) }
        await notifiers.apply(told)
        return "\(await streams.apply(prepared)), \(queryChanges)"
    }

    /// Scores until the queue is finished: the daemon's main loop.
    package func run() async {
        defer {
            pulse.end()
            health.endLoop()
        }
        while let items = await queue.next(limit: configuration.batchSize, maxDelay: .seconds(configuration.batchDelay))
        {
            defer { pulse.beat() }
            // With nothing, too: asked whether it goes round, that is for the engine's executor to say, and windows may
            // wait.
            let began = Date()
            health.beginBatch()
            defer { health.endBatch() }
            do {
                let step = try await engine.process(
                    items, isLate: queue.wasLate, wantFrames: history != nil, watching: live.watchedQueries)
                history?.record(step)
                live.add(step.watched)
                if step.waits { queue.comeBack() }
                counters.encoded += step.encoded
                counters.gated += step.reused
                counters.scored += step.scored
                counters.rescored += step.rescored
                counters.undecided += step.undecided
                counters.blind += step.blind
                if !step.failures.isEmpty { complain(step.failures) }
                let scored = Date()
                // A threshold is recorded before what it found is told.
                if !step.thresholds.isEmpty { await thresholds.record(step.thresholds) }
                await alerts.deliver(step.detections)
                let now = Date()
                let stamps = items.compactMap { if case .frame(let frame) = $0.item { frame.wallClock } else { nil } }
                let totals = step.settled.map { now.timeIntervalSince1970 - $0 }
                for total in totals { latency.add(seconds: total) }
                guard !items.isEmpty || !totals.isEmpty else { continue }
                health.add(
                    batch: items.count, waits: stamps.map { began.timeIntervalSince($0) }, totals: totals, step: step,
                    publish: now.timeIntervalSince(scored))
            } catch {
                counters.failedBatches += 1
                logger.error("a batch could not be scored", metadata: ["error": "\(error)"])
            }
        }
        if let history { await offPool { history.close() } }
    }

    private func complain(_ failures: [HeadFailure]) {
        counters.failedBatches += 1
        for failure in failures {
            guard let times = complaints.take(failure.head, at: .now) else { continue }
            logger.error(
                "windows could not be scored",
                metadata: ["head": "\(failure.head)", "error": "\(failure)", "times": "\(times)"])
        }
    }

    /// Returns when the scoring loop has gone round since, through the engine's executor; false if it is over.
    package nonisolated func goesRound() async -> Bool { await pulse.next { queue.nudge() } }

    /// The daemon's state in a line.
    package func summary() async -> String {
        let states = await streams.running.map(\.currentState)
        let playing = states.count { $0 == .playing }
        return "\(playing) of \(states.count) streams playing, \(await engine.queryCount) queries"
    }

    /// Stops the streams, ends open events, and lets everything out; false if a stream's pipeline did not stop.
    ///
    /// Such a pipeline is left as it is: its server may never answer.
    @discardableResult
    package func stop() async -> Bool {
        let haveStopped = await streams.stop()
        queue.finish()
        await fleet?.stop()
        upkeep.forEach { $0.cancel() }
        learning?.cancel()
        // They hold the journal: who starts after this opens it again.
        for task in upkeep { await task.value }
        await thresholds.save()
        await learning?.value
        // Last, so that they may have what the others told.
        await notifiers.stop()
        return haveStopped
    }

    /// Counters since the last call.
    package func measure() async -> Measurement {
        let time = await engine.time
        var now = Measurement()
        (now.gated, now.events, now.failedBatches) = (counters.gated, await alerts.started, counters.failedBatches)
        (now.rescored, now.undecided) = (counters.rescored, counters.undecided)
        for runner in await streams.running {
            now.sampled += Int(runner.sampledFrames)
            now.dropped += Int(queue.dropped(runner.name) + runner.decoding.shedSamples)
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
            uptime: Date().timeIntervalSince(started), queries: await engine.queryCount,
            streams: await streams.status(),
            encoded: counters.encoded, gated: counters.gated, blind: counters.blind,
            thresholds: await engine.learntThresholds, importing: queries.importing, scored: counters.scored,
            rescored: counters.rescored, undecided: counters.undecided, events: await alerts.started,
            failedBatches: counters.failedBatches, waiting: queue.depthNow, seq: outbox.lastSeq,
            journaled: configuration.journal != nil && journal.journaled, journal: journal,
            history: history.map { HistoryCounts($0.status) }, notifiers: await notifiers.status(),
            rssMB: Memory.residentMegabytes)
    }
}

/// The answer of `status`.
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
    package let importing: QueryRegistry.Progress?
    package let scored: Int
    /// Windows that were scored again in float32, and those in doubt for which there was no time.
    package let rescored: Int
    package let undecided: Int
    package let events: Int
    package let failedBatches: Int
    package let waiting: Int
    package let seq: Int64
    /// Whether messages outlive the process: there is a journal, and it takes them.
    package let journaled: Bool
    package let journal: JournalStatus
    /// Nil where no history is kept.
    package let history: HistoryCounts?
    package let notifiers: [NotifierStatus]
    package let rssMB: Double
}

package let watchwordVersion = "0.1.0"
