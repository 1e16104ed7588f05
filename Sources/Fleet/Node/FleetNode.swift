import Concurrency
import Foundation
import Journal
package import Logging
import Notify
import SystemSupport
package import WatchwordConfiguration
import WireFormat

/// A daemon's part in a fleet: runs the rules of `FleetMachine` with etcd, and copies messages to the fleet's log.
package actor FleetNode {
    private static let executor = QueueExecutor(label: "watchword.fleet")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { Self.executor.asUnownedSerialExecutor() }

    /// The properties of a node that its `fleet` configuration does not contain.
    package struct Identity: Sendable {
        package let model: String
        package let version: String
        /// The names of the camera credentials in the node's configuration.
        package let credentials: [String]

        package init(model: String, version: String, credentials: [String]) {
            (self.model, self.version, self.credentials) = (model, version, credentials)
        }
    }

    enum Input: Sendable {
        case reset([StoredValue], Int64)
        case changes([KeyChange])
        case answer(Int, FleetMachine.Answer)
        case stopped(String, newest: Int64)
    }

    /// The fleet that this node has joined, as it is saved in the node's journal.
    struct Member: Codable, Sendable {
        let identity: String
        /// The number in the node's journal after which its messages belong in the fleet's log.
        let start: Int64
    }

    package nonisolated let configuration: FleetConfiguration
    let keys: FleetKeys
    let engine: any FleetEngine
    let host: any FleetHost
    let logger: Logger
    /// The fleet's log (the messages of all nodes in one sequence), which this node serves to its clients.
    package nonisolated let log: FleetLog
    let inbox = Mailbox<Input?>(timeout: nil)
    /// The queue that starts and stops streams, one after the other.
    private let orders = SerialTaskQueue()
    /// The queue that changes the daemon's queries one after the other, by local requests and by changes of the fleet.
    let queryChanges = SerialTaskQueue()
    private let origin = ContinuousClock.now

    var machine: FleetMachine
    var member: Member?
    var forwarder: Forwarder?
    var books: [String: EpochBook] = [:]
    /// The error message of each stream that this node could not start, by stream name.
    var failures: [String: String] = [:]
    /// The revision in etcd of each fleet query as this daemon has last applied it, by query id.
    var applied: [String: Int64] = [:]
    var areQueriesNew = false
    /// The time of the next attempt to add fleet queries that the journal could not save; nil if there are none.
    var queriesRetryAt: ContinuousClock.Instant?
    var isForwarding = false
    /// The reason why the fleet's keys cannot be read from etcd; nil once they were read.
    var readProblem: String?
    /// The digest of the learnt thresholds that this process wrote last, by stream.
    var learntBefore: [String: UInt64] = [:]
    /// The error message of each fleet query that this daemon cannot run, by query id.
    var queryProblems: [String: String] = [:]
    /// An error message for each other node whose clock shows another time of day than this node's, by node.
    var clockProblems: [String: String] = [:]
    /// The time of the last round of the rules, in seconds of this process.
    var roundAt = 0.0
    private var isSettled = false
    /// True once this process has copied the node's own queries and streams to the fleet.
    var hasContributed = false
    private var tasks: [Task<Void, Never>] = []
    private var measured: (at: ContinuousClock.Instant, processor: Double)?
    /// The moving average of the process's CPU time, in CPU-seconds per second; the node record has it rounded.
    private var load = 0.0
    private var isStopping = false
    /// The time of the next attempt to start streams that failed to start.
    private var retryAt = ContinuousClock.now
    private var states: [String: String] = [:]

    /// Creates a node; throws if the password or the certificates for etcd cannot be read.
    package init(
        _ configuration: FleetConfiguration, _ identity: Identity, host: any FleetHost, logger: Logger,
        engine: (any FleetEngine)? = nil, publish: @escaping FleetLog.Publish = { _, _, _ in }
    ) throws(EngineError) {
        self.configuration = configuration
        self.host = host
        self.logger = logger
        keys = FleetKeys(configuration.name)
        if let engine {
            self.engine = engine
        } else {
            var access = EtcdClient.Access(members: configuration.engine)
            (access.user, access.password) = (configuration.name, try Self.password(configuration.password))
            (access.authority, access.certificate) = (configuration.authority, configuration.certificate)
            access.key = configuration.key
            self.engine = try EtcdClient(access)
        }
        log = FleetLog(keys, engine: self.engine, publish: publish)
        let record = NodeRecord(
            journal: host.journal.identity, host: ProcessInfo.processInfo.hostName, version: identity.version,
            labels: configuration.labels, credentials: identity.credentials.sorted(),
            cores: Double(ProcessInfo.processInfo.activeProcessorCount))
        machine = FleetMachine(Self.setup(configuration, identity.model, nil), record: record)
        model = identity.model
    }

    private let model: String

    private static func setup(
        _ configuration: FleetConfiguration, _ model: String, _ identity: String?
    ) -> FleetMachine.Setup {
        // A node that has joined a fleet may create another only if the configuration names a new identity.
        let mayFound = identity == nil || configuration.identity != nil && configuration.identity != identity
        return FleetMachine.Setup(
            keys: FleetKeys(configuration.name), node: configuration.node, lease: configuration.lease,
            stopsWhenCutOff: configuration.onCutOff == .stop, model: model,
            identity: configuration.identity ?? identity, newIdentity: configuration.identity ?? UUID().uuidString,
            mayFound: mayFound, rebalance: configuration.rebalance)
    }

    private static func password(_ path: String?) throws(EngineError) -> String? {
        guard let path else { return nil }
        let data: Data
        do { data = try GuardedFile.read(path, "password", .secret, limit: 1024) } catch {
            throw EngineError(.refused, "fleet.password: \(path): \(error.description)")
        }
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else { throw EngineError(.refused, "fleet.password: \(path): the file is empty") }
        return text
    }

    // MARK: Start and stop

    /// Starts the node's tasks; etcd need not be reachable.
    ///
    /// Throws if the journal cannot be read: without the saved membership, the node would give its queries and streams
    /// to the fleet again, even those that were removed there.
    package func begin() async throws {
        let saved = try await host.saved()
        member = saved["member"].flatMap { try? WireCoding.decode(Member.self, $0) }
        for (id, json) in saved where id.hasPrefix("epochs-") {
            books[String(id.dropFirst(7))] = try? WireCoding.decode(EpochBook.self, json)
        }
        machine = FleetMachine(Self.setup(configuration, model, member?.identity), record: machine.record)
        tasks = [
            Task { await run() }, Task { await watchState() }, Task { await measure() }, Task { await forward() },
            Task { await followQueries() }, Task { await trim() }, Task { await readLog() }, Task { await log.beat() },
            Task { await keepLearnt() },
        ]
    }

    /// Stops the node's tasks, copies the last messages to the fleet's log, and revokes the lease in etcd.
    ///
    /// The other nodes take its streams when they see that the lease is gone. Requests to etcd get one second in all.
    package func stop() async {
        isStopping = true
        tasks.forEach { $0.cancel() }
        for task in tasks { await task.value }
        tasks = []
        log.feed.end()
        // The end of the daemon must not wait for an etcd that does not answer.
        _ = await within(.seconds(1)) { [self] in
            await bringRest()
            await leave()
        }
        await engine.close()
    }

    private func leave() async {
        if let lease = machine.lease { try? await engine.revoke(lease) }
    }

    var now: Double { (ContinuousClock.now - origin) / .seconds(1) }

    private func run() async {
        while !Task.isCancelled {
            if let input = await inbox.next(until: .now + .milliseconds(100)) { take(input) }
            roundAt = now
            machine.wallClock = Date().timeIntervalSince1970.rounded()
            machine.tick(now)
            perform(machine.takeEffects())
            if machine.view.isComplete, machine.refusal == nil, member != nil, !isSettled { await settle() }
        }
    }

    private func take(_ input: Input) {
        switch input {
        case .reset(let values, let revision):
            machine.reset(values, revision: revision)
            areQueriesNew = true
        case .changes(let changes):
            machine.take(changes)
            compareClocks(changes)
            if changes.contains(where: { keys.parts($0.key)?.kind == "query" }) { areQueriesNew = true }
        case .answer(let number, let answer): machine.take(answer, of: number)
        case .stopped(let stream, let newest): machine.stopped(stream, newest: newest)
        }
    }

    private func perform(_ effects: [FleetMachine.Effect]) {
        for effect in effects {
            switch effect {
            case .ask(let number, let call, let claim): ask(number, call, claim)
            case .start(let stream, let json): order(stream, json)
            case .stop(let stream): order(stream, nil)
            case .joined(let identity): joined(identity)
            case .say(let sentence, let isTrouble):
                logger.log(level: isTrouble ? .warning : .notice, "fleet", metadata: ["what": "\(sentence)"])
            }
        }
    }

    // MARK: Requests to etcd

    private func ask(_ number: Int, _ call: FleetMachine.Call, _ claim: FleetMachine.Claim?) {
        if let claim {
            books[claim.stream, default: EpochBook()].begin(claim.epoch, after: host.journal.newest)
        }
        let (book, inbox, engine, host) = (claim.flatMap { books[$0.stream] }, inbox, engine, host)
        Task {
            do {
                // The epoch is saved before the claim is sent, so that a message's epoch is known after a crash.
                if let claim, let book { try await host.save("epochs-\(claim.stream)", WireCoding.encode(book)) }
                inbox.send(.answer(number, try await Self.answer(call, engine)))
            } catch {
                let known = (error as? EngineError) ?? EngineError(.unreachable, "the journal: \(error)")
                inbox.send(.answer(number, .failed(known)))
            }
        }
    }

    private static func answer(
        _ call: FleetMachine.Call, _ engine: any FleetEngine
    ) async throws(EngineError) -> FleetMachine.Answer {
        switch call {
        case .grant(let seconds): .lease(try await engine.grant(seconds: seconds))
        case .keepAlive(let lease): .lives(seconds: try await engine.keepAlive(lease))
        case .commit(let transaction): .committed(try await engine.commit(transaction))
        }
    }

    // MARK: Streams

    private func order(_ stream: String, _ json: Data?) {
        guard !isStopping else { return }
        let (orders, host, inbox) = (orders, host, inbox)
        // A node that is cut off does not know whether anybody takes its stream.
        let isMoved = !machine.isCutOff && machine.view.streams[stream] != nil
        let epoch = machine.running[stream]?.epoch
        Task {
            let problem = try? await orders.take { [self] () -> String? in
                do {
                    if let json {
                        await takeLearnt(of: stream)
                        try await host.start(WireCoding.decode(StreamConfiguration.self, json))
                    } else {
                        try await host.stop(stream: stream, isMoved: isMoved)
                        if isMoved, let epoch { await writeLearnt(of: stream, epoch: epoch) }
                    }
                    return nil
                } catch {
                    return "\(error)"
                }
            }
            if json == nil { inbox.send(.stopped(stream, newest: host.journal.newest)) }
            note(problem ?? nil, of: stream, isStart: json != nil)
        }
    }

    private func note(_ problem: String?, of stream: String, isStart: Bool) {
        let before = failures[stream]
        failures[stream] = isStart ? problem : nil
        guard let problem, problem != before else { return }
        logger.error(
            "fleet",
            metadata: [
                "stream": "\(stream)",
                "what": "\(isStart ? "it cannot be run here" : "it has not ended well"): \(problem)",
            ])
    }

    /// Stops saved streams that another node owns or the fleet lacks, and removes saved queries that the fleet lacks.
    ///
    /// This happens once, after the fleet's keys have been read for the first time.
    private func settle() async {
        guard let kept = try? await host.kept() else { return }
        isSettled = true
        for stream in kept.streams.keys.sorted() where machine.running[stream] == nil {
            let owner = machine.view.own[stream]?.value.node
            if owner != configuration.node || machine.view.streams[stream] == nil { order(stream, nil) }
        }
        // The view may not yet contain the queries that this node has just added to the fleet.
        guard !hasContributed else { return }
        for (id, json) in kept.queries where machine.view.queries[id] == nil && json.count <= FleetView.largest {
            // A query whose value in etcd cannot be read is kept.
            guard machine.view.problems[keys.query(id)] == nil else { continue }
            do { try await host.remove(query: id) } catch {
                logger.warning("fleet", metadata: ["query.id": "\(id)", "what": "it cannot be removed: \(error)"])
            }
        }
    }

    /// Tries every ten seconds to start the streams that failed to start.
    private func tryAgain() {
        guard .now >= retryAt else { return }
        retryAt = .now + .seconds(10)
        for stream in failures.keys.sorted() where machine.running[stream]?.phase == .playing {
            if let json = machine.view.streams[stream]?.value { order(stream, json) }
        }
    }

    // MARK: Measurements

    /// Updates this node's record with its CPU load and the states of its streams, twice a second.
    private func measure() async {
        while !Task.isCancelled {
            states = await host.states()
            let (at, processor) = (ContinuousClock.now, ProcessStatus().processorSeconds)
            if let measured {
                let cpu = (processor - measured.processor) / max(0.1, (at - measured.at) / .seconds(1))
                // A moving average over some ten seconds, rounded so that small changes are not written to etcd.
                load += (cpu - load) * 0.1
                machine.record.cpu = (load * 20).rounded() / 20
            }
            measured = (at, processor)
            tryAgain()
            machine.record.streams = machine.running.count
            machine.record.sheds = host.sheds
            machine.record.waiting = waiting
            let own = states.filter { machine.running[$0.key]?.phase == .playing }
            machine.record.playing = own.filter { $0.value == "playing" }.keys.sorted()
            var troubled = own.filter { $0.value != "playing" }
            for stream in failures.keys where machine.running[stream] != nil { troubled[stream] = "cannot be run" }
            machine.record.troubled = Dictionary(
                uniqueKeysWithValues: troubled.sorted { $0.key < $1.key }.prefix(100).map { ($0.key, $0.value) })
            try? await Task.sleep(for: .milliseconds(500))
        }
    }

    /// The number of messages in this node's journal that are not yet in the fleet's log.
    var waiting: Int64 { max(0, host.journal.newest - max(machine.forwarded, member?.start ?? host.journal.newest)) }
}
