import Fleet
import Foundation
import SystemSupport
import WatchwordConfiguration

/// A fleet on the in-memory double, under faults that a seed chooses.
///
/// Crashes, pauses, partitions, delays, late requests, clock jumps, revoked leases, an engine that is off, operators.
struct Simulation {
    enum Event {
        case tick
        case arrive(Int, FleetMachine.Call)
        case answer(Int, FleetMachine.Answer)
        case poll, changes([KeyChange], through: Int64), reset
        case order
        case produce
        case forward, forwardArrives(Int, EngineTransaction, isReading: Bool)
        case forwarded(Int, TransactionAnswer?, isReading: Bool)
        case fault, restart
    }

    struct Scheduled {
        let at: Double
        let order: Int
        let node: Int
        let incarnation: Int
        let event: Event
    }

    let seed: UInt64
    var random: SeededRandom
    var time = 0.0
    var queue: [Scheduled] = []
    var order = 0
    var store = MemoryStore()
    var nodes: [SimulatedNode] = []
    let keys = FleetKeys("sim")
    var engineOffUntil = 0.0
    var isQuiet = false
    var isSilent = false
    var problems: [String] = []
    /// Changes a transaction on its way: for rules that are broken on purpose.
    let tamper: (EngineTransaction) -> EngineTransaction
    /// Owners at each revision of the log: what the engine held when a batch came.
    var checkedLog: Int64 = 0
    var calls = 0

    /// CPU-seconds per second that each stream takes, where it is not the usual.
    var costs: [String: Double] = [:]
    var rebalance = FleetConfiguration.Rebalance()
    static let usualCost = 0.15

    /// Seconds of faults, of healing, and at the end without new messages.
    static let (trouble, healing, silence) = (40.0, 25.0, 10.0)

    init(seed: UInt64, tamper: @escaping (EngineTransaction) -> EngineTransaction = { $0 }) {
        self.seed = seed
        self.tamper = tamper
        random = SeededRandom(seed: seed)
        (rebalance.after, rebalance.every) = (3, 5)
        for index in 0..<(2 + random.below(3)) { nodes.append(SimulatedNode(name: "box-\(index + 1)", index: index)) }
        for stream in 0..<(2 + random.below(5)) { addStream("cam-\(stream)") }
        for index in nodes.indices { schedule(after: random.uniform(0, 2), index, .restart) }
        schedule(after: 3, 0, .fault)
    }

    /// A fleet without faults and messages, whose planner moves streams as it does by default.
    init(seed: UInt64, calm nodeCount: Int, streams: Int) {
        self.seed = seed
        tamper = { $0 }
        random = SeededRandom(seed: seed)
        (isQuiet, isSilent) = (true, true)
        for index in 0..<nodeCount { nodes.append(SimulatedNode(name: "box-\(index + 1)", index: index)) }
        for index in nodes.indices { schedule(after: random.uniform(0, 2), index, .restart) }
        // The first node would take them all.
        run(to: 5)
        for stream in 0..<streams { addStream("cam-\(stream)") }
    }

    // MARK: Time

    mutating func schedule(after delay: Double, _ node: Int, _ event: Event) {
        order += 1
        let one = Scheduled(
            at: time + delay, order: order, node: node, incarnation: nodes[node].incarnation, event: event)
        var (low, high) = (0, queue.count)
        while low < high {
            let middle = (low + high) / 2
            if (queue[middle].at, queue[middle].order) > (one.at, one.order) { low = middle + 1 } else { high = middle }
        }
        queue.insert(one, at: low)
    }

    /// Runs a fleet without faults to a time in seconds.
    mutating func run(to end: Double) {
        while let next = queue.last, next.at < end {
            queue.removeLast()
            time = next.at
            store.expire(at: time)
            take(next)
        }
    }

    /// Runs to the end, and returns what is wrong.
    mutating func run() -> [String] {
        let end = Self.trouble + Self.healing + Self.silence
        while let next = queue.popLast(), next.at < end, problems.count < 5 {
            time = next.at
            if time > Self.trouble, !isQuiet { heal() }
            if time > Self.trouble + Self.healing { isSilent = true }
            store.expire(at: time)
            take(next)
            checkLog()
        }
        if problems.isEmpty { checkEnd() }
        return problems
    }

    private mutating func take(_ one: Scheduled) {
        let node = nodes[one.node]
        switch one.event {
        case .fault: return fault()
        case .restart: return start(one.node)
        // The engine has it, whatever became of its sender.
        case .arrive(let number, let call): return arrive(one, number, call)
        case .forwardArrives(let number, let transaction, let isReading):
            return forwardArrives(one, number, transaction, isReading)
        default: break
        }
        guard one.incarnation == node.incarnation, node.process != nil else { return }
        if node.pausedUntil > time {
            return schedule(after: node.pausedUntil - time + random.uniform(0, 0.01), one.node, one.event)
        }
        handle(one.event, one.node)
    }

    // MARK: Faults

