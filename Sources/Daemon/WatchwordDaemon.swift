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
import Notify
package import Publishing
package import Recording
import Sampling
import StreamSources
import Synchronization
import SystemSupport
package import WatchwordConfiguration

/// The assembled daemon: streams feed one queue, the engine scores, the outbox journals and publishes.
package actor WatchwordDaemon {
    package nonisolated let engine: ScoringEngine
    package nonisolated let outbox: Outbox
    package nonisolated let queries: QueryRegistry
    package nonisolated let thresholds: ThresholdStore
    package nonisolated let defaults: Defaults
    package nonisolated let streams: StreamRegistry
    /// The embeddings of the past; nil if the configuration keeps none.
    package nonisolated let history: DaemonHistory?
    /// Coded video of the streams, and clips of events.
    package nonisolated let recordings: Recordings
    package nonisolated let health = DaemonHealth()
    /// The newest pictures and scores, for clients that watch live.
    package nonisolated let live = LiveBoard()
    /// The authentication of ZeroMQ clients; nil if the sockets are open to everybody who can reach them.
    package nonisolated let gate: CurveGate?
    /// The notifiers, which send events to receivers elsewhere.
    package nonisolated let notifiers: NotifierRegistry
    /// The fleet that this daemon is a node of, if it is of one.
    package nonisolated let fleet: FleetNode?
    private let prepared: [NotifyHub.Prepared]
    private var configuration: Configuration
    let alerts: EventDelivery
    /// The tasks for heartbeats, retention, and saving what is learnt.
    private let upkeep: [Task<Void, Never>]
    /// The new queries with a budget, for the task that learns their thresholds from the history.
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
    private var measured = WorkTotals()

    /// The counters since the start.
    package struct Counters: Sendable {
        package var encoded = 0
        /// The frames whose picture was unchanged, so that they kept its embedding.
        package var gated = 0
        package var scored = 0
        /// The windows scored again in float32; `undecided` ones should have been, but were not.
        package var rescored = 0
        package var undecided = 0
        /// The frames that showed nothing: black, frozen or without any edge.
        package var blind = 0
        package var failedBatches = 0
    }

    /// Opens everything that can fail at the start: model, heads, templates, journal, sockets.
    ///
    /// Streams are added later.
    package init(_ configuration: Configuration, logger: Logger) async throws {
        (self.configuration, self.logger) = (configuration, logger)
        let finder = HeadFinder.standard(first: configuration.plugins)
        let model = try ModelDirectory(InstalledModels.standard().resolve(configuration.model))
        for note in model.notes { logger.warning("model configuration", metadata: ["note": "\(note)"]) }
        let templates = try PipelineTemplates(
            directory: configuration.pipelines.map { URL(filePath: $0) } ?? Installation.pipelines)
        let engine = try ScoringEngine(
            model: model, finder: finder, precision: configuration.precision, rerank: configuration.rerank,
            calibration: configuration.calibration, isLive: true, handsOver: true)
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
        let recordings = Recordings(clips: configuration.clips, journal: configuration.journal, logger: logger)
        self.recordings = recordings
        await outbox.endInterrupted { recordings.clips?.files(of: $0) ?? [] }
        prepared = try NotifyHub.prepare(configuration.notify)
        notifiers = NotifierRegistry(outbox, configuration, logger)
        let history = Self.history(configuration, engine, finder, logger)
        self.history = history
        let alerts = EventDelivery(
            outbox: outbox, from: engine.handed, history: history, clips: recordings.clips, logger: logger
        ) { [queue] in queue.wasLate }
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
            Task { await recordings.clips?.keepRetiring { (try? await outbox.marked(as: .right)) ?? [] } },
            Task { await Memory.keepReleasing() },
        ]
        streams = StreamRegistry(
            engine: engine, outbox: outbox, defaults: defaults, templates: templates,
            policy: configuration.sources, credentials: configuration.credentials, queue: queue, health: health,
            history: history, live: live, recordings: recordings, logger: logger
        ) { await alerts.finish($0) }
        fleet = try DaemonAsNode(
            outbox: outbox, queries: queries, streams: streams, queue: queue, thresholds: thresholds
        ).node(configuration, model, gate, logger)
    }

    /// Opens the history; if it cannot be written, that is logged, and the daemon runs without it.
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

    /// Adds the streams and queries of the configuration and of the journal.
    ///
    /// Throws if a query or stream of the configuration is invalid.
    package func begin() async throws {
        await notifiers.apply(prepared)
        try await thresholds.begin()
        try await queries.begin(configuration.queries)
        try await streams.begin(configuration.streams)
        try await fleet?.begin()
        notifiers.hub.roster.set { [engine, streams] in
            NotifyRoster(
                streams: await streams.labels,
                queries: await engine.allQueries.map {
                    .init(id: $0.id, text: $0.text, tags: $0.settings.tags, streams: $0.settings.selector)
                })
        }
        learning = Task { [weak self, unlearnt] in
            for await _ in unlearnt.news { await self?.learn(unlearnt.take()) }
        }
    }

    /// Learns thresholds of queries with a budget from the history, if none is known yet.
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

    /// Reads the configuration again and applies it; returns false if it was refused, which is logged.
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

    /// Applies a configuration: streams and queries that changed are replaced, the others continue.
    ///
    /// Throws without any change if something is invalid, or cannot change while the daemon runs. Streams and queries
    /// from sockets stay. Returns the changes, for people.
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
            // An empty batch goes through the engine as well: the health probe asks for a whole round, and windows of
            // earlier frames may be waiting.
            let began = Date()
            health.beginBatch()
            defer { health.endBatch() }
            do {
                var step = try await engine.process(
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
                // A threshold is recorded before what it found is told. An edit meanwhile tells of both in their order.
                if !step.thresholds.isEmpty { await thresholds.record(step.thresholds) }
                let stamps = items.compactMap { if case .frame(let frame) = $0.item { frame.wallClock } else { nil } }
                let (detections, count) = (step.detections, items.count)
                // The frames and clips are recorded already, so their memory is not held until the events are out.
                (step.detections, step.frames, step.clips, step.watched) = ([], [], [], [])
                await alerts.deliver(detections) { [self, step] now in
                    let waits = stamps.map { began.timeIntervalSince($0) }
                    await recordLatency(of: step, batch: count, waits: waits, scored, at: now)
                }
            } catch {
                counters.failedBatches += 1
                logger.error("a batch could not be scored", metadata: ["error": "\(error)"])
            }
        }
        await alerts.drain()
        if let history { await offPool { history.close() } }
        await offPool { [recordings] in recordings.close() }
    }

    /// Records how long the frames and windows of a batch took until their events were published.
    private func recordLatency(
        of step: BatchResult, batch count: Int, waits: [Double], _ scored: Date, at now: Date
    ) {
        let totals = step.settled.map { now.timeIntervalSince1970 - $0 }
        guard count > 0 || !totals.isEmpty else { return }
        for total in totals { latency.add(seconds: total) }
        health.add(batch: count, waits: waits, totals: totals, step: step, publish: now.timeIntervalSince(scored))
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

    /// Waits until the scoring loop has completed a round on the engine's executor; returns false if it has ended.
    package nonisolated func goesRound() async -> Bool { await pulse.next { queue.nudge() } }

    /// The daemon's state in one line.
    package func summary() async -> String {
        let states = await streams.running.map(\.currentState)
        let playing = states.count { $0 == .playing }
        return "\(playing) of \(states.count) streams playing, \(await engine.queryCount) queries"
    }

    /// Stops the streams, ends open events, and sends the last messages; returns false if a pipeline did not stop.
    ///
    /// Such a pipeline is abandoned, since its server may never answer.
    @discardableResult
    package func stop() async -> Bool {
        // Streams that end with the daemon are not gone.
        notifiers.hub.roster.set(nil)
        let haveStopped = await streams.stop()
        queue.finish()
        // The ends of the streams' events are the fleet's, too.
        await alerts.drain()
        await fleet?.stop()
        upkeep.forEach { $0.cancel() }
        learning?.cancel()
        // They hold the journal: who starts after this opens it again.
        for task in upkeep { await task.value }
        await thresholds.save()
        await learning?.value
        // Last, so that they may have what the others told.
        await notifiers.hub.stop()
        return haveStopped
    }

    /// Gives up events that still wait to be told, since there is no time left; returns their number.
    package func abandonEvents() async -> Int { await alerts.abandon() }

    /// Returns the counters since the last call.
    package func measure() async -> WorkTotals {
        let time = await engine.time
        var now = WorkTotals()
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
        let (journal, backlog) = (await outbox.status(), await alerts.backlog)
        return DaemonStatus(
            version: watchwordVersion, model: engine.model.identity, head: defaults.head, frames: defaults.frames,
            uptime: Date().timeIntervalSince(started), queries: await engine.queryCount,
            streams: await streams.status(),
            encoded: counters.encoded, gated: counters.gated, blind: counters.blind,
            thresholds: await engine.learntThresholds, importing: queries.importing, scored: counters.scored,
            rescored: counters.rescored, undecided: counters.undecided, events: await alerts.started,
            waitingMessages: backlog.waiting, coalescedUpdates: backlog.coalesced, storm: await alerts.storming,
            failedBatches: counters.failedBatches, waiting: queue.depthNow, seq: outbox.lastSeq,
            journaled: configuration.journal != nil && journal.journaled, journal: journal,
            history: history.map { HistoryCounts($0.status) }, clips: recordings.clips?.status,
            notifiers: await notifiers.hub.status(),
            rssMB: Memory.residentMegabytes)
    }
}

package let watchwordVersion = "0.1.0"
