import Foundation
import Logging
import WatchwordConfiguration
import WireFormat

/// Gives what is learnt on a stream to the node that takes the stream next, by a key in etcd.
extension FleetNode {
    private static let pause = Duration.seconds(600)

    /// Writes what is learnt on this node's streams to etcd, until the task is cancelled.
    ///
    /// That is every ten minutes, and some seconds after a threshold was set or the fleet's queries were changed.
    func keepLearnt() async {
        var due = ContinuousClock.now + Self.pause
        var waiting: Set<String> = []
        var queries: Int64 = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            waiting.formUnion(await host.takeNewlyLearnt())
            let newest = machine.view.queries.values.lazy.map(\.modified).max() ?? 0
            if queries != newest || .now >= due {
                if .now >= due { due = .now + Self.pause }
                queries = newest
                waiting.formUnion(machine.running.keys)
            }
            for stream in waiting.sorted() where machine.isMember && !Task.isCancelled {
                guard let one = machine.running[stream], one.phase == .playing else {
                    waiting.remove(stream)
                    continue
                }
                guard await writeLearnt(of: stream, epoch: one.epoch) else { break }
                waiting.remove(stream)
            }
        }
    }

    /// Writes what is learnt on a stream, if this node owns it and it has changed; returns false if etcd has failed.
    @discardableResult
    func writeLearnt(of stream: String, epoch: Int64) async -> Bool {
        do {
            let json = try await host.learnt(of: stream)
            let digest = LearntRecord.digest(of: json)
            guard digest != learntBefore[stream] ?? LearntRecord.nothing else { return true }
            learntBefore[stream] = digest
            guard let value = LearntRecord(node: configuration.node, epoch: epoch, json: json).value else {
                sayLearnt(stream, "what is learnt is too large for the fleet: \(json.count >> 10) KB; it stays here")
                return true
            }
            let mine = Ownership(configuration.node, epoch: epoch).data
            _ = try await engine.commit(
                EngineTransaction(if: [.value(keys.own(stream), mine)], then: [.put(keys.learn(stream), value)]))
            return true
        } catch {
            learntBefore[stream] = nil
            sayLearnt(stream, "what is learnt is not in the fleet yet: \(error)")
            return false
        }
    }

    /// Takes over what the node that had the stream before has learnt on it, if that can be read.
    func takeLearnt(of stream: String) async {
        let key = keys.learn(stream)
        do {
            let answer = try await engine.read(KeyRange(from: key, to: key + "\u{0}"), limit: 1, at: nil)
            guard let value = answer.values.first?.value else { return }
            guard let record = LearntRecord(value) else {
                return sayLearnt(stream, "\(key): expected what a node of this version has learnt; it is left alone")
            }
            // The journal has this node's own thresholds, at least as new ones.
            guard record.node != configuration.node else { return }
            let count = try await host.learn(record.json, of: stream)
            guard count > 0 else { return }
            logger.info(
                "fleet",
                metadata: ["stream": "\(stream)", "what": "\(count) thresholds go on as \(record.node) learnt them"])
        } catch {
            sayLearnt(stream, "what was learnt elsewhere cannot be taken over: \(error)")
        }
    }

    private func sayLearnt(_ stream: String, _ sentence: String) {
        logger.warning("fleet", metadata: ["stream": "\(stream)", "what": "\(sentence)"])
    }
}
