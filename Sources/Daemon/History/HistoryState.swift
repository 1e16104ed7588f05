package import Foundation
import History
import Segments
import WatchwordConfiguration
import WireFormat

/// The counters of the history, in the answer of `status`.
package struct HistoryCounts: Codable, Sendable {
    package let bytes: Int
    /// The entries recorded; `dropped` found the queue full, and `lost` could not be written.
    package let recorded: UInt64
    package let dropped: UInt64
    package let lost: UInt64
    /// The pictures kept; the next two count those dropped and lost.
    package let pictures: UInt64
    package let picturesDropped: UInt64
    package let picturesLost: UInt64
    /// The reason why nothing is recorded at the moment.
    package let problem: String?

    init(_ status: HistoryStatus) {
        (bytes, recorded, dropped, lost) = (status.bytes, status.recorded, status.dropped, status.lost)
        (pictures, picturesDropped, picturesLost) = (status.pictures, status.picturesDropped, status.picturesLost)
        problem = status.problem
    }
}

/// The answer of `history.status`.
package struct HistoryState: Codable, Sendable {
    /// The history of one lane.
    package struct Stream: Codable, Sendable {
        package let stream: String
        package var bytes: Int
        /// The first day with a recording, such as 2026-11-30; `last` is the last one.
        package var first: String
        package var last: String
        /// The models that made the history; only recordings by the daemon's own model can be searched.
        package var models: [String]
    }

    package let directory: String
    package let days: Double
    package let gigabytes: Double
    package let bytes: Int
    /// The entries recorded; `dropped` found the queue full, and `lost` could not be written.
    package let recorded: UInt64
    package let dropped: UInt64
    package let lost: UInt64
    /// The pictures kept; the next two count those dropped and lost.
    package let pictures: UInt64
    package let picturesDropped: UInt64
    package let picturesLost: UInt64
    /// The segments that retention has removed.
    package let removed: Int
    /// The reason why nothing is recorded at the moment.
    package let problem: String?
    /// The time up to which everything is on the disk.
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

    /// Returns the state with only the streams that a caller sees; counters remain those of all streams.
    func seen(by caller: Caller) -> HistoryState {
        var seen = self
        seen.streams = streams.filter { caller.sees($0.stream) }
        return seen
    }

    /// Reads the headers of all segments.
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
