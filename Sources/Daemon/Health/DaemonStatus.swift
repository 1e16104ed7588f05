package import Engine
package import Notify
package import Publishing
package import Recording
import WireFormat

/// The answer of `status`.
package struct DaemonStatus: Codable, Sendable {
    package let version: String
    package let model: String
    package let head: String
    package let frames: Int
    package let uptime: Double
    package let queries: Int
    package var streams: [StreamStatus]
    package let encoded: Int
    package let gated: Int
    /// Frames that showed nothing: black, frozen, or without any edge.
    package let blind: Int
    /// Learnt thresholds, by query and stream: still learning, pinned, and those that no longer fit.
    package let thresholds: LearntThresholds
    /// Queries of an import that are being embedded.
    package let importing: QueryRegistry.Progress?
    package let scored: Int
    /// Windows that were scored again in float32, and those in doubt for which there was no time.
    package let rescored: Int
    package let undecided: Int
    package let events: Int
    /// Messages of events that wait to be told, and updates left out since newer ones said what they said.
    package let waitingMessages: Int
    package let coalescedUpdates: Int
    /// Nil unless events come faster than they are told.
    package var storm: StormStatus?
    package let failedBatches: Int
    package let waiting: Int
    package let seq: Int64
    /// Whether messages outlive the process: there is a journal, and it takes them.
    package let journaled: Bool
    package let journal: JournalStatus
    /// Nil where no history is kept.
    package let history: HistoryCounts?
    /// Nil where no clips are kept.
    package var clips: ClipStatus?
    package var notifiers: [NotifierStatus]
    package let rssMB: Double

    /// Returns the status with only the streams that a caller sees; counters remain those of all streams.
    func seen(by caller: Caller) -> DaemonStatus {
        guard caller.streams != nil else { return self }
        var seen = self
        seen.streams = streams.filter { caller.sees($0.name) }
        seen.notifiers = []
        (seen.storm, seen.clips) = (nil, nil)
        return seen
    }
}
