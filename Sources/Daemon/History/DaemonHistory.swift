import Backtesting
import CLIP
import Concurrency
import ControlAPI
import Engine
package import Foundation
import Heads
package import History
import Live
import Logging
import Matching
import Sampling
import Segments
import Synchronization
import WatchwordConfiguration

/// The daemon's history: records the embeddings of frames on disk, and searches them later.
///
/// Recording never waits. Searches, backtests of queries and the learning of thresholds run on their own threads, at
/// low priority and one of each kind at a time.
package final class DaemonHistory: Sendable {
    let folder: HistoryFolder
    private let writer: HistoryWriter
    private let engine: ScoringEngine
    private let model: ModelDirectory
    private let finder: HeadFinder
    private let rerank: Int
    private let calibration: CalibrationSettings
    private let settings: HistoryConfiguration
    /// Chooses the preview pictures that the history keeps; nil if it keeps none.
    private let pictures: PictureSampler?
    /// The names of the lanes (streams or regions) that run without `history: off`; only these are recorded.
    private let recorded = Mutex<Set<String>>([])
    private let searches = SerialTaskQueue(on: .bulk)
    private let backtests = SerialTaskQueue(on: .bulk)
    private let lessons = SerialTaskQueue(on: .bulk)

    /// The bytes that the history leaves free on its disk, so that the journal of events never lacks space.
    private static let reserve = 256_000_000

    /// Opens the history in a directory; throws if the directory cannot be written or the model cannot have a history.
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

    /// Returns the history's directory and settings; nil if the configuration has no history or no place for one.
    static func directory(_ configuration: Configuration) -> (String, HistoryConfiguration)? {
        guard let settings = configuration.history else { return nil }
        if let directory = settings.directory { return (directory, settings) }
        guard let journal = configuration.journal else { return nil }
        return ("\(journal).d/history", settings)
    }

    // MARK: Recording

    /// Records the embeddings of a scored batch's frames and windows, without waiting for the disk.
    func record(_ step: BatchResult) {
        let recorded = recorded.withLock { $0 }
        for frame in step.frames where recorded.contains(frame.lane) {
            writer.append(
                HistoryFrame(
                    stream: frame.lane, embedding: frame.embedding, media: frame.mediaTime, wall: frame.wallClock,
                    isDiscontinuity: frame.isDiscontinuity, isRepeat: frame.isRepeat))
        }
        for clip in step.clips where recorded.contains(clip.lane) {
            writer.append(
                HistoryClip(
                    stream: clip.lane, head: clip.head, frames: clip.span.frames, embedding: clip.embedding,
                    mediaStart: clip.span.mediaStart, mediaEnd: clip.span.mediaEnd, wallEnd: clip.span.wallEnd))
        }
        for lane in step.ended { writer.end(lane) }
    }

    /// Keeps a stream's frame as a picture of the history if one is due; called on streaming threads.
    func see(_ frame: Frame, of stream: String) {
        pictures?.see(frame, of: stream) { recorded.withLock { $0.contains(stream) } }
    }

    /// Keeps the best picture of an event in the history when the event ends; called for each start, update and end.
    func see(_ detection: Detection) {
        pictures?.see(detection, isRecorded: recorded.withLock { $0.contains(detection.stream) })
    }

    /// Turns the recording of a lane (a stream or region) on or off.
    func setRecorded(_ lane: String, _ isRecorded: Bool) {
        recorded.withLock { recorded in
            if isRecorded { recorded.insert(lane) } else { recorded.remove(lane) }
        }
    }

    /// Ends the recording of a lane (a stream or region); later frames of that name begin a new one.
    func end(_ lane: String) {
        setRecorded(lane, false)
        pictures?.forget(lane)
        writer.end(lane)
    }

    /// Closes the history's files; waits until everything is on the disk.
    func close() { writer.close() }

    package var status: HistoryStatus { writer.status }

    // MARK: Questions

    /// Returns the answer to `history.status`: the recorded streams, sizes and counters; reads the disk.
    func state() async -> HistoryState {
        let (folder, status, settings) = (folder, writer.status, settings)
        let streams = await offPool { HistoryState.streams(folder) }
        return HistoryState(folder.path, settings, status, streams)
    }

    /// Throws if the history cannot be searched with a head (the model that scores a window).
    ///
    /// With `isLike`, the search begins with a moment instead of a text, so the head must make embeddings of windows.
    func check(head: String, isLike: Bool) throws {
        guard head != "mean", try !finder.load(head).pools, isLike else { return }
        throw ControlFailure(
            .refused,
            "head \(head): expected one that makes embeddings of windows, found one that pairs texts and windows; "
                + "search for what is like a moment with the mean head")
    }

    /// Searches the history for the moments that fit a query best; the result also lists parts that could not be read.
    ///
    /// `embedding` is the query's embedding, not normalised, and `frames` the length of a window. They are used only
    /// for a head (model that scores a window) other than "mean".
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

    /// Returns the recorded embedding of the window (a few consecutive frames) at a moment; nil if there is none.
    ///
    /// `head` names the model that made the embedding of the window, and `frames` is the window's length.
    func embedding(_ point: HistoryPoint, head: String, frames: Int?) async throws -> [Float]? {
        let (folder, model) = (folder, model)
        return try await ask(searches) { _ in
            point.embedding(
                folder, model: model.historyIdentity, width: model.architecture.embedding, head: head, frames: frames)
        }
    }

    /// Converts moments that a search found to the lines of its answer, with the path of the nearest picture of each.
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

    /// Returns the recorded JPEG picture nearest to a time, and its own time, in seconds since 1970; reads the disk.
    package func picture(_ stream: String, at wall: Double) -> (jpeg: Data, wall: Double)? {
        var pictures = HistoryPictures(folder)
        return pictures.nearest(stream, at: wall)
    }

    /// Computes the events that the queries would have had in the recorded time; the first query is the one to test.
    ///
    /// `labels` are the labels of each stream; `from` and `to` are seconds since 1970. The result proposes a threshold
    /// for `alertsPerDay` alerts.
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

    /// Computes thresholds from the history for queries with a budget of alerts per day, for each stream or region.
    ///
    /// Streams with too short a history are left out. `skipped` lists the parts of the history that could not be read.
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

    /// Runs `body` on a low-priority thread after earlier work of `queue`, once pending recordings are on the disk.
    private func ask<T: Sendable>(
        _ queue: SerialTaskQueue, _ body: @escaping @Sendable (_ goesOn: @escaping @Sendable () -> Bool) throws -> T
    ) async throws -> T {
        let writer = writer
        return try await queue.takeWhileWanted {
            // The flush has normal priority, since the writer waits for it.
            await offPool { writer.flushWithoutTrimming() }
            return try await Self.atLowPriority(body)
        }
    }

    /// Removes recorded streams, or a span of their time, from the history; returns what was removed.
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
                // On Linux, this sets the priority of the calling thread only.
                setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
                return try body { !isOver.isSet }
            }
        } onCancel: {
            isOver.set()
        }
    }
}

/// A flag that is set once, from any thread, when a task has been cancelled.
private final class CancelFlag: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}
