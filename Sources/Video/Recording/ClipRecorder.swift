import Concurrency
import Foundation
package import Logging
package import StreamSources
import Synchronization
package import SystemSupport

/// Writes the clips of events: one thread, which reads the streams' rings and waits for the disk.
///
/// A disk that is full or slow costs clips and nothing else.
package final class ClipRecorder: Sendable {
    private struct Running {
        /// When the event ended, in seconds since 1970; nil while it goes on.
        var ended: Double?
        /// Files that have begun.
        var files = 0
        /// Whether it is a strip of pictures.
        let isStrip: Bool
    }

    /// A clip that the thread has not begun yet.
    private struct Wanted {
        let event: String
        let stream: String
        let ring: UnitRing
        let start: Double
        let isStrip: Bool
    }

    private struct State {
        var rings: [String: UnitRing] = [:]
        /// Clips that are being written, by event.
        var running: [String: Running] = [:]
        var wanted: [Wanted] = []
        var counts = ClipStatus()
        var isEnding = false
    }

    private let settings: ClipSettings
    private let folder: ClipFolder
    private let logger: Logger
    private let state = Mutex(State())
    private let news = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    /// Clips that are written at once, at most, of all streams and of one, and strips, which hold their pictures.
    private static let most = (all: 64, ofStream: 8, strips: 16)

    /// Makes the directory, beside a journal's snapshots if the settings name none, and takes up what a crash left; its
    /// thread ends with `close`.
    package init(_ settings: ClipSettings, journal: String?, logger: Logger) throws(FolderProblem) {
        guard let directory = settings.directory ?? journal.map({ "\($0).d/clips" }) else {
            throw FolderProblem("clips: there is no journal to keep them beside; give a directory")
        }
        self.settings = settings
        self.logger = logger
        folder = ClipFolder(path: directory)
        try PrivateFolder.make(directory)
        let found = folder.sweep()
        if found > 0 { logger.warning("clips were interrupted and end early", metadata: ["count": "\(found)"]) }
        measure()
        let thread = Thread { [self] in run() }
        thread.name = "watchword.clips"
        thread.start()
    }

    // MARK: Streams

    /// Keeps a stream's units from now on.
    package func keep(_ ring: UnitRing, of stream: String) {
        let isNew = state.withLock { state in
            defer { state.rings[stream] = ring }
            return state.rings[stream] !== ring
        }
        guard isNew else { return }
        ring.keep(Int(settings.ringMegabytes * 1e6))
    }

    /// Keeps nothing of a stream any more; `ring` is its.
    func drop(_ ring: UnitRing, of stream: String) {
        state.withLock { $0.rings[stream] = nil }
        ring.keep(nil)
    }

    // MARK: Events

    /// Begins the clip of an event that began at `time`, in seconds since 1970.
    package func begin(_ event: String, of stream: String, at time: Double) {
        let isTaken = state.withLock { state in
            guard !state.isEnding, state.running[event] == nil, Identifier.isEvent(event),
                let ring = state.rings[stream]
            else { return false }
            let ofStream = state.wanted.count { $0.stream == stream } + (state.counts.writing[stream] ?? 0)
            let isStrip = ring.isUnrecorded
            let strips = isStrip ? state.running.values.count { $0.isStrip } : 0
            guard state.running.count < Self.most.all, ofStream < Self.most.ofStream, strips < Self.most.strips else {
                state.counts.refused += 1
                return false
            }
            state.wanted.append(
                Wanted(event: event, stream: stream, ring: ring, start: time - settings.before, isStrip: isStrip))
            state.running[event] = Running(isStrip: isStrip)
            return true
        }
        guard isTaken else { return }
        news.signal()
    }

    /// Takes note that an event ended at `time`; where its clip will be, as far as its files are known.
    ///
    /// Nil if no clip of it is being written: then `files(of:)` says whether there is one.
    package func end(_ event: String, at time: Double) -> [String]? {
        let running = state.withLock { state in
            state.running[event]?.ended = time
            return state.running[event]
        }
        guard let running else { return nil }
        news.signal()
        guard !running.isStrip else { return [folder.strip(event)] }
        return (1...max(1, running.files)).map { folder.file(event, number: $0) }
    }

    /// The state of an event's clip.
    package enum Found: Sendable, Equatable {
        /// The paths of its files, in order; never empty.
        case files([String])
        case beingWritten
        case nothing
    }

    package func clip(of event: String) -> Found {
        guard Identifier.isEvent(event) else { return .nothing }
        if state.withLock({ $0.running[event] != nil }) { return .beingWritten }
        let files = folder.files(of: event)
        return files.isEmpty ? .nothing : .files(files)
    }

    /// Returns the paths of the clip of an event that is over, or an earlier process's; empty if it has none.
    ///
    /// It waits for the disk.
    package func files(of event: String) -> [String] { Identifier.isEvent(event) ? folder.files(of: event) : [] }

    package var status: ClipStatus { state.withLock { $0.counts } }

    // MARK: Retention

    /// Removes what is too old or too much; waits for the disk.
    ///
    /// `spared`: events whose clips stay, as do those that are being written.
    func retire(sparing spared: Set<String>) {
        let staying = state.withLock { spared.union($0.running.keys) }
        let removed = folder.retire(
            days: settings.days, bytes: Int(settings.gigabytes * 1e9), now: Date().timeIntervalSince1970,
            sparing: staying)
        measure()
        if removed > 0 { logger.notice("old clips were removed", metadata: ["count": "\(removed)"]) }
    }

    /// Does so each minute, until the task is cancelled.
    package func keepRetiring(sparing spared: @Sendable () async -> Set<String>) async {
        while !Task.isCancelled {
            let spared = await spared()
            await offPool { [self] in retire(sparing: spared) }
            try? await Task.sleep(for: .seconds(60))
        }
    }

    private func measure() {
        let kept = folder.all()
        let bytes = kept.reduce(0) { $0 + $1.bytes }
        state.withLock { ($0.counts.clips, $0.counts.bytes) = (kept.count, bytes) }
    }

    // MARK: The thread

    /// Ends the clips that are being written as they are, and waits for them.
    package func close() {
        state.withLock { $0.isEnding = true }
        news.signal()
        _ = ended.wait(timeout: .now() + 10)
    }

    private func run() {
        var clips: [any EventRecord] = []
        while true {
            if clips.isEmpty { news.wait() } else { _ = news.wait(timeout: .now() + Self.pause) }
            // Signals that came together are one.
            while news.wait(timeout: .now()) == .success {}
            let (wanted, isEnding) = state.withLock { state in
                defer { state.wanted = [] }
                return (state.wanted, state.isEnding)
            }
            clips += wanted.map(record)
            // A disk that is nearly full is left to the journal.
            let isFull = folder.free.map { Double($0) < settings.freeMegabytes * 1e6 } ?? false
            clips = clips.filter { !isOver($0, isLast: isEnding, isFull: isFull) }
            let writing = Dictionary(clips.map { ($0.stream, 1) }, uniquingKeysWith: +)
            state.withLock { state in
                state.counts.writing = writing
            }
            if isEnding, clips.isEmpty { break }
        }
        ended.signal()
    }

    private func record(_ one: Wanted) -> any EventRecord {
        let span = Clip.Span(start: one.start, after: settings.after, longest: settings.longest)
        return one.isStrip
            ? Strip(event: one.event, stream: one.stream, ring: one.ring, folder: folder, span)
            : Clip(event: one.event, stream: one.stream, ring: one.ring, folder: folder, span)
    }

    /// The time between two looks for new units while a clip is written.
    private static let pause = DispatchTimeInterval.milliseconds(100)

    private func isOver(_ clip: any EventRecord, isLast: Bool, isFull: Bool) -> Bool {
        let ended = state.withLock { $0.running[clip.event]?.ended }
        let outcome =
            isFull
            ? clip.giveUp("less than \(Int(settings.freeMegabytes)) MB of the disk are free")
            : clip.step(ended: ended, now: Date().timeIntervalSince1970, isLast: isLast)
        state.withLock { $0.running[clip.event]?.files = clip.files }
        guard let outcome else { return false }
        note(outcome, of: clip)
        return true
    }

    private func note(_ outcome: Clip.Outcome, of clip: any EventRecord) {
        let isNews = state.withLock { state in
            state.running[clip.event] = nil
            return state.counts.add(outcome)
        }
        var metadata: Logger.Metadata = ["event": "\(clip.event)", "stream": "\(clip.stream)"]
        switch outcome {
        case .written(let seconds, let bytes, let files, let cut, let problem):
            if files > 1 { metadata["files"] = "\(files)" }
            metadata["seconds"] = "\((seconds * 10).rounded() / 10)"
            metadata["bytes"] = "\(bytes)"
            if let cut { metadata["ends_early"] = "\(cut.rawValue)" }
            if let problem { metadata["reason"] = "\(problem)" }
            logger.info("clip", metadata: metadata)
            guard isNews else { break }
            if problem == nil {
                logger.notice("clips are written again")
            } else {
                logger.error("clips cannot be written whole; events go on", metadata: metadata)
            }
        case .nothing:
            metadata["reason"] = "no keyframe and no picture was held"
            logger.warning("an event has no clip", metadata: metadata)
        case .failed(let why, _):
            metadata["reason"] = "\(why)"
            if isNews { logger.error("clips cannot be written; events go on", metadata: metadata) }
        }
    }
}
