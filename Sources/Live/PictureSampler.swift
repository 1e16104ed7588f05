package import Engine
import Foundation
package import History
import Matching
import Pixels
package import Sampling
import Synchronization

/// Chooses the pictures that the history keeps: one of each stream every ten seconds, and one at each event's peak.
///
/// They are compressed to JPEG on the history's writing thread, not by the caller.
package final class PictureSampler: Sendable {
    /// The picture at the best score so far of an event that has not ended.
    private struct Peak {
        let stream: String
        let wall: Double
        let jpeg: Data
    }

    private let writer: HistoryWriter
    /// The time of the last picture of each stream that was kept at a regular interval, in seconds since 1970.
    private let lasts = Mutex<[String: Double]>([:])
    private let peaks = Mutex<[String: Peak]>([:])
    /// The time of each stream's last picture of an event's peak; it prevents copies for several events with one peak.
    private let lastPeaks = Mutex<[String: Double]>([:])
    /// The JPEG quality of the pictures, lower than for events' snapshots; a file has some 10 kB.
    private static let quality = 60

    package init(_ writer: HistoryWriter) { self.writer = writer }

    /// Keeps a stream's frame as a picture if ten seconds have passed since its last one; called on streaming threads.
    ///
    /// `isRecorded` returns true if the stream is recorded, and is called only when a picture is due.
    package func see(_ frame: Frame, of stream: String, isRecorded: () -> Bool) {
        guard let preview = frame.preview else { return }
        let wall = frame.wallClock.timeIntervalSince1970
        lasts.withLock { lasts in
            if let last = lasts[stream], abs(wall - last) < HistoryPicture.pause { return }
            guard isRecorded() else { return }
            let picture = HistoryPicture(stream: stream, wall: wall, isPeak: false) {
                preview.atMost(HistoryPicture.longestSide).jpeg(quality: Self.quality)
            }
            // If the writer's queue is full, the next frame is tried.
            if writer.append(picture) { lasts[stream] = wall }
        }
    }

    /// Remembers the picture at an event's best score, and keeps it in the history when the event ends.
    ///
    /// Nothing is kept if `isRecorded` is false, that is, if the event's stream has no history.
    package func see(_ detection: Detection, isRecorded: Bool) {
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

    /// Forgets the remembered pictures of open events that a removal from the history covers.
    package func forget(_ removal: HistoryRemoval) {
        peaks.withLock { $0 = $0.filter { !removal.takes($0.value.stream, at: $0.value.wall) } }
    }

    /// Forgets when a removed stream's last pictures were kept, so that its first frame is kept if it comes back.
    package func forget(_ stream: String) {
        lasts.withLock { $0[stream] = nil }
        lastPeaks.withLock { $0[stream] = nil }
        peaks.withLock { $0 = $0.filter { $0.value.stream != stream } }
    }
}
