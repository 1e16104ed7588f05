import Backtesting
import CLIP
import Concurrency
import ControlAPI
import Engine
package import Foundation
import Heads
package import History
import Logging
import Matching
import Sampling
import Segments
import Synchronization
import WatchwordConfiguration

/// The daemon's history: it records embedded frames, and answers questions about the past.
///
/// Recording never waits. Questions run on their own threads, at low priority and one of a kind at a time.
package final class DaemonHistory: Sendable {
    let folder: HistoryFolder
    private let writer: HistoryWriter
    private let engine: ScoringEngine
    private let model: ModelDirectory
    private let finder: HeadFinder
    private let rerank: Int
    private let calibration: CalibrationSettings
    private let settings: HistoryConfiguration
    /// Chooses pictures; nil if none are kept.
    private let pictures: PictureSampler?
    /// The lanes whose stream has `history: off`.
    private let silent = Mutex<Set<String>>([])
    private let searches = SerialTaskQueue(on: .bulk)
    private let backtests = SerialTaskQueue(on: .bulk)
    private let lessons = SerialTaskQueue(on: .bulk)

    /// The bytes of the disk that are left free for the journal: events have priority over the history.
    private static let reserve = 256_000_000

    /// Opens a directory; throws if it cannot be written.
    init(
        _ directory: String, _ settings: HistoryConfiguration, engine: ScoringEngine, finder: HeadFinder,
        _ with: Configuration
    )
        throws
    {
        let model = engine.model
        guard model.architecture.vision.linearPatch == .planar else {
            throw HistoryProblem(
                .unwritable, directory, "embeddings of a model with 3D patches depend on the window: it has no history")
        }
        (self.engine, self.model, self.finder, self.settings) = (engine, model, finder, settings)
        (rerank, calibration) = (with.rerank, with.calibration)
        folder = HistoryFolder(directory)
        writer = try HistoryWriter(
            directory,
            HistoryWriter.Settings(
                model: model.historyIdentity, width: model.architecture.embedding,
                window: min(with.frames ?? model.defaults.frames, SegmentHeader.longestWindow),
                retention: HistoryRetention(
                    days: settings.days, bytes: Int(settings.gigabytes * 1e9), reserve: Self.reserve)))
        pictures = settings.pictures ? PictureSampler(writer) : nil
    }

    /// The directory that a configuration names, with the settings; nil for no history, or without a possible place.
    static func directory(_ configuration: Configuration) -> (String, HistoryConfiguration)? {
        guard let settings = configuration.history else { return nil }
        if let directory = settings.directory { return (directory, settings) }
        guard let journal = configuration.journal else { return nil }
        return ("\(journal).d/history", settings)
    }

    // MARK: Recording

    /// Records the frames of a batch, without waiting.
    func record(_ step: BatchResult) {
        let silent = silent.withLock { $0 }
        for frame in step.frames where !silent.contains(frame.lane) {
            writer.append(
                HistoryFrame(
                    stream: frame.lane, embedding: frame.embedding, media: frame.mediaTime, wall: frame.wallClock,
                    isDiscontinuity: frame.isDiscontinuity, isRepeat: frame.isRepeat))
        }
        for clip in step.clips where !silent.contains(clip.lane) {
            writer.append(
                HistoryClip(
                    stream: clip.lane, head: clip.head, frames: clip.span.frames, embedding: clip.embedding,
                    mediaStart: clip.span.mediaStart, mediaEnd: clip.span.mediaEnd, wallEnd: clip.span.wallEnd))
        }
        for lane in step.ended { writer.end(lane) }
    }

    /// Receives a stream's frame, whose picture may be kept; called on streaming threads.
    func see(_ frame: Frame, of stream: String) {
        pictures?.see(frame, of: stream) { !silent.withLock { $0.contains(stream) } }
    }

    /// Receives a phase of an event, whose picture may be kept.
    func see(_ detection: Detection) {
        pictures?.see(detection, isRecorded: !silent.withLock { $0.contains(detection.stream) })
    }

    /// Sets whether a lane is recorded from now on.
    func setRecorded(_ lane: String, _ isRecorded: Bool) {
        silent.withLock { silent in
            if isRecorded { silent.remove(lane) } else { silent.insert(lane) }
        }
    }

    /// Ends a lane's recording; later frames of the lane continue nothing.
    func end(_ lane: String) {
        pictures?.forget(lane)
        writer.end(lane)
    }

    /// Finishes all segments; waits for the disk.
    func close() { writer.close() }

    package var status: HistoryStatus { writer.status }

    // MARK: Questions

    /// The streams with a history, and its size.
    func state() async -> HistoryState {
        let (folder, status, settings) = (folder, writer.status, settings)
        let streams = await offPool { HistoryState.streams(folder) }
        return HistoryState(folder.path, settings, status, streams)
    }

    /// Refuses a head that is not there; and for what is like a moment one that pairs windows with texts alone.
    func check(head: String, isLike: Bool) throws {
        guard head != "mean", try !finder.load(head).pools, isLike else { return }
        throw ControlFailure(
            .refused,
            "head \(head): expected one that makes embeddings of windows, found one that pairs texts and windows; "
                + "search for what is like a moment with the mean head")
    }

    /// Searches for the moments of one query; returns them with what could not be searched.
    ///
    /// A head other than the mean needs `embedding`, the query's as the tower gives it, and `frames`, the length
    /// of a window.
    func search(_ query: HistoryQuery, _ embedding: [Float], frames: Int) async throws -> HistoryResult {
        var query = query
        query.threads = 1
        let (asked, folder) = (query, folder)
        guard query.head != "mean" else {
            return try await ask(searches) { HistorySearch(folder).run(asked, goesOn: $0) }
        }
        let replayed = try ReplayedSearch(
            embedding, head: query.head, frames: frames, model: model, finder: finder)
        return try await ask(searches) { try replayed.run(folder, asked, goesOn: $0) }
    }

    /// The embedding of the window or clip at a moment; nil if there is none.
    func embedding(_ point: HistoryPoint, head: String, frames: Int?) async throws -> [Float]? {
        let (folder, model) = (folder, model)
        return try await ask(searches) { _ in
            point.embedding(
                folder, model: model.historyIdentity, width: model.architecture.embedding, head: head, frames: frames)
        }
    }

    /// The moments in the form of answers, with the paths of their pictures.
    func shown(_ moments: [HistoryMoment]) async -> [MomentLine] {
        let folder = folder
        return await offPool {
            var pictures = HistoryPictures(folder)
            return moments.map { moment in
                var line = MomentLine(moment)
                if moment.file == nil, let at = pictures.timeOfNearest(moment.stream, at: moment.wallPeak) {
                    line.preview = PicturePath.of(moment.stream, at: at)
                }
                return line
            }
        }
    }

    /// The picture nearest to a time, with its own time in seconds since 1970; waits for the disk.
    package func picture(_ stream: String, at wall: Double) -> (jpeg: Data, wall: Double)? {
        var pictures = HistoryPictures(folder)
        return pictures.nearest(stream, at: wall)
    }

    /// The events that queries would have had; the first query is the one to test.
    func backtest(
        _ queries: [EmbeddedQuery], labels: [String: [String]], from: Double?, to: Double?, alertsPerDay: Double
    ) async throws -> BacktestResult {
        var backtest = Backtest(
            queries, model: model, finder: finder, identity: model.historyIdentity, alertsPerDay: alertsPerDay)
        (backtest.from, backtest.to, backtest.rerank, backtest.calibration) = (from, to, rerank, calibration)
        (backtest.error, backtest.threads) = (engine.historyError, 1)
        backtest.pins = await engine.pins(of: queries.map(\.query.id))
        backtest.labels = { labels[$0] ?? [] }
        let (asked, folder) = (backtest, folder)
        return try await ask(backtests) { try asked.run(folder, goesOn: $0) }
    }

    /// The calibrations that the history gives for queries with a budget, by lane, and what could not be read.
    ///
    /// Lanes whose history is too short to pin a threshold are left out.
    func learn(
        _ queries: [EmbeddedQuery], labels: [String: [String]]
    ) async throws -> (learnt: [LearntCalibration], skipped: [String]) {
        let (model, finder, rerank, calibration, folder) = (model, finder, rerank, calibration, folder)
        return try await ask(lessons) { goesOn in
            try HistoryLearning(
                queries, model: model, finder: finder, rerank: rerank, calibration: calibration,
                labels: { labels[$0] ?? [] }
            ).run(folder, goesOn: goesOn)
        }
    }

    /// Runs a question when its turn comes, after everything recorded so far was written.
    private func ask<T: Sendable>(
        _ queue: SerialTaskQueue, _ body: @escaping @Sendable (_ goesOn: @escaping @Sendable () -> Bool) throws -> T
    ) async throws -> T {
        let writer = writer
        return try await queue.takeWhileWanted {
            // Not at low priority: the writer waits for it.
            await offPool { writer.flushWithoutTrimming() }
            return try await Self.atLowPriority(body)
        }
    }

    /// Removes some streams, or a span of them.
    func remove(_ removal: HistoryRemoval) async -> HistoryRemoval.Result {
        pictures?.forget(removal)
        let writer = writer
        return await offPool { writer.remove(removal) }
    }

    /// Runs `body` on a separate thread of low priority; `goesOn` returns false once the task is cancelled.
    private static func atLowPriority<T: Sendable>(
        _ body: @escaping @Sendable (_ goesOn: @escaping @Sendable () -> Bool) throws -> T
    ) async throws -> T {
        let isOver = CancelFlag()
        return try await withTaskCancellationHandler {
            try await offPoolThrowing {
                // Of the calling thread alone, on Linux.
                setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
                return try body { !isOver.isSet }
            }
        } onCancel: {
            isOver.set()
        }
    }
}

/// A flag that is set once, from any thread.
private final class CancelFlag: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}
