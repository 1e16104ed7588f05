import Fleet
import Foundation

/// What must hold, whatever happens.
extension Simulation {
    /// Each batch as it comes: gapless, and current only under the epoch that the engine holds then.
    mutating func checkLog() {
        guard let head = store.values[keys.head], head.modified > checkedLog else { return }
        for case .put(let value) in (try? store.changes(keys.log, after: checkedLog)) ?? [] {
            guard let batch = LogBatch(value.value) else {
                problems.append("\(value.key) is no batch")
                continue
            }
            for message in batch.messages where !message.isLate {
                guard let stream = message.stream else { continue }
                let held = store.values[keys.own(stream)].flatMap { Ownership($0.value) }
                if held != Ownership(message.node, epoch: message.epoch) {
                    problems.append(
                        "at \(time) s, seq \(message.seq) of \(message.node) is current under epoch \(message.epoch), "
                            + "and the engine holds \(held.map { "\($0.node)/\($0.epoch)" } ?? "nothing")")
                }
            }
        }
        checkedLog = store.revision
    }

    /// How often each stream was moved from one node to another.
    var moves: [String: Int] {
        var (planned, moves): ([String: Data], [String: Int]) = ([:], [:])
        for case .put(let value) in store.changes {
            guard let (kind, stream) = keys.parts(value.key), kind == "want" else { continue }
            if let before = planned[stream], before != value.value { moves[stream, default: 0] += 1 }
            planned[stream] = value.value
        }
        return moves
    }

    mutating func checkEnd() {
        checkClaims()
        checkMessages()
        checkStreams()
    }

    /// At most one owner of each epoch, and epochs only grow.
    private mutating func checkClaims() {
        var newest: [String: Ownership] = [:]
        for case .put(let value) in store.changes {
            guard let (kind, stream) = keys.parts(value.key), kind == "own", let own = Ownership(value.value) else {
                continue
            }
            if let before = newest[stream] {
                let isRelease = own.node.isEmpty && own.epoch == before.epoch && !before.node.isEmpty
                if !isRelease, own.epoch <= before.epoch {
                    problems.append(
                        "stream \(stream): \(before.node)/\(before.epoch), then \(own.node)/\(own.epoch)")
                }
            }
            newest[stream] = own
        }
    }

    /// No gap, nothing missing, nothing twice, each node in order; the epochs of current messages never go back.
    private mutating func checkMessages() {
        var expected: Int64 = 1
        var reached: [String: Int64] = [:]
        var epochs: [String: Int64] = [:]
        var found: [String: [Int64]] = [:]
        for value in store.read(keys.log).values {
            guard let batch = LogBatch(value.value) else { continue }
            for message in batch.messages {
                if message.seq != expected {
                    problems.append("the log has \(message.seq) where \(expected) was expected")
                }
                expected = message.seq + 1
                if message.n <= reached[message.node] ?? 0 {
                    problems.append("\(message.node): \(message.n) comes after \(reached[message.node] ?? 0)")
                }
                reached[message.node] = message.n
                found[message.node, default: []].append(message.n)
                guard let stream = message.stream, !message.isLate else { continue }
                if message.epoch < epochs[stream] ?? 0 {
                    problems.append("stream \(stream): epoch \(message.epoch) is current after \(epochs[stream] ?? 0)")
                }
                epochs[stream] = message.epoch
                let node = nodes.first { $0.name == message.node }
                if let truth = node?.journal.first(where: { $0.seq == message.n }), truth.epoch > message.epoch {
                    problems.append("\(message.node): \(message.n) is of epoch \(truth.epoch), not \(message.epoch)")
                }
            }
        }
        for node in nodes {
            let due = node.journal.map(\.seq).filter { $0 > node.start }
            let missing = Set(due).subtracting(found[node.name] ?? [])
            if let first = missing.min() {
                problems.append("\(node.name): \(missing.count) messages are missing, the first is \(first)")
            }
            if Set(found[node.name] ?? []).count != (found[node.name] ?? []).count {
                problems.append("\(node.name): a message is twice in the log")
            }
        }
    }

    /// After healing each stream runs on its owner and nowhere else.
    private mutating func checkStreams() {
        for value in store.read(KeyRange(prefix: keys.stream(""))).values {
            guard let stream = keys.parts(value.key)?.name else { continue }
            let own = store.values[keys.own(stream)].flatMap { Ownership($0.value) }
            let runners = nodes.filter { $0.process?.runs[stream] != nil }.map(\.name)
            if own.map({ runners != [$0.node] }) ?? true {
                problems.append("stream \(stream): owner \(own?.node ?? "nobody"), run by \(runners)")
            }
        }
    }
}
