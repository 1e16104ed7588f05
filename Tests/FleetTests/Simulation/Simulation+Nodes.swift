import Fleet
import Foundation
import SystemSupport

/// What the nodes of the simulation do.
extension Simulation {
    mutating func handle(_ event: Event, _ index: Int) {
        switch event {
        case .tick:
            schedule(after: isQuiet ? 0.1 : random.uniform(0.05, 0.3), index, .tick)
            onMachine(index) { $0.tick($1) }
        case .answer(let number, let answer): onMachine(index) { machine, _ in machine.take(answer, of: number) }
        case .reset: reset(index)
        case .poll: poll(index)
        case .changes(let changes, let through):
            nodes[index].process?.watched = through
            nodes[index].process?.isWatching = false
            onMachine(index) { machine, _ in machine.take(changes) }
            if let head = nodes[index].process?.machine.view.head { nodes[index].process?.forwarder.follow(head) }
            schedule(after: 0.05, index, .poll)
        case .order: finishOrder(index)
        case .produce: produce(index)
        case .forward: forward(index)
        case .forwarded(let number, let answer, let isReading): forwarded(index, number, answer, isReading)
        default: break
        }
    }

    private mutating func onMachine(_ index: Int, _ body: (inout FleetMachine, Double) -> Void) {
        guard var machine = nodes[index].process?.machine else { return }
        body(&machine, time + (nodes[index].process?.clockOffset ?? 0))
        let effects = machine.takeEffects()
        nodes[index].process?.machine = machine
        for effect in effects { perform(effect, index) }
    }

    private mutating func perform(_ effect: FleetMachine.Effect, _ index: Int) {
        switch effect {
        case .ask(let number, let call, let claim):
            if let claim {
                nodes[index].books[claim.stream, default: EpochBook()].begin(claim.epoch, after: nodes[index].newest)
            }
            if canReach(index) { schedule(after: delay(), index, .arrive(number, call)) }
            schedule(after: 1, index, .answer(number, .failed(EngineError(.unreachable, "no answer within 1 s"))))
        case .start(let stream, _):
            let epoch = nodes[index].process?.machine.running[stream]?.epoch ?? 0
            nodes[index].process?.orders.append((stream, true, epoch))
            beginOrder(index)
        case .stop(let stream):
            nodes[index].process?.orders.append((stream, false, 0))
            beginOrder(index)
        case .joined(let identity):
            guard nodes[index].identity == nil else { return }
            nodes[index].identity = identity
            nodes[index].start = nodes[index].newest
        case .say: break
        }
    }

    // MARK: Streams

    private mutating func beginOrder(_ index: Int) {
        guard nodes[index].process?.isBusy == false, nodes[index].process?.orders.isEmpty == false else { return }
        nodes[index].process?.isBusy = true
        schedule(after: random.uniform(0.001, isQuiet ? 0.2 : 0.8), index, .order)
    }

    private mutating func finishOrder(_ index: Int) {
        guard let order = nodes[index].process?.orders.removeFirst() else { return }
        nodes[index].process?.isBusy = false
        nodes[index].process?.runs[order.stream] = order.isStart ? order.epoch : nil
        if !order.isStart {
            let newest = nodes[index].newest
            onMachine(index) { machine, _ in machine.stopped(order.stream, newest: newest) }
        }
        beginOrder(index)
    }

    private mutating func produce(_ index: Int) {
        schedule(after: random.uniform(0.1, 0.6), index, .produce)
        measure(index)
        guard !isSilent, let runs = nodes[index].process?.runs else { return }
        for (stream, epoch) in runs.sorted(by: { $0.key < $1.key }) where random.chance(0.6) {
            nodes[index].journal.append(
                SimulatedMessage(seq: nodes[index].newest + 1, stream: stream, epoch: epoch))
        }
    }

    /// Keeps the node's record as `FleetNode` does: its load as a moving average, rounded.
    private mutating func measure(_ index: Int) {
        guard var process = nodes[index].process else { return }
        let taken = process.runs.keys.sorted().reduce(0) { $0 + (costs[$1] ?? Self.usualCost) }
        process.load += (taken - process.load) * 0.1
        process.machine.record.cpu = (process.load * 20).rounded() / 20
        process.machine.record.streams = process.machine.running.count
        nodes[index].process = process
    }

    // MARK: Watching

    private mutating func reset(_ index: Int) {
        guard canReach(index) else { return schedule(after: 0.3, index, .reset) }
        let values = keys.state.flatMap { store.read($0).values }
        let revision = store.revision
        nodes[index].process?.watched = revision
        onMachine(index) { machine, _ in machine.reset(values, revision: revision) }
        schedule(after: 0.05, index, .poll)
    }

    private mutating func poll(_ index: Int) {
        guard let process = nodes[index].process, !process.isWatching else { return }
        guard canReach(index), isQuiet || random.chance(0.995) else { return schedule(after: 0.3, index, .reset) }
        do {
            var changes: [KeyChange] = []
            for range in keys.state { changes += try store.changes(range, after: process.watched) }
            guard !changes.isEmpty else { return schedule(after: 0.05, index, .poll) }
            nodes[index].process?.isWatching = true
            changes.sort { $0.revision < $1.revision }
            schedule(after: delay(), index, .changes(changes, through: store.revision))
        } catch {
            schedule(after: 0.1, index, .reset)
        }
    }

    // MARK: Forwarding

    private mutating func forward(_ index: Int) {
        guard let process = nodes[index].process else { return }
        guard process.forwarding == nil, nodes[index].identity != nil else {
            return schedule(after: 0.1, index, .forward)
        }
        let (node, view, running) = (nodes[index], process.machine.view, process.machine.running)
        var forwarder = process.forwarder
        var transaction: EngineTransaction?
        let isReading = forwarder.cursor == nil
        if let cursor = forwarder.cursor {
            let messages = node.journal.drop { $0.seq <= cursor }.prefix(Forwarder.most + 20).map {
                OutgoingMessage(seq: $0.seq, topic: "match.\($0.stream)", stream: $0.stream, body: Data("{}".utf8))
            }
            transaction = forwarder.batch(messages, through: node.newest, at: time) { stream in
                OwnerKnowledge.owner(of: stream, view, running, node: node.name)
            } epoch: { stream, seq in
                node.books[stream]?.epoch(of: seq)
            }
        } else {
            transaction = forwarder.reading
        }
        nodes[index].process?.forwarder = forwarder
        guard let transaction else { return schedule(after: 0.1, index, .forward) }
        order += 1
        let number = order
        nodes[index].process?.forwarding = number
        if canReach(index) {
            schedule(after: delay(), index, .forwardArrives(number, transaction, isReading: isReading))
        }
        schedule(after: 1, index, .forwarded(number, nil, isReading: isReading))
    }

    private mutating func forwarded(_ index: Int, _ number: Int, _ answer: TransactionAnswer?, _ isReading: Bool) {
        guard var process = nodes[index].process, process.forwarding == number else { return }
        process.forwarding = nil
        if let answer {
            if isReading || !answer.succeeded { process.forwarder.take(answer) } else { process.forwarder.succeeded() }
            if let cursor = process.forwarder.cursor { process.machine.forwarded = cursor }
        } else {
            process.forwarder.forget()
        }
        nodes[index].process = process
        schedule(after: 0.02, index, .forward)
    }
}
