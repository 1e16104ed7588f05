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
import Publishing
import Recording
import Sampling
import Service
import StreamSources
import Trials
package import WatchwordConfiguration
package import WireFormat

/// The daemon's streams: starts and stops their runners, saves streams from sockets, and sends every change of state.
///
/// Changes are made one after the other, so that journal, engine and runners agree even with concurrent requests.
package actor StreamRegistry {
    /// The result of adding or changing a stream.
    package enum Change: String, Sendable {
        case added
        /// The description changed, and the stream was restarted.
        case replaced
        /// The description is the same, and the stream continues.
        case unchanged
    }

    struct Running {
        let from: StreamConfiguration
        let runner: StreamRunner
        let task: Task<Void, Never>
    }

    let engine: ScoringEngine
    private let outbox: Outbox
    private let defaults: Defaults
    private let templates: PipelineTemplates
    /// The limits on what streams of clients may open, and the credentials that they may name.
    private let policy: SourcePolicy
    private let credentials: [String: CameraCredentials]
    let queue: FrameQueue
    private let health: DaemonHealth
    private let history: DaemonHistory?
    private let live: LiveBoard
    let recordings: Recordings
    private let logger: Logger
    /// Delivers events that end because their stream was removed.
    private let deliver: @Sendable ([Detection]) async -> Void
    /// The state messages to send, in order; one consumer sends them.
    private let states: AsyncStream<PendingMessage>.Continuation
    private let telling: Task<Void, Never>
    private let turns = SerialTaskQueue(on: .short)
    private let trials = SourceTrials()
    private(set) var streams: [String: Running] = [:]
    /// The configuration's streams, by name.
    private(set) var files: [String: StreamConfiguration] = [:]
    /// The names of the streams in the journal.
    private(set) var kept: Set<String> = []
    /// The check of decoders, which begins with the first stream: a daemon without streams does not load them (39 MB).
    private var decoderReport: Task<Void, Never>?

    init(
        engine: ScoringEngine, outbox: Outbox, defaults: Defaults, templates: PipelineTemplates,
        policy: SourcePolicy, credentials: [String: CameraCredentials], queue: FrameQueue, health: DaemonHealth,
        history: DaemonHistory?, live: LiveBoard, recordings: Recordings, logger: Logger,
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
        self.recordings = recordings
        self.logger = logger
        self.deliver = deliver
        let (stream, continuation) = AsyncStream<PendingMessage>.makeStream(bufferingPolicy: .bufferingNewest(1000))
        states = continuation
        telling = Task { for await message in stream { await outbox.send([message]) } }
    }

    // MARK: Changes

    /// Adds the configuration's streams, then the journal's, which have priority.
    ///
    /// An invalid stream of the configuration throws. One of the journal is left out and logged: since it was added,
    /// the limits for clients may have changed.
    func begin(_ configured: [StreamConfiguration]) async throws {
        nameHosts(configured)
        for stream in configured { try await add(stream, keep: false) }
        for saved in try await outbox.saved(.stream) {
            do {
                let stream = try WireCoding.decode(StreamConfiguration.self, saved.json)
                _ = try await turns.take { [self] in await start(stream, try await runner(stream, isClients: true)) }
                kept.insert(saved.id)
            } catch {
                let reason = SourceURI.redacted("\(error)")
                logger.error("a saved stream is left out", metadata: ["stream": "\(saved.id)", "error": "\(reason)"])
                if streams[saved.id] == nil { tell("failed", of: saved.id, reason) }
            }
        }
        note(configured)
    }

    /// Allows the hosts of the configuration's streams at any address.
    private func nameHosts(_ configured: [StreamConfiguration]) { Reach.name(configured.map(defaults.source)) }

    /// Adds a stream, or replaces the one of its name if the description differs; only that one is restarted.
    ///
    /// With `keep` it is a client's stream: it is saved in the journal, and may open only what clients may.
    @discardableResult
    package func add(_ from: StreamConfiguration, keep: Bool = true) async throws -> Change {
        let runner = try runner(from, isClients: keep)
        return try await turns.take { [self] in try await put(from, runner, keep: keep) }
    }

    private func put(_ from: StreamConfiguration, _ runner: StreamRunner, keep: Bool) async throws -> Change {
        if keep {
            try await outbox.save(.stream, id: from.name, json: WireCoding.encode(from))
            setKept(from.name, true)
        }
        return await start(from, runner)
    }

    /// Stops a stream and ends its events; returns false if there is none.
    ///
    /// With `forget`, its entry in the journal and what was learnt on it and its regions are removed, too.
    package func remove(_ name: String, forget: Bool = true) async throws -> Bool {
        try await turns.take { [self, outbox] in
            guard forget else { return await end([name], isGone: true) > 0 }
            // One that was left out at the start is in the journal alone.
            let isSaved = try await outbox.saved(.stream, id: name) != nil
            if isSaved { try await outbox.release(.stream, id: name) }
            await setKept(name, false)
            let lanes = await lanes(of: name)
            let hasEnded = await end([name], isGone: true) > 0
            // Last: what is learnt is saved again and again until its lanes are gone.
            if hasEnded || isSaved { try await forgetLearnt(of: name, on: lanes) }
            return hasEnded || isSaved
        }
    }

    /// Deletes what was learnt on lanes that have ended, and all that was saved of the stream, except of `others`.
    private func forgetLearnt(of name: String, on lanes: [String], except others: [String] = []) async throws {
        for lane in lanes { await engine.forgetLearnt(lane: lane) }
        let saved = try await outbox.removeCalibrations(ofStream: name, except: others)
        for lane in saved { await engine.forgetLearnt(lane: lane) }
    }

    /// Refuses a stream that could not be run here.
    func check(_ from: StreamConfiguration) throws {
        if let problem = from.problem { throw Self.refusal(problem) }
        _ = try source(from, isClients: true)
    }

    /// Opens a source as a client's stream would be, for some seconds, and returns what plays.
    func test(_ from: StreamConfiguration) async throws -> SourceTrial.Outcome {
        if let problem = from.problem { throw Self.refusal(problem) }
        guard let outcome = try await trials.run(source(from, isClients: true), templates: templates) else {
            throw ControlFailure("busy", "\(SourceTrials.most) sources are being tried already; try again")
        }
        return outcome
    }

    /// Stops a stream for the fleet, and keeps what was learnt; with `isMoved`, its events end as moved.
    func release(_ name: String, isMoved: Bool) async throws {
        try await turns.take { [self, outbox] in
            // It ends first: another node is told that it does not run here any more, whatever the disk says.
            _ = await end([name], isGone: true, reason: isMoved ? .moved : nil)
            try await outbox.release(.stream, id: name)
            await setKept(name, false)
        }
    }

    /// Changes the given keys of a stream, and restarts it if its description then differs; null resets a key.
    package func update(_ name: String, _ changes: JSONValue) async throws -> Change {
        try await turns.take { [self] in
            let from = try await changed(name, changes)
            return try await put(from, runner(from, isClients: true), keep: true)
        }
    }

    /// Returns a stream's description with the given keys changed; null resets a key.
    func changed(_ name: String, _ changes: JSONValue) throws -> StreamConfiguration {
        guard let running = streams[name] else { throw ControlFailure.noStream(name) }
        guard case .object(var members) = try JSONValue(encoding: running.from), case .object(let given) = changes
        else { throw ControlFailure(.badArgument, "expected keys and values") }
        members.apply(changes: given)
        return try ControlArguments.read(.object(members), as: StreamConfiguration.self)
    }

    /// Resets a stream to the configuration's, discarding changes made through a socket.
    package func reset(_ name: String) async throws -> Change {
        guard let from = files[name] else {
            guard streams[name] != nil else { throw ControlFailure.noStream(name) }
            throw ControlFailure(
                .refused, "stream \"\(name.prefix(64))\" is not in the configuration: there is nothing to go back to")
        }
        let runner = try runner(from, isClients: false)
        return try await turns.take { [self, outbox] in
            try await outbox.release(.stream, id: name)
            await setKept(name, false)
            return await start(from, runner)
        }
    }

    private func setKept(_ name: String, _ isKept: Bool) {
        if isKept { kept.insert(name) } else { kept.remove(name) }
    }

    /// Records the configuration's streams, and logs those that are overridden.
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

    /// Whether the configuration has a stream of this name.
    package func isInFile(_ name: String) -> Bool { files[name] != nil }

    /// The streams of a new configuration to start, and those to end.
    struct Prepared: Sendable {
        fileprivate var configured: [StreamConfiguration] = []
        fileprivate var changed: [(from: StreamConfiguration, runner: StreamRunner)] = []
        fileprivate var gone: [String] = []
    }

    /// Compares two configurations; throws if a new stream is invalid.
    ///
    /// A stream in the journal came through a socket, and has priority over the configuration's.
    func prepare(_ new: [StreamConfiguration], after old: [StreamConfiguration]) throws -> Prepared {
        let before = Dictionary(old.map { ($0.name, $0) }) { $1 }
        var prepared = Prepared(configured: new)
        for from in new where !kept.contains(from.name) && (before[from.name] != from || streams[from.name] == nil) {
            prepared.changed.append((from, try runner(from, isClients: false)))
        }
        prepared.gone = Set(before.keys).subtracting(new.map(\.name)).subtracting(kept).sorted()
        return prepared
    }

    /// Starts and ends the prepared streams; returns the changes, for people.
    func apply(_ prepared: Prepared) async -> String {
        note(prepared.configured)
        nameHosts(prepared.configured)
        // Learnt thresholds stay in the journal, as when the daemon starts without the stream.
        let done = try? await turns.take { [self] in
            // A stream that a client has changed since stays as the client gave it.
            let kept = await self.kept
            let changed = prepared.changed.filter { !kept.contains($0.from.name) }
            let gone = await end(prepared.gone.filter { !kept.contains($0) }, isGone: true)
            for (from, runner) in changed { _ = await start(from, runner) }
            return "streams: \(changed.count) added or replaced, \(gone) removed"
        }
        return done ?? ""
    }

    /// Stops all streams permanently and at once; returns false if one did not stop in time and was abandoned.
    func stop() async -> Bool {
        trials.close()
        let all = running
        let before = all.map(\.abandonedPipelines)
        _ = try? await turns.take { [self] in await end(Array(await names), isGone: false) }
        states.finish()
        await telling.value
        return all.map(\.abandonedPipelines) == before
    }

    private var names: [String] { streams.keys.sorted() }
    private func lanes(of name: String) -> [String] { streams[name]?.runner.lanes ?? [] }

    /// The source of a description; that of a client's stream is limited by the policy.
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

    /// Checks a description, and makes a runner, which is not started yet.
    private func runner(_ from: StreamConfiguration, isClients: Bool) throws -> StreamRunner {
        if let problem = from.problem { throw Self.refusal(problem) }
        let (states, health, live, history, logger) = (states, health, live, history, logger)
        return try StreamRunner(
            name: from.name, description: source(from, isClients: isClients), templates: templates, queue: queue,
            limits: from.limits, units: recordings.ring(of: from.name),
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

    private static func refusal(_ problem: (key: String, reason: String)) -> ControlFailure {
        ControlFailure(.badArgument, "\(problem.key): \(problem.reason)")
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
        // Regions that the new description does not have are gone for good.
        let gone = Set(lanes(of: from.name)).subtracting(runner.lanes)
        let isNew = await end([from.name], isGone: false) == 0
        if !gone.isEmpty { try? await forgetLearnt(of: from.name, on: gone.sorted(), except: runner.lanes) }
        if decoderReport == nil { decoderReport = Task { [logger] in await DecoderReport.log(to: logger) } }
        let engine = engine
        for lane in runner.lanes { history?.setRecorded(lane, from.history ?? true) }
        if let ring = runner.units { recordings.keep(ring, of: from.name, hasClips: from.clips ?? true) }
        let task = Task {
            for lane in runner.lanes { await engine.addLane(lane, labels: from.labels ?? []) }
            await runner.run()
        }
        streams[from.name] = Running(from: from, runner: runner, task: task)
        return isNew ? .added : .replaced
    }

    /// Stops the named streams that exist, and ends their events; returns their number.
    ///
    /// With `isGone` they do not start again, and their counters and coded video are removed. `reason` says why
    /// the events end.
    private func end(_ names: [String], isGone: Bool, reason: EarlyEnd? = nil) async -> Int {
        let ending = names.compactMap { streams.removeValue(forKey: $0) }
        for running in ending { running.task.cancel() }
        for running in ending {
            await running.task.value
            live.forget(running.runner.name)
            for lane in running.runner.lanes {
                // One that ended by itself has left its lane open.
                queue.close(lane)
                await deliver(await engine.removeLane(lane, reason: reason))
                history?.end(lane)
            }
            if isGone {
                health.forget(running.runner.name)
                recordings.forget(running.runner.name)
            }
        }
        return ending.count
    }
}
