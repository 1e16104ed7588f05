import Foundation
import Muxing
import Sampling
import SystemSupport

/// The clip of one event on its way into its files; used by the recorder's thread alone.
///
/// A file ends where the stream is opened again or its format changes; the next one begins with the next keyframe.
final class Clip: EventRecord {
    /// The outcome of writing a clip, with the sums of its files.
    enum Outcome: Equatable {
        /// `problem`: why its last file could not be written; the others are there.
        case written(seconds: Double, bytes: Int, files: Int, cut: Cut?, problem: String? = nil)
        /// The ring had no unit to begin with.
        case nothing
        case failed(String, isFull: Bool)
    }

    /// Why it ends before its time.
    enum Cut: String {
        case longest = "it has its most seconds"
        case format = "the stream's format changed"
        case session = "the stream was opened again"
        case lost = "the disk was too slow"
        case stopped = "Watchword ended"

        /// Whether another file can go on with what comes.
        var isOfFile: Bool { self == .format || self == .session }
    }

    private enum Stage {
        case waiting
        case writing(UnitMuxer)
        case ending(UnitMuxer, Cut?)
        case over
    }

    let event: String
    let stream: String
    private let ring: UnitRing
    private let span: Span
    private let folder: ClipFolder
    private var part: AtomicFile.Part?
    private var stage = Stage.waiting
    private var next: UInt64 = 0
    /// The units of the newest file.
    private var feed: UnitFeed?
    /// When the clip began, in seconds since 1970.
    private var start: Double?
    /// Files that have begun, and what those that are over have.
    private(set) var files = 0
    /// Files that have their names.
    private var published = 0
    private var sums = (seconds: 0.0, bytes: 0)
    /// Why the last file is over, while another is waited for.
    private var pending: Cut?
    private let begun = ContinuousClock.now

    /// Seconds of the span.
    struct Span {
        /// Seconds since 1970 at which it should begin.
        let start: Double
        /// Seconds from its event's end to its own, and from its start at most.
        let after: Double
        let longest: Double
    }

    init(event: String, stream: String, ring: UnitRing, folder: ClipFolder, _ span: Span) {
        self.event = event
        self.stream = stream
        self.ring = ring
        self.folder = folder
        self.span = span
    }

    /// Units that are read from the ring at once.
    private static let chunk = 64
    /// Seconds that a unit may be late.
    private static let slack = 2.0

    /// Writes what has come; nil while it is not over.
    ///
    /// `ended`: when the event did, in seconds since 1970; `isLast`: nothing more is waited for.
    func step(ended: Double?, now: Double, isLast: Bool) -> Outcome? {
        let end = ended.map { $0 + span.after }
        switch stage {
        case .waiting:
            do throws(MuxError) {
                if let first = firstUnit(), !isBeyond(first.unit, end) {
                    try begin(with: first)
                    return step(ended: ended, now: now, isLast: isLast)
                }
            } catch {
                return fail(error.description, isFull: false)
            }
            guard isLast || isPast(end, now) else { return nil }
            stage = .over
            return files == 0 ? .nothing : written(pending)
        case .writing(let muxer):
            if case .failed(let why, let isFull) = muxer.progress() { return fail(why, isFull: isFull) }
            switch write(muxer, until: end) {
            case .due?:
                finish(muxer, nil)
                return nil
            case .cut(let why)?:
                finish(muxer, why)
                return nil
            case nil: break
            }
            if isPast(end, now) {
                // Where the disk could not take all of it, the rest is missing.
                finish(muxer, muxer.hasRoom ? nil : .lost)
            } else if isLast {
                finish(muxer, .stopped)
            }
            return nil
        case .ending(let muxer, let cut):
            switch muxer.progress() {
            case .running: return nil
            case .failed(let why, let isFull): return fail(why, isFull: isFull)
            case .done: return publish(cut, goesOn: !isLast && !isPast(end, now))
            }
        case .over: return .nothing
        }
    }

    /// Whether its end is past, also where no unit says so; by a steady clock, too, as the other may be set back.
    private func isPast(_ end: Double?, _ now: Double) -> Bool {
        if let end, now > end + Self.slack { return true }
        if let start, now > start + span.longest + Self.slack { return true }
        return ContinuousClock.now - begun > .seconds(span.longest + Self.slack + 60)
    }

    /// The keyframe to begin a file with: the one before the start, later the first that comes; nil without one.
    private func firstUnit() -> UnitRing.Numbered? {
        files == 0 ? ring.keyframe(before: span.start) : ring.keyframe(from: next)
    }

    /// Whether a unit comes after all that is wanted.
    private func isBeyond(_ unit: CodedUnit, _ end: Double?) -> Bool {
        guard let start else { return false }
        return unit.at > end ?? .infinity || unit.at - start > span.longest
    }

    /// Begins a file with a keyframe.
    private func begin(with first: UnitRing.Numbered) throws(MuxError) {
        let part = AtomicFile.Part(of: folder.file(event, number: files + 1))
        let descriptor = open(part.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw MuxError("\(part.path): \(String(cString: strerror(errno)))") }
        close(descriptor)
        let muxer = try UnitMuxer(first.unit.format, file: part.path)
        (self.part, feed, next, pending) = (part, UnitFeed(from: first), first.number, nil)
        files += 1
        start = start ?? first.unit.at
        stage = .writing(muxer)
    }

    /// Why no more is written.
    private enum Ending {
        case due
        case cut(Cut)
    }

    /// Writes the units that have come; nil while more are wanted.
    private func write(_ muxer: UnitMuxer, until end: Double?) -> Ending? {
        while muxer.hasRoom {
            let read = ring.units(from: next, most: Self.chunk)
            if read.hasGap { return .cut(.lost) }
            for numbered in read.units {
                guard let first = feed?.first else { return nil }
                let unit = numbered.unit
                if numbered.session != first.session { return .cut(.session) }
                if unit.format != first.unit.format { return .cut(.format) }
                if let end, unit.at > end { return .due }
                if isBeyond(unit, nil) { return .cut(.longest) }
                next = numbered.number + 1
                feed?.put(unit, into: muxer)
            }
            if read.units.count < Self.chunk { return nil }
        }
        return nil
    }

    private func finish(_ muxer: UnitMuxer, _ cut: Cut?) {
        muxer.end()
        stage = .ending(muxer, cut)
    }

    /// Writes no more, and leaves nothing of the file that was being written.
    func giveUp(_ why: String) -> Outcome { fail(why, isFull: true) }

    private func fail(_ why: String, isFull: Bool) -> Outcome {
        stage = .over
        part = nil
        return published > 0 ? written(.lost, problem: why) : .failed(why, isFull: isFull)
    }

    /// Names the file; nil if another one follows.
    private func publish(_ cut: Cut?, goesOn: Bool) -> Outcome? {
        stage = .over
        defer { part = nil }
        do {
            guard let part else { return .nothing }
            try part.publish()
        } catch {
            return fail("\(error)", isFull: error.code == ENOSPC)
        }
        published += 1
        let path = folder.file(event, number: files)
        sums.seconds += feed?.last ?? 0
        sums.bytes += (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int ?? 0
        guard let cut, cut.isOfFile, goesOn, files < ClipFolder.mostFiles else { return written(cut) }
        (stage, pending) = (.waiting, cut)
        return nil
    }

    private func written(_ cut: Cut?, problem: String? = nil) -> Outcome {
        .written(seconds: sums.seconds, bytes: sums.bytes, files: published, cut: cut, problem: problem)
    }
}
