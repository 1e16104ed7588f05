import Foundation
import Muxing
import Sampling
import SystemSupport

/// Writes the clip of one event: the coded video around it, in one MP4 file or several; used by the recorder's thread
/// alone.
///
/// A file ends where the stream is opened again or its format changes. The next file begins with the next keyframe.
final class Clip: EventRecord {
    /// The outcome of writing a clip; numbers are the sums over its files.
    enum Outcome: Equatable {
        /// At least one file was written; `cut` is the reason why the clip ends early, and nil if it does not.
        ///
        /// `problem` is the reason why the clip's last file could not be written; nil if it could.
        case written(seconds: Double, bytes: Int, files: Int, cut: Cut?, problem: String? = nil)
        /// The stream's ring (its last coded pictures, in memory) had no keyframe or, for a strip, no picture to begin
        /// with.
        case nothing
        case failed(String, isFull: Bool)
    }

    /// The reason why a clip or one of its files ends early.
    enum Cut: String {
        case longest = "it has its most seconds"
        case format = "the stream's format changed"
        case session = "the stream was opened again"
        case lost = "the disk was too slow"
        case stopped = "Watchword ended"

        /// True if another file of the same clip can continue with the pictures that follow.
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
    /// The time of the clip's first picture, in seconds since 1970; nil before it.
    private var start: Double?
    /// The number of files that were begun; `sums` has the seconds and bytes of the published ones.
    private(set) var files = 0
    /// The number of published files: complete, and renamed from `.part` to their final names.
    private var published = 0
    private var sums = (seconds: 0.0, bytes: 0)
    /// The reason why the last file ended, while the clip waits for a keyframe to begin another; otherwise nil.
    private var pending: Cut?
    private let begun = ContinuousClock.now

    /// The span of time that a clip is to cover.
    struct Span {
        /// The time at which the clip should begin, in seconds since 1970.
        let start: Double
        /// The seconds from the event's end to the clip's end; `longest` is the greatest length of the clip in seconds.
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

    /// The greatest number of coded pictures (units) that are read from the ring at once.
    private static let chunk = 64
    /// The seconds by which a coded picture may arrive late.
    private static let slack = 2.0

    /// Writes the coded pictures that have arrived; returns the clip's outcome once it is over, otherwise nil.
    ///
    /// `ended` is the time at which the event ended, and `now` the present, in seconds since 1970; a nil `ended` means
    /// that the event is open. If `isLast`, the clip waits for nothing more and ends.
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
                // If the muxer has no room, the disk was too slow, and the end of the clip is missing.
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

    /// Returns true if the clip's end is past, even if no coded picture has a later time.
    ///
    /// A steady clock is checked as well, because the system clock may be set back.
    private func isPast(_ end: Double?, _ now: Double) -> Bool {
        if let end, now > end + Self.slack { return true }
        if let start, now > start + span.longest + Self.slack { return true }
        return ContinuousClock.now - begun > .seconds(span.longest + Self.slack + 60)
    }

    /// Returns the keyframe with which a file begins; nil if there is none yet.
    ///
    /// The first file begins with the newest keyframe at or before the clip's start, or else with the oldest one in the
    /// ring; a later file begins with the next keyframe.
    private func firstUnit() -> UnitRing.Numbered? {
        files == 0 ? ring.keyframe(before: span.start) : ring.keyframe(from: next)
    }

    /// Returns true if a coded picture comes after the clip's end, or after its greatest length.
    private func isBeyond(_ unit: CodedUnit, _ end: Double?) -> Bool {
        guard let start else { return false }
        return unit.at > end ?? .infinity || unit.at - start > span.longest
    }

    /// Creates a `.part` file that begins with this keyframe, and a muxer that writes it.
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

    /// The reason why no more pictures are written to a file: the clip's end is reached, or the file is cut.
    private enum Ending {
        case due
        case cut(Cut)
    }

    /// Passes the coded pictures that have arrived to the muxer; returns the reason if the file ends with them, nil if
    /// more are wanted.
    private func write(_ muxer: UnitMuxer, until end: Double?) -> Ending? {
        while muxer.hasRoom {
            let read = ring.units(from: next, most: Self.chunk)
            if read.hasGap { return .cut(.lost) }
            for numbered in read.units {
                guard let first = feed?.first else { return nil }
                let unit = numbered.unit
                if numbered.session != first.session { return .cut(.session) }
                if !unit.format.continues(first.unit.format) { return .cut(.format) }
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

    /// Ends the clip, and deletes the file that is being written; complete files stay.
    func giveUp(_ why: String) -> Outcome { fail(why, isFull: true) }

    private func fail(_ why: String, isFull: Bool) -> Outcome {
        stage = .over
        part = nil
        return published > 0 ? written(.lost, problem: why) : .failed(why, isFull: isFull)
    }

    /// Renames the complete file to its final name; returns the clip's outcome, or nil if another file follows.
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
