import Foundation
package import Segments
import Synchronization
import SystemSupport

/// The counters and the state of a `HistoryWriter`.
package struct HistoryStatus: Sendable, Equatable {
    /// The number of frames and clips that were accepted for recording; some may have been lost later.
    package var recorded: UInt64 = 0
    /// The number of frames and clips that were dropped because the queue was full.
    package var dropped: UInt64 = 0
    /// The number of frames and clips that could not be written to the disk; whole blocks are lost.
    package var lost: UInt64 = 0
    /// The number of pictures that were written.
    ///
    /// `picturesDropped` counts pictures that found the queue full, `picturesLost` those that could not be written.
    package var pictures: UInt64 = 0
    package var picturesDropped: UInt64 = 0
    package var picturesLost: UInt64 = 0
    /// The number of segments (files of embeddings) that were removed by age or size.
    package var removed = 0
    /// The size of all files of the history in bytes.
    package var bytes = 0
    /// The reason why nothing can be written at the moment; nil if the last writes succeeded.
    package var problem: String?
    /// The time at which the last flush to the disk ended, in seconds since 1970; nil before the first.
    package var flushed: Double?

    package init() {}
}

/// Records frames, clip embeddings and pictures to the files of a history, on its own thread.
///
/// `append` never waits: if the bounded queue is full, the frame is dropped and counted, and no window of frames spans
/// the gap. Every `flushInterval` seconds, everything is written to the disk. A full disk only stops the recording,
/// until there is space.
// @unchecked: `inbox` is a mutex; all other mutable properties are only used on `queue`
package final class HistoryWriter: @unchecked Sendable {
    package struct Settings: Sendable {
        /// The identity of the model that makes the embeddings.
        package var model: String
        package var width: Int
        /// The number of frames in a window; searches need the norm of each such window, which is stored.
        package var window: Int
        package var retention = HistoryRetention()
        package var flushInterval: Double = 30
        /// The greatest number of entries (frames or clips) in the queue; further ones are dropped.
        package var depth = 2048
        /// The greatest number of pictures in the queue; they are not compressed yet, so each is large.
        package var pictureDepth = 8

        package init(model: String, width: Int, window: Int, retention: HistoryRetention = HistoryRetention()) {
            (self.model, self.width, self.window, self.retention) = (model, width, window, retention)
        }
    }

    private enum Item: Sendable {
        case frame(HistoryFrame)
        case clip(HistoryClip)
        case picture(HistoryPicture)
        case end(String)
    }
    private struct Inbox {
        var items: [Item] = []
        /// The number of pictures among the queued items.
        var pictures = 0
        var isScheduled = false
        var isClosed = false
        /// The streams that lost a frame because the queue was full: no window of frames spans the gap.
        var broken: Set<String> = []
        var status = HistoryStatus()
    }
    private struct ClipLane: Hashable {
        let stream: String
        let head: String
        let frames: Int
    }

    private let folder: HistoryFolder
    private let settings: Settings
    private let queue = DispatchQueue(label: "watchword.history", qos: .utility)
    private let inbox = Mutex(Inbox())
    private let space: HistorySpace
    private let now: @Sendable () -> Double
    private var lanes: [String: LaneRecorder] = [:]
    private var clips: [ClipLane: ClipEmbeddingRecorder] = [:]
    private var pictures: [String: PictureRecorder] = [:]
    /// The number of entries (frames or clips) that were lost by recorders that are already finished.
    private var lostBefore = 0
    /// True if a write has failed since the last flush.
    private var hasFailed = false
    private var timer: (any DispatchSourceTimer)?
    /// The lock on the history's directory; nil once the writer is closed.
    private var lock: DirectoryLock?

    /// Opens a history's directory for writing, creates it if it is missing, and deletes files that exceed the limits.
    ///
    /// It throws an error of kind `inUse` if another writer has it open, in this process or another.
    package init(
        _ path: String, _ settings: Settings,
        now: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 }
    ) throws(HistoryProblem) {
        folder = HistoryFolder(path)
        self.settings = settings
        self.now = now
        lock = try folder.lock()
        space = HistorySpace(folder, settings.retention, now: now)
        inbox.withLock { $0.status.bytes = space.used }
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.schedule(
            deadline: .now() + settings.flushInterval, repeating: settings.flushInterval, leeway: .seconds(1))
        timer.setEventHandler { [weak self] in self?.writeAndTrim() }
        timer.resume()
        self.timer = timer
    }

    deinit { timer?.cancel() }

    package var status: HistoryStatus { inbox.withLock { $0.status } }

    // MARK: From any thread, without waiting

    /// Queues a frame for recording, without waiting; returns false if the queue is full or the writer is closed.
    @discardableResult
    package func append(_ frame: HistoryFrame) -> Bool { post(.frame(frame), of: frame.stream) }

    /// Queues a clip embedding without waiting; returns false if the queue is full or the writer is closed.
    @discardableResult
    package func append(_ clip: HistoryClip) -> Bool { post(.clip(clip), of: nil) }

    /// Queues a picture for recording, without waiting; returns false if the queue is full or the writer is closed.
    ///
    /// It is compressed later, on the writer's thread.
    @discardableResult
    package func append(_ picture: HistoryPicture) -> Bool { post(.picture(picture), of: nil) }

    /// Finishes the files of a stream that has ended, on the writer's thread.
    package func end(_ stream: String) { _ = post(.end(stream), of: nil) }

    private func post(_ item: Item, of stream: String?) -> Bool {
        inbox.withLock { inbox in
            guard !inbox.isClosed else { return false }
            if case .picture = item {
                guard inbox.pictures < settings.pictureDepth, inbox.items.count < settings.depth else {
                    inbox.status.picturesDropped += 1
                    return false
                }
                inbox.pictures += 1
            }
            // The end of a stream is queued even if the queue is full, because nothing else closes its files.
            let isEnd = if case .end = item { true } else { false }
            guard isEnd || inbox.items.count < settings.depth else {
                inbox.status.dropped += 1
                if let stream { inbox.broken.insert(stream) }
                return false
            }
            if case .frame(var frame) = item, inbox.broken.remove(frame.stream) != nil {
                frame.isDiscontinuity = true
                // A frame that repeats the previous embedding needs one of its own after a loss, since the repeated one
                // may be lost.
                frame.isRepeat = false
                inbox.items.append(.frame(frame))
            } else {
                inbox.items.append(item)
            }
            if !inbox.isScheduled {
                inbox.isScheduled = true
                queue.async { [weak self] in self?.takeQueued() }
            }
            return true
        }
    }

    // MARK: From any thread, waiting for the disk

    /// Writes everything queued to the disk, and deletes files that exceed the limits; waits until both are done.
    package func flush() { queue.sync { writeAndTrim() } }

    /// Writes everything queued to the disk, and waits until it is done, so that the caller can read it.
    ///
    /// Unlike `flush`, it deletes no file.
    package func flushWithoutTrimming() { queue.sync { writeQueued() } }

    /// Finishes all files and waits for that; nothing is accepted afterwards.
    package func close() {
        inbox.withLock { $0.isClosed = true }
        queue.sync {
            guard lock != nil else { return }
            takeQueued()
            timer?.cancel()
            finish { _ in true }
            space.tidy()
            note { $0.bytes = space.used }
            lock = nil
        }
    }

    /// Removes recorded streams or a span of their time, and waits until it is done; see `HistoryRemoval`.
    package func remove(_ removal: HistoryRemoval) -> HistoryRemoval.Result {
        queue.sync {
            guard lock != nil else {
                var result = HistoryRemoval.Result()
                result.skips.note(HistoryProblem(.unwritable, folder.path, "this writer is closed"))
                return result
            }
            takeQueued()
            finish { removal.selects($0) }
            let result = removal.run(folder, space)
            space.tidy()
            note { $0.bytes = space.used }
            return result
        }
    }

    // MARK: On the queue

    private func note(_ change: (inout HistoryStatus) -> Void) { inbox.withLock { change(&$0.status) } }

    private func noteFailure(_ problem: HistoryProblem) {
        hasFailed = true
        let lost = lanes.values.reduce(lostBefore) { $0 + $1.lost } + clips.values.reduce(0) { $0 + $1.lost }
        note {
            $0.lost = UInt64(lost)
            $0.problem = problem.description
        }
    }

    /// Empties the queue into the recorders, which may keep the newest entries in memory.
    private func takeQueued() {
        let items = inbox.withLock { inbox in
            defer { inbox.items = [] }
            inbox.isScheduled = false
            inbox.pictures = 0
            return inbox.items
        }
        for item in items { take(item) }
    }

    private func take(_ item: Item) {
        do throws(HistoryProblem) {
            switch item {
            case .frame(let frame): try lane(frame.stream).append(frame)
            case .clip(let clip): try recorder(of: clip).append(clip)
            case .picture(let picture): return try take(picture)
            case .end(let stream):
                finish { $0 == stream }
                return
            }
            note { $0.recorded += 1 }
        } catch {
            noteFailure(error)
        }
    }

    private func take(_ picture: HistoryPicture) throws(HistoryProblem) {
        let recorder = pictures[picture.stream] ?? PictureRecorder(folder, picture.stream, space: space)
        pictures[picture.stream] = recorder
        do throws(HistoryProblem) {
            if try recorder.append(picture) { note { $0.pictures += 1 } }
        } catch {
            note { $0.picturesLost += 1 }
            throw error
        }
    }

    private func lane(_ stream: String) throws(HistoryProblem) -> LaneRecorder {
        if let lane = lanes[stream] { return lane }
        let header = SegmentHeader(
            kind: .frames, model: settings.model, width: settings.width, window: settings.window, head: "mean",
            stream: stream)
        let lane = try LaneRecorder(folder, header, space: space)
        lanes[stream] = lane
        return lane
    }

    private func recorder(of clip: HistoryClip) -> ClipEmbeddingRecorder {
        let key = ClipLane(stream: clip.stream, head: clip.head, frames: clip.frames)
        if let recorder = clips[key] { return recorder }
        let header = SegmentHeader(
            kind: .clips, model: settings.model, width: settings.width, window: clip.frames, head: clip.head,
            stream: clip.stream)
        let recorder = ClipEmbeddingRecorder(folder, header, space: space)
        clips[key] = recorder
        return recorder
    }

    private func writeAndTrim() {
        writeQueued()
        sealAndTrim()
    }

    /// Writes everything queued to the disk; must be called on `queue`.
    private func writeQueued() {
        guard lock != nil else { return }
        takeQueued()
        tryEach(lanes.values) { lane throws(HistoryProblem) in try lane.flush() }
        tryEach(clips.values) { clip throws(HistoryProblem) in try clip.flush() }
        tryEach(pictures.values) { pictures throws(HistoryProblem) in try pictures.flush() }
    }

    /// Closes files to which nothing was added since the last call: segments of earlier days, and picture files of any
    /// day.
    ///
    /// Then removes what exceeds the limits on the history's size and age, and updates the status.
    private func sealAndTrim() {
        guard lock != nil else { return }
        let today = HistoryFolder.day(at: now())
        tryEach(lanes.values) { lane throws(HistoryProblem) in try lane.seal(before: today) }
        tryEach(clips.values) { clip throws(HistoryProblem) in try clip.seal(before: today) }
        tryEach(pictures.values) { pictures throws(HistoryProblem) in try pictures.seal() }
        space.tidy()
        let (time, isWell) = (now(), !hasFailed)
        hasFailed = false
        note {
            if isWell { $0.problem = nil }
            $0.bytes = space.used
            $0.removed = space.removed
            $0.flushed = time
        }
    }

    private func finish(where isMeant: (String) -> Bool) {
        let ending = lanes.filter { isMeant($0.key) }
        let endingClips = clips.filter { isMeant($0.key.stream) }
        tryEach(ending.values) { lane throws(HistoryProblem) in try lane.finish() }
        tryEach(endingClips.values) { clip throws(HistoryProblem) in try clip.finish() }
        tryEach(pictures.filter { isMeant($0.key) }.values) { pictures throws(HistoryProblem) in try pictures.finish() }
        pictures = pictures.filter { !isMeant($0.key) }
        lostBefore += ending.values.reduce(0) { $0 + $1.lost } + endingClips.values.reduce(0) { $0 + $1.lost }
        for stream in ending.keys { lanes[stream] = nil }
        for key in endingClips.keys { clips[key] = nil }
    }

    /// Calls `body` for each item; an error in one is noted and does not stop the others.
    private func tryEach<T>(_ items: some Sequence<T>, _ body: (T) throws(HistoryProblem) -> Void) {
        for item in items {
            do throws(HistoryProblem) { try body(item) } catch { noteFailure(error) }
        }
    }
}
