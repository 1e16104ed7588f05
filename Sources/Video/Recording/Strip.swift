import Foundation
import Pixels
import SystemSupport

/// Collects the pictures around one event and writes them as one JPEG file, a strip; used by the recorder's thread
/// alone.
///
/// It takes the place of a clip if the stream's coding is not recorded. The longer the event, the further apart the
/// pictures.
final class Strip: EventRecord {
    let event: String
    let stream: String
    private(set) var files = 0
    private let ring: UnitRing
    private let span: Clip.Span
    private let folder: ClipFolder
    private var next: UInt64 = 0
    private var pictures: [UnitRing.Still] = []
    /// The least number of seconds between two pictures; it grows with the event's length.
    private var apart = 0.0
    private var isOver = false
    private let begun = ContinuousClock.now

    /// The greatest number of pictures of a strip, and the number in each row.
    static let (most, columns) = (24, 4)
    private static let quality = 75
    /// The seconds by which a picture may arrive late.
    private static let slack = 1.0

    init(event: String, stream: String, ring: UnitRing, folder: ClipFolder, _ span: Clip.Span) {
        (self.event, self.stream, self.ring, self.folder, self.span) = (event, stream, ring, folder, span)
    }

    func step(ended: Double?, now: Double, isLast: Bool) -> Clip.Outcome? {
        let end = ended.map { $0 + span.after }
        let cut = take(until: end)
        let isPast = end.map { now > $0 + Self.slack } ?? false
        let isLong = ContinuousClock.now - begun > .seconds(span.longest + Self.slack + 60)
        guard isOver || isLast || isPast || isLong else { return nil }
        return write(cut ?? (isOver || isPast ? nil : isLast ? .stopped : .longest))
    }

    /// Takes the pictures that have arrived; returns the reason if the strip ends before the event does, otherwise nil.
    ///
    /// `end` is the time at which the strip ends, in seconds since 1970; nil while the event is open.
    private func take(until end: Double?) -> Clip.Cut? {
        for still in ring.stills(from: next) {
            next = still.number + 1
            guard still.at >= span.start else { continue }
            if let end, still.at > end {
                isOver = true
                return nil
            }
            if let first = pictures.first, still.at - first.at > span.longest {
                isOver = true
                return .longest
            }
            if let last = pictures.last, still.at - last.at < apart { continue }
            pictures.append(still)
            guard pictures.count > Self.most else { continue }
            pictures = pictures.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
            apart = zip(pictures, pictures.dropFirst()).map { $1.at - $0.at }.min() ?? 0
        }
        return nil
    }

    private func write(_ cut: Clip.Cut?) -> Clip.Outcome {
        guard let first = pictures.first, let last = pictures.last else { return .nothing }
        guard let jpeg = Preview.strip(pictures.map(\.picture), columns: Self.columns)?.jpeg(quality: Self.quality)
        else { return .failed("there is no memory for a strip of pictures", isFull: false) }
        do {
            try AtomicFile.write(jpeg, to: folder.strip(event), mode: 0o600, .one)
        } catch {
            return .failed("\(error)", isFull: error.code == ENOSPC)
        }
        files = 1
        return .written(seconds: last.at - first.at, bytes: jpeg.count, files: 1, cut: cut)
    }

    func giveUp(_ why: String) -> Clip.Outcome { .failed(why, isFull: true) }
}

/// A recording of one event that is being written: a clip or a strip of pictures; used by the recorder's thread alone.
protocol EventRecord: AnyObject {
    var event: String { get }
    var stream: String { get }
    /// The number of files that were begun.
    var files: Int { get }
    /// Writes what has arrived; returns the recording's outcome once it is over, otherwise nil.
    ///
    /// `ended` is the time at which the event ended, and `now` the present, in seconds since 1970; a nil `ended` means
    /// that the event is open. If `isLast`, the recording waits for nothing more and ends.
    func step(ended: Double?, now: Double, isLast: Bool) -> Clip.Outcome?
    /// Ends the recording for the reason `why`, and leaves no incomplete file.
    func giveUp(_ why: String) -> Clip.Outcome
}
