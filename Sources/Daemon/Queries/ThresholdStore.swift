import Concurrency
package import Engine
import Foundation
import Journal
package import Logging
import Matching
package import Publishing

/// Stores what is learnt for budgets: saves it regularly, and records each threshold that is pinned or moved.
///
/// It runs on its own executor: thousands of learnt thresholds are some megabytes of JSON.
package actor ThresholdStore {
    private let executor = QueueExecutor(label: "watchword.thresholds")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let engine: ScoringEngine
    private let outbox: Outbox
    private let logger: Logger

    package init(engine: ScoringEngine, outbox: Outbox, logger: Logger) {
        self.engine = engine
        self.outbox = outbox
        self.logger = logger
    }

    /// Gives the engine the saved calibrations; unreadable ones are left out and logged.
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

    /// Saves regularly, until the task is cancelled.
    package func run(every pause: Duration = .seconds(60)) async {
        // Whoever cancels it saves once more, and waits for that: a save begun here would take it from under them.
        while (try? await Task.sleep(for: pause)) != nil { await save() }
    }

    /// Saves the calibrations that changed since the last time.
    package func save() async {
        let changed = await engine.changedCalibrations()
        guard !changed.isEmpty else { return }
        do {
            let saved = try changed.map { learnt in
                SavedCalibration(
                    query: learnt.query, stream: learnt.lane, json: try JSONEncoder().encode(learnt.calibration))
            }
            try await outbox.save(calibrations: saved)
        } catch {
            logger.error("learnt thresholds cannot be kept", metadata: ["error": "\(error)"])
        }
    }

    /// Records thresholds that were pinned or moved: saves them, then sends messages.
    package func record(_ changes: [ThresholdChange]) async {
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

    /// Recalibrates a query's learnt thresholds, on all lanes or one; returns nil if there is no such query.
    package func recalibrate(_ id: String, lane: String?) async -> [ThresholdChange]? {
        guard let changes = await engine.recalibrate(id, lane: lane) else { return nil }
        if !changes.isEmpty { await record(changes) }
        return changes
    }
}
