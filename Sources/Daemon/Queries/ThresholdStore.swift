import Concurrency
package import Engine
package import Foundation
import Journal
package import Logging
import Matching
package import Publishing

/// Saves the thresholds that are learnt for queries with a budget of alerts per day, and reports their changes.
///
/// It has its own thread, since thousands of learnt thresholds are some megabytes of JSON.
package actor ThresholdStore {
    private let executor = QueueExecutor(label: "watchword.thresholds")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let engine: ScoringEngine
    private let outbox: Outbox
    private let logger: Logger
    /// The streams on which a threshold was set or changed since a fleet has last asked.
    private var news: Set<String> = []

    package init(engine: ScoringEngine, outbox: Outbox, logger: Logger) {
        (self.engine, self.outbox, self.logger) = (engine, outbox, logger)
    }

    /// Loads the saved calibrations (the state of learnt thresholds) into the engine; unreadable ones are logged.
    package func begin() async throws {
        for saved in try await outbox.calibrations() {
            do {
                let calibration = try JSONDecoder().decode(Calibration.self, from: saved.json)
                await engine.restore(calibration, query: saved.query, lane: saved.stream)
            } catch {
                logger.error(
                    "what was learnt of a query is left out",
                    metadata: ["query.id": "\(saved.query)", "stream": "\(saved.stream)", "error": "\(error)"])
            }
        }
    }

    /// Saves changed calibrations every `pause` until the task is cancelled.
    package func run(every pause: Duration = .seconds(60)) async {
        // After cancelling, the caller saves once more and waits for that; so no save may begin here then.
        while (try? await Task.sleep(for: pause)) != nil { await save() }
    }

    /// Saves the calibrations (the state of learnt thresholds) that changed since the last save.
    package func save() async {
        let discarded = await engine.takeDiscarded()
        if !discarded.isEmpty {
            let which = discarded.prefix(20).joined(separator: ", ")
            logger.notice("thresholds of another wording or model are learnt anew", metadata: ["which": "\(which)"])
        }
        let changed = await engine.changedCalibrations()
        guard !changed.isEmpty else { return }
        do {
            let saved = try changed.map {
                SavedCalibration(query: $0.query, stream: $0.lane, json: try JSONEncoder().encode($0.calibration))
            }
            try await outbox.save(calibrations: saved)
        } catch {
            logger.error("learnt thresholds cannot be kept", metadata: ["error": "\(error)"])
        }
    }

    /// Saves thresholds that were newly set or changed, then logs and publishes the changes.
    package func record(_ changes: [ThresholdChange]) async {
        news.formUnion(changes.map { String($0.lane.prefix { $0 != "/" }) })
        await save()
        for change in changes {
            logger.notice(
                "threshold",
                metadata: [
                    "query.id": "\(change.query)", "stream": "\(change.lane)", "version": "\(change.change.version)",
                    "old": "\(change.change.old.map { "\($0)" } ?? "none")", "new": "\(change.change.new)",
                    "why": "\(change.change.why)",
                ])
        }
        await outbox.send(changes.map(\.pending))
    }

    // MARK: A fleet's nodes

    private struct Learnt: Codable {
        let query: String
        let stream: String
        let calibration: Calibration
    }

    /// Returns the streams on which a threshold was set or changed since the last call.
    package func takeNews() -> Set<String> {
        defer { news = [] }
        return news
    }

    /// Returns what is learnt on a stream and its regions, as JSON for another node of the fleet.
    package func learnt(of stream: String) async throws -> Data {
        await save()
        let all = try await outbox.calibrations(of: stream).compactMap { saved in
            (try? JSONDecoder().decode(Calibration.self, from: saved.json)).map {
                Learnt(query: saved.query, stream: saved.stream, calibration: $0)
            }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return try encoder.encode(all)
    }

    /// Takes over what another node has learnt on a stream; returns the number of thresholds and beginnings of them.
    ///
    /// They replace this daemon's own thresholds of the same queries, unless the stream runs here.
    package func take(_ json: Data, of stream: String) async throws -> Int {
        var taken: [SavedCalibration] = []
        for one in try JSONDecoder().decode([Learnt].self, from: json) {
            let isOfStream = one.stream == stream || one.stream.hasPrefix(stream + "/")
            guard isOfStream, await !engine.hasLane(one.stream) else { continue }
            await engine.restore(one.calibration, query: one.query, lane: one.stream)
            taken.append(
                SavedCalibration(
                    query: one.query, stream: one.stream, json: try JSONEncoder().encode(one.calibration)))
        }
        if !taken.isEmpty { try await outbox.save(calibrations: taken) }
        return taken.count
    }

    /// Sets a query's learnt thresholds anew from recent scores, on all lanes (streams and regions) or one.
    ///
    /// Returns the changes; nil if there is no such query.
    package func recalibrate(_ id: String, lane: String?) async -> [ThresholdChange]? {
        guard let changes = await engine.recalibrate(id, lane: lane) else { return nil }
        if !changes.isEmpty { await record(changes) }
        return changes
    }
}
