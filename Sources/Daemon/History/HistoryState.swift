package import Foundation
import History
import Segments
import WatchwordConfiguration
import WireFormat

/// The history's counters in the answer to the control operation `status`.
package struct HistoryCounts: Codable, Sendable {
    package let bytes: Int
    /// The number of embeddings, of frames and of windows, recorded since the daemon's start.
    ///
    /// `dropped` counts those for which the writer's queue was full, `lost` those that could not be written.
    package let recorded: UInt64
    package let dropped: UInt64
    package let lost: UInt64
    /// The number of pictures recorded; `picturesDropped` counts those that found the queue full.
    ///
    /// `picturesLost` counts those that could not be written.
    package let pictures: UInt64
    package let picturesDropped: UInt64
    package let picturesLost: UInt64
    /// The reason why the history records nothing at the moment; nil if it records.
    package let problem: String?

    init(_ status: HistoryStatus) {
        (bytes, recorded, dropped, lost) = (status.bytes, status.recorded, status.dropped, status.lost)
        (pictures, picturesDropped, picturesLost) = (status.pictures, status.picturesDropped, status.picturesLost)
        problem = status.problem
    }
}

/// The answer to the control operation `history.status`.
package struct HistoryState: Codable, Sendable {
    /// The recorded history of one lane (a stream or region).
    package struct Stream: Codable, Sendable {
        package let stream: String
        package var bytes: Int
        /// The first day with a recording, such as 2026-11-30; `last` is the last such day.
        package var first: String
        package var last: String
        /// The identities of the CLIP models that made the recordings; a search reads only those of the daemon's model.
        package var models: [String]
    }

    package let directory: String
    package let days: Double
    package let gigabytes: Double
    package let bytes: Int
    /// The number of embeddings, of frames and of windows, recorded since the daemon's start.
    ///
    /// `dropped` counts those for which the writer's queue was full, `lost` those that could not be written.
    package let recorded: UInt64
    package let dropped: UInt64
    package let lost: UInt64
    /// The number of pictures recorded; `picturesDropped` counts those that found the queue full.
    ///
    /// `picturesLost` counts those that could not be written.
    package let pictures: UInt64
    package let picturesDropped: UInt64
    package let picturesLost: UInt64
    /// The number of history files that were deleted because of the limits on age and size.
    package let removed: Int
    /// The reason why the history records nothing at the moment; nil if it records.
    package let problem: String?
    /// The time up to which all recordings are on the disk; nil before the first flush.
    package let flushed: Date?
    package var streams: [Stream]

    init(_ directory: String, _ settings: HistoryConfiguration, _ status: HistoryStatus, _ streams: [Stream]) {
        (self.directory, days, gigabytes) = (directory, settings.days, settings.gigabytes)
        (bytes, recorded, dropped, lost) = (status.bytes, status.recorded, status.dropped, status.lost)
        (removed, problem) = (status.removed, status.problem)
        (pictures, picturesDropped, picturesLost) = (status.pictures, status.picturesDropped, status.picturesLost)
        flushed = status.flushed.map { Date(timeIntervalSince1970: $0) }
        self.streams = streams
    }

    /// Returns a copy with only the streams that the caller may see; the counters still cover all streams.
    func seen(by caller: Caller) -> HistoryState {
        var seen = self
        seen.streams = streams.filter { caller.sees($0.stream) }
        return seen
    }

    /// Reads the headers of all files of the history, and returns the recorded streams sorted by name.
    static func streams(_ folder: HistoryFolder) -> [Stream] {
        var found: [String: Stream] = [:]
        for segment in folder.segments() {
            guard let header = try? SegmentReader(segment.path).header else { continue }
            let day = segment.day.map { HistoryFolder.dayName($0) } ?? ""
            var stream =
                found[header.stream]
                ?? Stream(stream: header.stream, bytes: 0, first: day, last: day, models: [])
            stream.bytes += segment.bytes
            (stream.first, stream.last) = (min(stream.first, day), max(stream.last, day))
            if !stream.models.contains(header.model) { stream.models.append(header.model) }
            found[header.stream] = stream
        }
        for name in found.keys { found[name]?.bytes += folder.pictures(of: name).reduce(0) { $0 + $1.bytes } }
        return found.values.sorted { $0.stream < $1.stream }
    }
}