    private mutating func heal() {
        isQuiet = true
        engineOffUntil = 0
        for index in nodes.indices {
            (nodes[index].partitionedUntil, nodes[index].deafUntil) = (0, 0)
            nodes[index].pausedUntil = min(nodes[index].pausedUntil, time)
            operate([.delete(keys.drain(nodes[index].name))])
            if nodes[index].process == nil { schedule(after: random.uniform(0, 1), index, .restart) }
        }
    }

    private mutating func fault() {
        guard !isQuiet else { return }
        schedule(after: random.uniform(0.3, 4), 0, .fault)
        let index = random.below(nodes.count)
        let name = nodes[index].name
        let streams = store.read(KeyRange(prefix: keys.stream(""))).values.compactMap { keys.parts($0.key)?.name }
        switch random.below(13) {
        case 0, 1: crash(index)
        case 2: nodes[index].pausedUntil = time + random.uniform(0.5, 15)
        case 3, 4: nodes[index].partitionedUntil = time + random.uniform(0.5, 12)
        case 5: nodes[index].deafUntil = time + random.uniform(0.5, 8)
        case 6: nodes[index].process?.clockOffset += random.uniform(0.1, 30)
        case 7: store.revokeAll()
        case 8: engineOffUntil = time + random.uniform(0.5, 8)
        case 9: operate([random.chance(0.5) ? .put(keys.drain(name), Data("1".utf8)) : .delete(keys.drain(name))])
        case 10: if !streams.isEmpty { operate([.put(keys.want(random.choice(streams)), Data(name.utf8))]) }
        case 11:
            for stream in nodes[index].process?.runs.keys.sorted() ?? [] where random.chance(0.7) {
                costs[stream] = random.uniform(0.1, 1)
            }
        default:
            if random.chance(0.5), !streams.isEmpty {
                operate([.delete(keys.stream(random.choice(streams)))])
            } else {
                addStream("cam-\(random.below(8))")
            }
        }
        if random.chance(0.1) { store.compact(store.revision) }
    }

    private mutating func operate(_ steps: [TransactionStep]) {
        _ = try? store.commit(EngineTransaction(if: [], then: steps))
    }

    private mutating func addStream(_ name: String) {
        operate([.put(keys.stream(name), Data("{\"name\":\"\(name)\",\"fps\":\(random.below(9) + 1)}".utf8))])
    }

    private mutating func crash(_ index: Int) {
        guard nodes[index].process != nil else { return }
        nodes[index].process = nil
        nodes[index].incarnation += 1
        schedule(after: random.uniform(0.1, 10), index, .restart)
    }

    private mutating func start(_ index: Int) {
        guard nodes[index].process == nil else { return }
        let node = nodes[index]
        let setup = FleetMachine.Setup(
            keys: keys, node: node.name, lease: 2, stopsWhenCutOff: index % 2 == 1, model: "model",
            identity: node.identity, newIdentity: "identity-\(seed)",
            mayFound: node.identity == nil, rebalance: rebalance)
        let record = NodeRecord(
            journal: node.journalName, host: node.name, version: "1", labels: [], credentials: [], cores: 4)
        nodes[index].process = SimulatedNode.Process(
            machine: FleetMachine(setup, record: record),
            forwarder: Forwarder(keys, node: node.name, journal: node.journalName, start: node.start),
            clockOffset: random.uniform(0, 1000))
        schedule(after: 0.01, index, .reset)
        schedule(after: random.uniform(0, 0.25), index, .tick)
        schedule(after: 0.3, index, .forward)
        schedule(after: 0.1, index, .produce)
    }

    // MARK: The network

    /// Seconds until a request is there; nil if it never is.
    func canReach(_ index: Int) -> Bool { time >= engineOffUntil && time >= nodes[index].partitionedUntil }

    mutating func delay() -> Double {
        if isQuiet { return random.uniform(0.001, 0.02) }
        // Some are on their way for longer than anybody waits.
        return random.chance(0.02) ? random.uniform(0.5, 6) : random.uniform(0.001, 0.05)
    }

    private mutating func arrive(_ one: Scheduled, _ number: Int, _ call: FleetMachine.Call) {
        calls += 1
        let answer: FleetMachine.Answer
        switch call {
        case .grant(let seconds): answer = .lease(store.grant(seconds: seconds, at: time))
        case .keepAlive(let lease): answer = .lives(seconds: store.keepAlive(lease, at: time))
        case .commit(let transaction):
            do { answer = .committed(try store.commit(tamper(transaction))) } catch { answer = .failed(error) }
        }
        guard one.incarnation == nodes[one.node].incarnation, canReach(one.node), time >= nodes[one.node].deafUntil
        else { return }
        schedule(after: delay(), one.node, .answer(number, answer))
    }

    private mutating func forwardArrives(
        _ one: Scheduled, _ number: Int, _ transaction: EngineTransaction, _ isReading: Bool
    ) {
        let answer = try? store.commit(tamper(transaction))
        guard one.incarnation == nodes[one.node].incarnation, canReach(one.node), time >= nodes[one.node].deafUntil
        else { return }
        schedule(after: delay(), one.node, .forwarded(number, answer, isReading: isReading))
    }
}
