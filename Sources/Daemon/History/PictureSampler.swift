import Engine
import Foundation
import History
import Matching
import Pixels
import Sampling
import Synchronization

/// Chooses the pictures that a history keeps: one every ten seconds of a stream, and one at each event's peak.
///
/// They are compressed where they are written, on the history's thread.
final class PictureSampler: Sendable {
    /// The picture of an open event's peak.
    private struct Peak {
        let stream: String
        let wall: Double
        let jpeg: Data
    }

    private let writer: HistoryWriter
    /// The time of each stream's last picture, in seconds since 1970.
    private let lasts = Mutex<[String: Double]>([:])
    private let peaks = Mutex<[String: Peak]>([:])
    /// Time of the last peak's picture of each stream: many events may have the same.
    private let lastPeaks = Mutex<[String: Double]>([:])
    /// The JPEG quality: the files are smaller than those that are kept of events, some 10 kB.
    private static let quality = 60

    init(_ writer: HistoryWriter) { self.writer = writer }

    /// Receives a stream's frame; called on streaming threads.
    ///
    /// `isRecorded` is called only if a picture is due.
    func see(_ frame: Frame, of stream: String, isRecorded: () -> Bool) {
        guard let preview = frame.preview else { return }
        let wall = frame.wallClock.timeIntervalSince1970
        lasts.withLock { lasts in
            if let last = lasts[stream], abs(wall - last) < HistoryPicture.pause { return }
            guard isRecorded() else { return }
            let picture = HistoryPicture(stream: stream, wall: wall, isPeak: false) {
                preview.atMost(HistoryPicture.longestSide).jpeg(quality: Self.quality)
            }
            // If there is no room, the next frame is taken.
            if writer.append(picture) { lasts[stream] = wall }
        }
    }

    /// Receives a phase of an event; at its end, the peak's picture is kept if the lane is recorded.
    func see(_ detection: Detection, isRecorded: Bool) {
        let peak = peaks.withLock { peaks in
            if isRecorded, let jpeg = detection.snapshot {
                peaks[detection.event] = Peak(
                    stream: detection.stream, wall: detection.transition.peak.wallTime, jpeg: jpeg)
            }
            return detection.transition.phase == .end ? peaks.removeValue(forKey: detection.event) : nil
        }
        guard let peak, isRecorded, lastPeaks.withLock({ $0.updateValue(peak.wall, forKey: peak.stream) }) != peak.wall
        else { return }
        writer.append(
            HistoryPicture(stream: peak.stream, wall: peak.wall, isPeak: true) {
                JPEGFile.reduced(peak.jpeg, longest: HistoryPicture.longestSide, quality: Self.quality)
            })
    }

    /// Forgets the pictures of open events that are covered by a removal.
    func forget(_ removal: HistoryRemoval) {
        peaks.withLock { $0 = $0.filter { !removal.takes($0.value.stream, at: $0.value.wall) } }
    }

    /// Forgets a stream that was removed; if it comes back, its first frame is kept as a picture.
    func forget(_ stream: String) {
        lasts.withLock { $0[stream] = nil }
        lastPeaks.withLock { $0[stream] = nil }
    }
}
