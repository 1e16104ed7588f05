import Concurrency
import ControlAPI
import Engine
import Foundation
import Health
import Ingest
import Journal
import Live
import Logging
import Matching
import Pixels
import Sampling
import Service
import StreamSources
package import WatchwordConfiguration
package import WireFormat

/// The daemon's streams: makes and stops their runners, keeps in the journal what was given through a socket, and tells
/// every change of their states.
///
/// Changes are made one after the other, so that journal, engine and runners agree whatever comes at once.
package actor StreamRegistry {
    /// The outcome of `add`.
    package enum Change: String, Sendable {
        case added
        /// Another description: the stream was restarted with it.
        case replaced
        /// The same description: the stream goes on.
        case unchanged
    }

    private struct Running {
        let from: StreamConfiguration
        let runner: StreamRunner
        let task: Task<Void, Never>
    }

    private let engine: ScoringEngine
    private let outbox: Outbox
    private let defaults: Defaults
    private let templates: PipelineTemplates
    /// Limits on what clients' streams may open, and the credentials that they may name.
    private let policy: SourcePolicy
    private let credentials: [String: CameraCredentials]
    private let queue: FrameQueue
    private let health: DaemonHealth
    private let history: DaemonHistory?
    private let live: LiveBoard
    private let logger: Logger
    /// Where events go that end because their stream does.
    private let deliver: @Sendable ([Detection]) async -> Void
    /// States on their way out, in the order they came; one consumer keeps it.
    private let states: AsyncStream<PendingMessage>.Continuation
    private let telling: Task<Void, Never>
    private let turns = SerialTaskQueue(on: .short)
    private var streams: [String: Running] = [:]
    /// The configuration's streams, by name.
    private var files: [String: StreamConfiguration] = [:]
    /// Names of those that the journal keeps.
    private var kept: Set<String> = []
    /// Decoders are looked at with the first stream: a daemon that plays nothing does not load them (39 MB).
    private var decoderReport: Task<Void, Never>?

    init(
        engine: ScoringEngine, outbox: Outbox, defaults: Defaults, templates: PipelineTemplates,
        policy: SourcePolicy, credentials: [String: CameraCredentials], queue: FrameQueue, health: DaemonHealth,
        history: DaemonHistory?, live: LiveBoard, logger: Logger,
        deliver: @escaping @Sendable ([Detection]) async -> Void
    ) {
        self.engine = engine
        self.outbox = outbox
        self.defaults = defaults
        self.templates = templates
        self.policy = policy
        self.credentials = credentials
        self.queue = queue
        self.health = health
        self.history = history
        self.live = live
        self.logger = logger
        self.deliver = deliver
        let (stream, continuation) = AsyncStream<PendingMessage>.makeStream(bufferingPolicy: .bufferingNewest(1000))
        states = continuation
        telling = Task { for await message in stream { await outbox.send([message]) } }
    }

    // MARK: Changes

    /// Brings in the configuration's streams, then those of the journal, which win.
    ///
    /// A wrong stream of the configuration is refused by a sentence; one of the journal is left out, and said: clients
    /// may not be allowed any more what they were when it was added.
    func begin(_ configured: [StreamConfiguration]) async throws {
        nameHosts(configured)
        for stream in configured { try await add(stream, keep: false) }
        kept = Set(try await outbox.saved(.stream).map(\.id))
        note(configured)
        for saved in try await outbox.saved(.stream) {
            do {
                let stream = try WireCoding.decode(StreamConfiguration.self, saved.json)
                _ = try await turns.take { [self] in await start(stream, try await runner(stream, isClients: true)) }
            } catch {
                let reason = SourceURI.redacted("\(error)")
                logger.error("a saved stream is left out", metadata: ["stream": "\(saved.id)", "error": "\(reason)"])
                if streams[saved.id] == nil { tell("failed", of: saved.id, reason) }
            }
        }
    }

    /// Hosts of the configuration's streams are reached wherever they are.
    private func nameHosts(_ configured: [StreamConfiguration]) { Reach.name(configured.map(defaults.source)) }

    /// Adds a stream, or replaces the one of its name if it is described otherwise; only that one is restarted.
    ///
    /// With `keep` it is a client's: it is there again after a restart of the daemon, and opens only what clients may.
    @discardableResult
    package func add(_ from: StreamConfiguration, keep: Bool = true) async throws -> Change {
        let runner = try runner(from, isClients: keep)
        return try await turns.take { [self, outbox] in
            if keep {
                try await outbox.save(.stream, id: from.name, json: WireCoding.encode(from))
                await isKept(from.name, true)
            }
            return await start(from, runner)
        }
    }

    /// Stops a stream and ends its events; false if there is none.
    ///
    /// With `forget`, what was learnt for it and what the journal keeps is gone, too.
    package func remove(_ name: String, forget: Bool = true) async throws -> Bool {
        try await turns.take { [self, outbox] in
            // Its lanes, too: what was learnt is kept by lane.
            if forget, let lanes = await lanes(of: name) {
                try await outbox.forget(.stream, lanes)
                await isKept(name, false)
            }
            return await end([name], forget: forget) > 0
        }
    }

    /// Refuses a stream that could not be run here.
    func check(_ from: StreamConfiguration) throws { _ = try runner(from, isClients: true) }

    /// Stops a stream that another node of the fleet is to run; what was learnt for it stays.
    func release(_ name: String) async throws {
        try await turns.take { [self, outbox] in
            try await outbox.release(.stream, id: name)
            await isKept(name, false)
            _ = await end([name], forget: false)
        }
    }

    /// Changes some of a stream's description and restarts it, if that makes it another; null takes a key back to its
    /// default.
    package func update(_ name: String, _ changes: JSONValue) async throws -> Change {
        guard let running = streams[name] else { throw ControlFailure.noStream(name) }
        guard case .object(var members) = try JSONValue(encoding: running.from), case .object(let given) = changes
        else { throw ControlFailure(.badArgument, "expected keys and values") }
        for (key, value) in given { members[key] = value == .null ? nil : value }
        return try await add(ControlArguments.read(.object(members), as: StreamConfiguration.self))
    }

    /// Takes a stream back to what the configuration says, whatever was given through a socket.
    package func reset(_ name: String) async throws -> Change {
        guard let from = files[name] else {
            guard streams[name] != nil else { throw ControlFailure.noStream(name) }
            throw ControlFailure(
                .refused, "stream \"\(name.prefix(64))\" is not in the configuration: there is nothing to go back to")
        }
        let runner = try runner(from, isClients: false)
        return try await turns.take { [self, outbox] in
            try await outbox.forget(.stream, id: name)
            await isKept(name, false)
            return await start(from, runner)
        }
    }

    private func isKept(_ name: String, _ isKept: Bool) {
        if isKept { kept.insert(name) } else { kept.remove(name) }
    }

    /// Takes note of what the configuration says, and tells what of it is not in force.
    private func note(_ configured: [StreamConfiguration]) {
        files = Dictionary(configured.map { ($0.name, $0) }) { $1 }
        let shadowed = files.keys.filter(kept.contains).sorted()
        guard !shadowed.isEmpty else { return }
        logger.warning(
            "streams of the configuration are not in force: they were changed through a socket",
            metadata: [
                "count": "\(shadowed.count)", "streams": "\(shadowed.prefix(20).joined(separator: " "))",
                "undo": "watchword stream reset NAME",
            ])
    }

    /// Whether the configuration has a stream of this name: it comes back when that is read again.
    package func isInFile(_ name: String) -> Bool { files[name] != nil }

    /// Streams of a new configuration that are to be started and ended.
    struct Prepared: Sendable {
        fileprivate var configured: [StreamConfiguration] = []
        fileprivate var changed: [(from: StreamConfiguration, runner: StreamRunner)] = []
        fileprivate var gone: [String] = []
    }

    /// Finds what changes from one configuration to the next; a wrong stream is refused by a sentence.
    ///
    /// A stream of the journal came through a socket, and wins over the configuration's.
    func prepare(_ new: [StreamConfiguration], after old: [StreamConfiguration]) throws -> Prepared {
        let before = Dictionary(old.map { ($0.name, $0) }) { $1 }
        var prepared = Prepared(configured: new)
        for from in new where !kept.contains(from.name) && (before[from.name] != from || streams[from.name] == nil) {
            prepared.changed.append((from, try runner(from, isClients: false)))
        }
        prepared.gone = Set(before.keys).subtracting(new.map(\.name)).subtracting(kept).sorted()
        return prepared
    }

    /// Does what was prepared; what changed, for people.
    func apply(_ prepared: Prepared) async -> String {
        note(prepared.configured)
        nameHosts(prepared.configured)
        // What was learnt stays in the journal, as when the daemon starts without the stream.
        let done = try? await turns.take { [self] in
            let gone = await end(prepared.gone, forget: false)
            for (from, runner) in prepared.changed { _ = await start(from, runner) }
            return "streams: \(prepared.changed.count) added or replaced, \(gone) removed"
        }
        return done ?? ""
    }

    /// Stops them all, at once, and for good: one that is slow to stop holds up no other; false if one had to be left
    /// behind.
    func stop() async -> Bool {
        let all = running
        let before = all.map(\.abandonedPipelines)
        _ = try? await turns.take { [self] in await end(Array(await names), forget: false) }
        states.finish()
        await telling.value
        return all.map(\.abandonedPipelines) == before
    }

    private var names: [String] { streams.keys.sorted() }
    private func lanes(of name: String) -> [String]? { streams[name]?.runner.lanes }

    /// The source of a description; a client's is held to the policy.
    private func source(_ from: StreamConfiguration, isClients: Bool) throws -> SourceDescription {
        var source = defaults.source(from)
        if isClients { source.policy = policy }
        guard let name = from.credentials else { return source }
        if let known = credentials[name] {
            (source.credentials, source.credentialHosts) = (known.file, known.hosts)
        } else if isClients {
            let names = credentials.keys.sorted().joined(separator: ", ")
            throw ControlFailure(
                .refused,
                "credentials: clients name credentials that the configuration binds to hosts "
                    + "(credentials: {NAME: {file: FILE, hosts: [HOST]}}); there are \(names.isEmpty ? "none" : names)"
            )
        }
        return source
    }

    /// Checks a description, and makes its runner, which does not run yet.
    private func runner(_ from: StreamConfiguration, isClients: Bool) throws -> StreamRunner {
        if let problem = from.problem { throw ControlFailure("bad-argument", "\(problem.key): \(problem.reason)") }
        let (states, health, live, history, logger) = (states, health, live, history, logger)
        return try StreamRunner(
            name: from.name, description: source(from, isClients: isClients), templates: templates, queue: queue,
            limits: from.limits,
            onPicture: {
                live.see($0, of: from.name)
                history?.see($0, of: from.name)
            }
        ) { name, state in
            var metadata: Logger.Metadata = ["stream": "\(name)", "state": "\(state.word)"]
            if let reason = state.reason { metadata["reason"] = "\(reason)" }
            logger.log(level: state.reason == nil ? .info : .warning, "stream", metadata: metadata)
            health.add(state.word, of: name)
            states.yield(Self.message(state.word, of: name, state.reason))
        }
    }

    private func tell(_ word: String, of name: String, _ reason: String) {
        states.yield(Self.message(word, of: name, reason))
    }

    private static func message(_ word: String, of name: String, _ reason: String?) -> PendingMessage {
        let at = Date()
        return PendingMessage(topic: Topic.stream(name)) { seq, prev in
            try WireCoding.encode(
                StreamMessage(seq: seq, prev: prev, stream: name, state: word, reason: reason, at: at))
        }
    }

    private func start(_ from: StreamConfiguration, _ runner: StreamRunner) async -> Change {
        // A stream that has ended or failed for good is played again.
        if let running = streams[from.name], running.from == from, !running.runner.currentState.isFinal {
            return .unchanged
        }
        let isNew = await end([from.name], forget: false) == 0
        if decoderReport == nil { decoderReport = Task { [logger] in await DecoderReport.log(to: logger) } }
        let engine = engine
        for lane in runner.lanes { history?.setRecorded(lane, from.history ?? true) }
        let task = Task {
            for lane in runner.lanes { await engine.addLane(lane, labels: from.labels ?? []) }
            await runner.run()
        }
        streams[from.name] = Running(from: from, runner: runner, task: task)
        return isNew ? .added : .replaced
    }

    /// Stops those that there are, and ends their events; how many there were.
    private func end(_ names: [String], forget: Bool) async -> Int {
        let ending = names.compactMap { streams.removeValue(forKey: $0) }
        for running in ending { running.task.cancel() }
        for running in ending {
            await running.task.value
            live.forget(running.runner.name)
            if forget { health.forget(running.runner.name) }
            for lane in running.runner.lanes {
                // One that ended by itself has left its lane open.
                queue.close(lane)
                await deliver(await engine.removeLane(lane))
                history?.end(lane)
                if forget { await engine.forgetLearnt(lane: lane) }
            }
        }
        return ending.count
    }

    // MARK: Questions

    /// Labels of the streams, by lane.
    package var labels: [String: [String]] {
        var labels: [String: [String]] = [:]
        for running in streams.values { for lane in running.runner.lanes { labels[lane] = running.from.labels ?? [] } }
        return labels
    }

    /// Streams that were started and not removed.
    package var running: [StreamRunner] { streams.values.map(\.runner) }

    /// Everything about the streams, by name.
    package func status() async -> [StreamStatus] {
        let health = await engine.health
        return streams.values.map { running in
            let runner = running.runner
            let (state, counts) = (runner.currentState, runner.supervised)
            return StreamStatus(
                name: runner.name, uri: SourceURI.redacted(runner.description.uri), state: state.word,
                reason: state.reason, since: runner.stateSince, restarts: counts.restarts, stalls: counts.stalls,
                failures: counts.failures, changes: counts.changes, abandoned: runner.abandonedPipelines,
                live: runner.isLive, fps: runner.description.fps,
                decoding: runner.decoding.isKeyframesOnly ? "keyframes" : "all",
                skippedUnits: runner.decoding.skippedUnits, returnsToAll: runner.decoding.returnsToAll,
                sampled: runner.sampledFrames, gated: runner.gatedFrames,
                effectiveFps: runner.description.fps * (runner.isLive ? queue.share.value : 1),
                shed: runner.decoding.shedSamples, dropped: queue.dropped(runner.name),
                lag: (runner.lag * 1000).rounded() / 1000, picture: health[runner.name] ?? .good,
                regions: Array(runner.lanes.dropFirst()), labels: running.from.labels ?? [],
                source: ConfigurationSource(
                    isInFile: files[runner.name] != nil, isKept: kept.contains(runner.name)))
        }.sorted { $0.name < $1.name }
    }
}
